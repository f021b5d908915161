"""A decision as an A2UI surface: the answer, who supports what, who dissents, and a place to ask on.

The surface is made here, of the decision's data, with ids of ours and components of A2UI's basic catalog. What peers
said stands in it as literal text and nowhere else: no peer describes, names or binds a component. A ``Text`` may be
shown as Markdown, so tags, links and pictures are broken in what peers said: `literal`.

Source: A2UI protocol 0.9 (a2ui.org; messages, basic catalog).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from waggledance.core import Decision, Member, Message, Opening, PeerId, Proposal
from waggledance.mesh._capability import shown

VERSION = "v0.9"
CATALOG = "https://a2ui.org/specification/v0_9/catalogs/basic/catalog.json"
ASK, WHY = "waggle.ask", "waggle.why"
"""The surface's actions: another question, and what speaks for an answer."""
PREFIX = "waggle-"
"""How the ids of our surfaces begin."""
MAX_ROWS = 12
"""Of supports, peers and dissents each; who wants all of them has the decision itself."""
_ANSWER_CHARS, _ROW_CHARS = 4_000, 400
_BAR = 12
_APART = "\u2060"
"""The word joiner: shown as nothing, and neither Markdown nor HTML reads over it."""
_MARKUP = re.compile(r"<(?=[^\s<])|\](?=[(\[:])|:(?=//)|(?<=[Ww]{3})\.|&(?=[#\w])")
Component = dict[str, Any]
Said = Sequence[tuple[str, Proposal | None]]
"""Each peer's name and its last answer; None for who gave none."""


def surface_of(id: str, decision: Decision, messages: Iterable[Message[Any]]) -> list[dict[str, Any]]:
    """Return the messages that draw a decision, in their order.

    Args:
        id: the surface's; the screen has none of that id yet.
        decision: what was decided.
        messages: of its channel, in any order.
    """
    question, said = _standing(messages)
    parts = [*_answer(question, decision), *_support(decision), *_peers(said), *_dissent(decision), *_asking(decision)]
    top = [part["id"] for part in parts if "/" not in part["id"]]
    components = [{"id": "root", "component": "Column", "children": top, "align": "stretch"}, *parts]
    return [
        {"version": VERSION, "createSurface": {"surfaceId": id, "catalogId": CATALOG}},
        {"version": VERSION, "updateComponents": {"surfaceId": id, "components": components}},
        {"version": VERSION, "updateDataModel": {"surfaceId": id, "value": {"question": ""}}},
    ]


def _standing(messages: Iterable[Message[Any]]) -> tuple[str, Said]:
    """Return what was asked, and where each peer stood at the end, in the order of the opening."""
    question, members = "", tuple[Member, ...]()
    last: dict[PeerId, Message[Proposal]] = {}
    for message in messages:
        if isinstance(message.body, Opening):
            question, members = message.body.question.text, message.body.members
        elif isinstance(message.body, Proposal):
            known = last.get(message.author)
            if known is None or _order(message) > _order(known):
                last[message.author] = message
    return question, [(one.name, last[one.id].body if one.id in last else None) for one in members]


def _order(message: Message[Proposal]) -> tuple[int, int, bytes]:
    return message.body.round, message.sequence, message.id


def literal(text: str, chars: int = _ROW_CHARS) -> str:
    """Return a peer's words so that they are shown as words: no tag, no link, no picture, no character that hides.

    >>> literal("[go](http://x) <b>")
    '[go]\u2060(http:\u2060//x) <\u2060b>'
    """
    clean = "\n".join(map(shown, text.splitlines()))
    cut = clean if len(clean) <= chars else f"{clean[:chars]} …"
    return _MARKUP.sub(lambda found: found[0] + _APART, cut)


def _text(id: str, text: str, variant: str = "body", *, label: str = "") -> Component:
    made: Component = {"id": id, "component": "Text", "text": text, "variant": variant}
    return {**made, "accessibility": {"label": label}} if label else made


def _section(id: str, title: str, rows: Sequence[str], left: int = 0) -> list[Component]:
    """Return a heading and lines of text under it; nothing where there are no lines."""
    if not rows:
        return []
    lines = [_text(f"{id}/{i}", row) for i, row in enumerate(rows)]
    if left > 0:
        lines.append(_text(f"{id}/more", f"and {left:,} more", "caption"))
    children = [line["id"] for line in lines]
    return [_text(f"{id}-title", title, "h4"), {"id": id, "component": "Column", "children": children}, *lines]


def _answer(question: str, decision: Decision) -> list[Component]:
    answer = decision.key if decision.key is not None else f"no answer ({decision.status})"
    more = [f"{decision.confidence:.0%} sure", f"by {decision.rule}"] if decision.key is not None else []
    more += [f"{decision.cost.calls:,} calls", f"{decision.cost.tokens:,} tokens"]
    more += ["certified"] if decision.certificate else []
    inside = [
        _text("answer/question", literal(question), "caption"),
        _text("answer/key", literal(answer, _ANSWER_CHARS), "h3"),
        _text("answer/about", literal(" · ".join(more)), "caption"),
    ]
    column = {"id": "answer/all", "component": "Column", "children": [part["id"] for part in inside]}
    return [{"id": "answer", "component": "Card", "child": "answer/all"}, column, *inside]


def _support(decision: Decision) -> list[Component]:
    ranked = sorted(decision.support.items(), key=lambda item: (-item[1], item[0]))
    rows = _section("support", "Support", [_bar(decision, key) for key, _ in ranked[:MAX_ROWS]], len(ranked) - MAX_ROWS)
    for row, (key, _) in zip((part for part in rows if part["id"].startswith("support/")), ranked, strict=False):
        if row["id"] != "support/more":
            row["accessibility"] = {"label": f"{decision.share(key):.0%} for {literal(key, 100)}"}
    return rows


def _bar(decision: Decision, key: str) -> str:
    full = round(decision.share(key) * _BAR)
    return f"{'█' * full}{'░' * (_BAR - full)} {decision.share(key):.0%} {literal(key)}"


def _peers(said: Said) -> list[Component]:
    rows = [f"{literal(name, 80)}: {_stands(proposal)}" for name, proposal in said]
    return _section("peers", "Peers", rows[:MAX_ROWS], len(rows) - MAX_ROWS)


def _stands(proposal: Proposal | None) -> str:
    if proposal is None:
        return "no answer"
    if proposal.key is None:
        return f"no answer ({literal(proposal.lapse)})" if proposal.lapse else "no answer"
    sure = "" if proposal.confidence_ppm is None else f" ({proposal.confidence_ppm / 1_000_000:.0%} sure)"
    return f"{literal(proposal.key)}{sure}"


def _dissent(decision: Decision) -> list[Component]:
    rows = [
        f"{literal(decision.name(one.peer), 80)}: {literal(one.key or 'no answer')}"
        + (f" — {literal(one.reason)}" if one.reason else "")
        for one in decision.dissent
    ]
    notes = [literal(note) for note in decision.notes]
    return [
        *_section("dissent", "Dissent", rows[:MAX_ROWS], len(rows) - MAX_ROWS),
        *_section("notes", "Notes", notes[:MAX_ROWS], len(notes) - MAX_ROWS),
    ]


def _asking(decision: Decision) -> list[Component]:
    field = {"id": "field", "component": "TextField", "label": "Ask the swarm on", "value": {"path": "/question"}}
    buttons = _button("ask", "Ask", {"name": ASK, "context": {"question": {"path": "/question"}}}, primary=True)
    if decision.key is not None:
        buttons += _button(
            "why", "What speaks for it?", {"name": WHY, "context": {"answer": decision.key[:_ROW_CHARS]}}
        )
    children = [part["id"] for part in buttons if part["component"] == "Button"]
    row = {"id": "actions", "component": "Row", "children": children, "justify": "start"}
    return [{"id": "line", "component": "Divider"}, field, row, *buttons]


def _button(id: str, label: str, event: Mapping[str, Any], *, primary: bool = False) -> list[Component]:
    made: Component = {"id": f"actions/{id}", "component": "Button", "child": f"actions/{id}/label"}
    made |= {"variant": "primary" if primary else "default", "action": {"event": dict(event)}}
    return [made, _text(f"actions/{id}/label", label)]
