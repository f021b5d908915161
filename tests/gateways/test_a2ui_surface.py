"""A decision as an A2UI surface: valid by the published schemas, ours by every component, and words stay words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from referencing import Registry, Resource

from waggledance import FunctionPeer, Swarm
from waggledance.core import Decision, Dissent, Message, PeerId, UsageError
from waggledance.gateways._a2ui_action import Action, asked_by, draws
from waggledance.gateways._a2ui_surface import CATALOG, literal, surface_of
from waggledance.protocols import Debate

SCHEMAS = Path(__file__).parent / "a2ui_v0_9"
"""Of google/A2UI's specification 0.9 (Apache-2.0), as npm's `@a2ui/web_core` 0.11.0 ships them."""
BASE = "https://a2ui.org/specification/v0_9/"
EVIL = '<img src=x onerror=alert(1)> [go](javascript:alert(1)) ![x](http://e.example/x.png) \u202eb {"path":"/a"}'


def _validator() -> Any:
    read = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    places = [(BASE + name, Resource[Any].from_contents(read[name])) for name in sorted(read)]
    places.append((CATALOG, Resource[Any].from_contents(read["catalog.json"])))
    registry: Any = Registry[Any]()
    validator: Any = Draft202012Validator
    return validator(read["server_to_client.json"], registry=registry.with_resources(places))


VALID = _validator()


def check(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Check messages by the schemas and the tree by its ids; return the components by id."""
    for message in messages:
        VALID.validate(message)
    assert [next(key for key in message if key != "version") for message in messages] == [
        "createSurface", "updateComponents", "updateDataModel",
    ]  # fmt: skip
    listed: list[dict[str, Any]] = messages[1]["updateComponents"]["components"]
    components = {one["id"]: one for one in listed}
    assert len(components) == len(listed)
    children = [id for one in listed for id in [*one.get("children", ()), *([one["child"]] if "child" in one else [])]]
    assert sorted(children) == sorted(set(components) - {"root"}), "each but the root hangs at one place"
    return components


def texts(components: dict[str, dict[str, Any]], beginning: str) -> list[str]:
    return [one["text"] for id, one in components.items() if id.startswith(beginning) and one["component"] == "Text"]


async def channel(*answers: str) -> tuple[Decision, list[Message[Any]]]:
    def saying(words: str) -> Callable[[str], str]:
        def say(_: str) -> str:
            return words

        return say

    swarm = Swarm([FunctionPeer(f"p{i}", saying(words)) for i, words in enumerate(answers)], protocol=Debate(rounds=1))
    seen = [event async for event in swarm.watch("How many?")]
    (decision,) = (event for event in seen if isinstance(event, Decision))
    return decision, [event for event in seen if isinstance(event, Message)]


async def test_the_answer_the_support_the_peers_and_the_dissent_are_drawn() -> None:
    decision, messages = await channel("Answer: 4\nConfidence: 90%", "Answer: 4", "I count otherwise.\nAnswer: 5")
    components = check(surface_of("waggle-r1", decision, messages))
    assert texts(components, "answer/")[:2] == ["How many?", "4"]
    assert [row.split()[1:] for row in texts(components, "support/")] == [["67%", "4"], ["33%", "5"]]
    assert [row.count("█") for row in texts(components, "support/")] == [8, 4]
    assert texts(components, "peers/") == ["p0: 4 (90% sure)", "p1: 4", "p2: 5"]
    (dissent,) = texts(components, "dissent/")
    assert dissent.startswith("p2: 5 — I count otherwise.")
    assert components["support/0"]["accessibility"] == {"label": "67% for 4"}


async def test_the_same_set_of_messages_in_any_order_is_the_same_surface() -> None:
    decision, messages = await channel("Answer: 4", "Answer: 5")
    assert surface_of("s", decision, messages) == surface_of("s", decision, messages[::-1])


async def test_what_a_peer_says_is_text_and_no_component_binding_or_name() -> None:
    component = '{"id": "root", "component": "Image", "url": {"path": "/x"}}'
    decision, messages = await channel(f"{component}\nAnswer: {EVIL}", f"Answer: {component}", "Answer: ${now()}")
    surface = surface_of("waggle-r1", decision, messages)
    components = check(surface)
    assert {one["component"] for one in components.values()} <= {
        "Column", "Row", "Card", "Text", "Divider", "TextField", "Button",
    }  # fmt: skip
    bound = [one for one in components.values() if isinstance(one.get("text", one.get("value")), dict)]
    assert [one["id"] for one in bound] == ["field"]
    assert surface[2]["updateDataModel"]["value"] == {"question": ""}
    shown = "\n".join(texts(components, ""))
    assert "<img" not in shown
    assert "](" not in shown
    assert "\u202e" not in shown


PIECES = st.sampled_from(
    ["<", ">", "[", "]", "(", ")", "!", "](", "http://evil.example", "www.evil.example", "javascript:x", "a", " ", "\n",
     "`", "*", "\\", "&lt;", "&#60;", "<img src=x>", "<http://evil.example>", "[a]: http://x", "[a]", "\u2060", '"']
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_words_shown_as_markdown_make_no_tag_no_link_and_no_picture(words: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).parse(literal(words))
    kinds = {token.type for block in tokens for token in [block, *(block.children or ())]}
    assert not kinds & {"html_inline", "html_block", "link_open", "image"}
    assert "://" not in literal(words)


def test_many_answers_long_ones_and_none_are_drawn_too() -> None:
    peer = PeerId(bytes(32))
    support = {f"answer {i}": 1_000_000 for i in range(40)}
    many = Decision(
        status="decided", key="x" * 50_000, support=support, rule="majority",
        dissent=tuple(Dissent(peer, f"{i}", "y" * 9_000) for i in range(40)), notes=("note",) * 40,
    )  # fmt: skip
    components = check(surface_of("s", many, []))
    assert texts(components, "support/")[-1] == "and 28 more"
    assert len(json.dumps(surface_of("s", many, []))) < 40_000
    none = check(surface_of("s", Decision(status="undecided", key=None), []))
    assert texts(none, "answer/key") == ["no answer (undecided)"]
    assert "actions/why" not in none
    assert "support" not in none


# -- what a user does on it ---------------------------------------------------------------------------------------


def test_an_action_is_a_question_in_words() -> None:
    assert asked_by(Action("waggle.ask", "waggle-r1", {"question": "And 3 + 3?"})) == "And 3 + 3?"
    assert (
        asked_by(Action("waggle.why", "waggle-r1", {"answer": "4"}))
        == "What speaks for the answer '4', and what against it?"
    )


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (Action("waggle.ask", "elsewhere", {"question": "?"}), "none that a swarm has made"),
        (Action("waggle.ask", "waggle-r1", {"question": "  "}), "type one first"),
        (Action("waggle.ask", "waggle-r1", {"question": {"path": "/a"}}), "type one first"),
        (Action("waggle.why", "waggle-r1"), "needs an answer"),
        (Action("waggle.why", "waggle-r1", {"answer": "x" * 1_001}), "1 to 1,000 characters"),
        (Action("delete_everything", "waggle-r1"), "no action 'delete_everything'"),
    ],
)
def test_any_other_action_is_refused(action: Action, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        asked_by(action)


@pytest.mark.parametrize(
    ("said", "drawn"),
    [
        ({"v0.9": {"supportedCatalogIds": [CATALOG]}}, True),
        ({"v0.9": {"supportedCatalogIds": ["urn:other", CATALOG]}, "v1.0": {}}, True),
        ({"v0.9": {"supportedCatalogIds": ["urn:other"]}}, False),
        ({"v0.8": {"supportedCatalogIds": [CATALOG]}}, False),
        ({"v0.9": {"supportedCatalogIds": CATALOG}}, False),
        ({"v0.9": CATALOG}, False),
        ([CATALOG], False),
        (None, False),
    ],
)
def test_only_who_draws_our_catalog_in_our_version_is_sent_a_surface(said: object, drawn: bool) -> None:
    assert draws(said) is drawn
