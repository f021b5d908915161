"""A run of the swarm on a screen: every event is one of AG-UI's, and all that is opened is closed."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from ag_ui.core import Event
from pydantic import TypeAdapter
from starlette.applications import Starlette

from waggledance import FunctionPeer, Swarm
from waggledance.core import Picture, RunFailed, Tool, ToolCall
from waggledance.gateways import AGUI, Host, Hosted, app_of
from waggledance.models import Completion, Scripted
from waggledance.peers import Agent
from waggledance.protocols import Debate

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
EVENT: TypeAdapter[Any] = TypeAdapter(Event)
OPENS = {"TEXT_MESSAGE_START": "messageId", "TOOL_CALL_START": "toolCallId", "STEP_STARTED": "stepName",
         "SUBAGENT_STARTED": "subagentRunId"}  # fmt: skip
CLOSES = {"TEXT_MESSAGE_END": "messageId", "TOOL_CALL_END": "toolCallId", "STEP_FINISHED": "stepName",
          "SUBAGENT_FINISHED": "subagentRunId"}  # fmt: skip


def host(*peers: Any, rounds: int = 1) -> Host:
    return Host({"default": Hosted(Swarm(peers, protocol=Debate(rounds=rounds)))})


def run(text: str, **more: Any) -> dict[str, Any]:
    return {"threadId": "t1", "runId": "r1", "messages": [{"id": "1", "role": "user", "content": text}], **more}


async def events(url: str, body: dict[str, Any] | bytes, path: str = "/agui") -> list[dict[str, Any]]:
    async with httpx.AsyncClient(timeout=20) as http:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await http.post(url + path, content=content)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line]
    check(told)
    return told


def check(told: Sequence[dict[str, Any]]) -> None:
    """Check every event against the official models, and that the run is well-nested."""
    for event in told:
        again = EVENT.validate_python(event)
        assert json.loads(again.model_dump_json(by_alias=True)) == event, "the official model would write it alike"
    types = [event["type"] for event in told]
    assert types[0] == "RUN_STARTED"
    assert types[-1] in ("RUN_FINISHED", "RUN_ERROR")
    assert types.count("RUN_STARTED") == 1
    opened: set[tuple[str, str]] = set()
    for event in told:
        kind = event["type"]
        if kind in OPENS:
            place = (kind, event[OPENS[kind]])
            assert place not in opened
            opened.add(place)
        elif kind in CLOSES:
            start = next(s for s in OPENS if OPENS[s] == CLOSES[kind] and s.split("_")[0] == kind.split("_")[0])
            opened.remove((start, event[CLOSES[kind]]))
        elif kind == "TEXT_MESSAGE_CONTENT":
            assert ("TEXT_MESSAGE_START", event["messageId"]) in opened
            assert event["delta"]
        if event.get("subagentRunId") and kind != "SUBAGENT_STARTED" and kind not in CLOSES:
            assert ("SUBAGENT_STARTED", event["subagentRunId"]) in opened
    assert not opened


async def test_peers_are_subagents_rounds_are_steps_and_the_decision_is_the_answer(served: Served) -> None:
    peers = [FunctionPeer(f"p{i}", lambda _q, i=i: f"I say Answer: {4 if i else 5}") for i in range(3)]
    async with served(app_of(h := host(*peers), [AGUI(h)])) as url:
        told = await events(url, run("2+2?"))
    names = [event["name"] for event in told if event["type"] == "SUBAGENT_STARTED"]
    steps = [event["stepName"] for event in told if event["type"] == "STEP_STARTED"]
    answer = [e["delta"] for e in told if e["type"] == "TEXT_MESSAGE_CONTENT" and "subagentRunId" not in e]
    decided = next(event["value"] for event in told if event["type"] == "CUSTOM")
    assert names == ["p0", "p1", "p2"]
    assert steps == ["round 0", "round 1"]
    assert len(answer) == 1
    assert "4" in answer[0]
    assert decided["answer"] == "4"
    assert told[-1]["outcome"] == {"type": "success"}
    assert told[-1]["result"]["channel"] == decided["channel"]


async def test_the_state_with_its_patches_is_what_was_said(served: Served) -> None:
    peers = [FunctionPeer(f"p{i}", lambda _q, i=i: f"Answer: {i}") for i in range(3)]
    async with served(app_of(h := host(*peers, rounds=0), [AGUI(h)])) as url:
        told = await events(url, run("How many?"))
    state = next(event["snapshot"] for event in told if event["type"] == "STATE_SNAPSHOT")
    deltas: list[list[dict[str, Any]]] = [event["delta"] for event in told if event["type"] == "STATE_DELTA"]
    for delta in deltas:
        for change in delta:
            path: str = change["path"]
            *way, last = path.strip("/").split("/")
            place: Any = state
            for step in way:
                place = place[int(step) if step.isdigit() else step]
            assert change["op"] == "replace"
            place[last] = change["value"]
    assert [(peer["name"], peer["answer"]) for peer in state["peers"]] == [("p0", "0"), ("p1", "1"), ("p2", "2")]
    assert state["decision"] is not None
    assert state["spent"]["calls"] == 3


async def test_words_stream_while_they_are_said(served: Served) -> None:
    ada = Agent("ada", Scripted("Four it is. Answer: 4", delay_s=0.01))
    async with served(app_of(h := host(ada, rounds=0), [AGUI(h)])) as url:
        told = await events(url, run("2+2?"))
    pieces = [e["delta"] for e in told if e["type"] == "TEXT_MESSAGE_CONTENT" and e.get("subagentRunId")]
    assert len(pieces) == 5
    assert "".join(pieces) == "Four it is. Answer: 4"


async def test_an_agents_own_tools_show_and_the_screens_tools_are_asked_for(served: Served) -> None:
    class Clock:
        async def tools(self) -> Sequence[Tool]:
            return [Tool("now", "Tells the time.")]

        async def call(self, name: str, arguments: str) -> str:
            raise RunFailed("it stands still")

    def wants(name: str) -> Completion:
        call = (ToolCall("c", name, '{"in":"Ulm"}'),)
        return Completion(text="", prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.0, calls=call)

    ada = Agent("ada", Scripted([wants("now"), wants("show_map")]), tools=[Clock()])
    screen = [{"name": "show_map", "description": "Shows a map.", "parameters": {"type": "object"}}]
    async with served(app_of(h := host(ada, rounds=0), [AGUI(h)])) as url:
        told = await events(url, run("Where am I?", tools=screen))
    calls = [(e["toolCallName"], "subagentRunId" in e) for e in told if e["type"] == "TOOL_CALL_START"]
    assert calls == [("now", True), ("show_map", False)]
    assert [e["content"] for e in told if e["type"] == "TOOL_CALL_RESULT"] == ["it stands still"]
    assert [e["delta"] for e in told if e["type"] == "TOOL_CALL_ARGS"][1] == '{"in":"Ulm"}'


async def test_a_swarm_that_cannot_answer_ends_in_an_error_and_closes_what_it_opened(served: Served) -> None:
    def fails(_question: str) -> str:
        raise RunFailed("out of order")

    async with served(app_of(h := host(FunctionPeer("ada", fails), rounds=0), [AGUI(h)])) as url:
        told = await events(url, run("2+2?"))
    assert told[-1]["type"] == "RUN_ERROR"
    assert told[-1]["code"] == "NobodyAnswered"
    assert "out of order" in told[-1]["message"]


async def test_a_screen_that_goes_away_stops_the_run(served: Served) -> None:
    began, gone = asyncio.Event(), asyncio.Event()

    async def thinks(_question: str) -> str:
        began.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            gone.set()
            raise
        return "4"

    async with served(app_of(h := host(FunctionPeer("ada", thinks), rounds=0), [AGUI(h)])) as url:
        async with httpx.AsyncClient() as http, http.stream("POST", url + "/agui", json=run("2+2?")) as answer:
            assert answer.status_code == 200
            await asyncio.wait_for(began.wait(), 5)
        await asyncio.wait_for(gone.wait(), 5)
        while h.running():  # until pytest's own patience ends
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "no AG-UI run"),
        (b'{"threadId":"t"}', "runId"),
        (run("?", messages=[]), "nothing to answer"),
        (run("?", messages=[{"role": "pope", "content": "x"}]), "a role that is not known here: 'pope'"),
        (run("?", messages=[{"role": "user", "content": [{"type": "image"}]}]), "a picture in messages[0]"),
        (run("?", tools=[{"name": "no blanks"}]), "a tool's name"),
        (run("?", tools=[{"name": "a"}, {"name": "a"}]), "two tools have the same name"),
        (run("?", forwardedProps={"waggle": {"expects": "poem"}}), "Invalid enum value 'poem'"),
        (run("?", forwardedProps={"waggle": {"protocol": "debte"}}), "debate"),
        (run("?", resume=[{"interruptId": "1"}]), "nothing to resume"),
        (run("x" * 1_000_001), "shorten it"),
    ],
)
async def test_what_cannot_be_run_is_refused_with_a_reason(served: Served, body: Any, said: str) -> None:
    async with served(app_of(h := host(FunctionPeer("ada", lambda _q: "4")), [AGUI(h)])) as url:
        async with httpx.AsyncClient() as http:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            answer = await http.post(url + "/agui", content=content)
        assert answer.status_code == 400
        assert said in answer.json()["error"]["message"]
        assert h.running() == ()


async def test_every_swarm_has_its_place_and_callers_can_say_what_counts(served: Served) -> None:
    h = Host({"ada": Hosted(Swarm([FunctionPeer("ada", lambda _q: "Answer: 4.0")])),
              "ben": Hosted(Swarm([FunctionPeer("ben", lambda _q: "Answer: B")]))})  # fmt: skip
    async with served(app_of(h, [AGUI(h)])) as url:
        wanted = {"waggle": {"expects": "choice", "options": ["one", "two"]}}
        told = await events(url, run("Which?", forwardedProps=wanted), "/agui/ben")
        first = await events(url, run("2+2?", state={"a": 1}, protocolVersion="1.0"))
    assert told[-1]["result"]["answer"] == "B"
    assert first[-1]["result"]["answer"] == "4"


async def test_what_kind_of_answer_counts_is_the_callers_word_then_the_swarms(served: Served) -> None:
    swarm = Swarm([FunctionPeer("ada", lambda _q: "Answer: 4.0")])
    h = Host({"default": Hosted(swarm, expects="number")})
    async with served(app_of(h, [AGUI(h)])) as url:
        by_swarm = await events(url, run("Tell me."))
        by_caller = await events(url, run("Tell me.", forwardedProps={"waggle": {"expects": "free"}}))
    assert by_swarm[-1]["result"]["answer"] == "4"
    assert by_caller[-1]["result"]["answer"] == "answer: 4.0"


# -- pictures -----------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
IN_BASE64 = b64encode(PNG).decode()


def image(value: str = IN_BASE64, mime: str = "image/png") -> dict[str, Any]:
    return {"type": "image", "source": {"type": "data", "value": value, "mimeType": mime}}


def showing(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    content = [{"type": "text", "text": "What is this?"}, *parts]
    messages = [{"id": "1", "role": role, "content": content}]
    return run("", messages=messages if role == "user" else [*messages, {"id": "2", "role": "user", "content": "?"}])


@pytest.mark.parametrize(
    "part",
    [
        image(),
        image(mime="image/PNG"),
        {"type": "image", "source": {"type": "url", "value": f"data:image/png;base64,{IN_BASE64}"}},
        {"type": "binary", "mimeType": "image/png", "data": IN_BASE64},
        {"type": "binary", "mimeType": "image/png", "url": f"data:image/png;base64,{IN_BASE64}"},
    ],
)
async def test_a_picture_reaches_the_models_that_see_and_who_does_not_is_named(
    served: Served, part: dict[str, Any]
) -> None:
    model = Scripted("A bee.")
    seeing, other = Agent("ada", model), FunctionPeer("ben", lambda _: "A cat.")
    async with served(app_of(h := host(seeing, other, rounds=0), [AGUI(h)])) as url:
        told = await events(url, showing(part))
    assert [turn.pictures for turn in model.requests[0].turns if turn.pictures] == [(Picture("image/png", PNG),)]
    assert "What is this?" in model.requests[0].turns[-1].text
    decided = next(event["value"] for event in told if event["type"] == "CUSTOM")
    assert decided["notes"][-1] == "the pictures were not shown to ben, who cannot look at any"


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"type": "image", "source": {"type": "url", "value": "http://169.254.169.254/a.png"}}, "nothing is fetched"),
        ({"type": "image", "source": {"type": "file", "value": "f1"}}, "nothing is fetched"),
        ({"type": "image"}, "nothing is fetched"),
        ({"type": "binary", "mimeType": "image/png", "id": "f1"}, "nothing is fetched"),
        ({"type": "binary", "mimeType": "application/pdf", "data": "aGk="}, "application/pdf"),
        ({"type": "audio", "source": {"type": "data", "value": "aGk=", "mimeType": "audio/wav"}}, "'audio'"),
        (image("%%%"), "no base64"),
        (image(mime="image/jpeg"), "PNG, JPEG"),
        (image("", "image/png"), "PNG, JPEG"),
    ],
)
async def test_a_picture_that_is_none_or_elsewhere_is_refused(served: Served, part: dict[str, Any], why: str) -> None:
    model = Scripted("A bee.")
    async with served(app_of(h := host(Agent("ada", model)), [AGUI(h)])) as url, httpx.AsyncClient() as http:
        answer = await http.post(f"{url}/agui", json=showing(part))
    assert answer.status_code == 400
    assert why in answer.json()["error"]["message"]
    assert model.requests == []


async def test_only_users_show_pictures_and_only_to_who_sees(served: Served) -> None:
    blind = host(FunctionPeer("ben", lambda _: "A cat."))
    async with served(app_of(blind, [AGUI(blind)])) as url, httpx.AsyncClient() as http:
        refused = await http.post(f"{url}/agui", json=showing(image()))
    assert (refused.status_code, "seat one" in refused.json()["error"]["message"]) == (400, True)
    async with (
        served(app_of(h := host(Agent("ada", Scripted("A bee."))), [AGUI(h)])) as url,
        httpx.AsyncClient() as http,
    ):
        answer = await http.post(f"{url}/agui", json=showing(image(), role="assistant"))
    assert (answer.status_code, "pictures of the user's" in answer.json()["error"]["message"]) == (400, True)


# -- A2UI ---------------------------------------------------------------------------------------------------------

DRAWS = {"v0.9": {"supportedCatalogIds": ["https://a2ui.org/specification/v0_9/catalogs/basic/catalog.json"]}}


def drawn(told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in told if event["type"] == "ACTIVITY_SNAPSHOT"]


async def test_a_screen_that_draws_a2ui_is_sent_the_decision_as_a_surface_and_no_other_is(served: Served) -> None:
    peers = [FunctionPeer(f"p{i}", lambda _q, i=i: f"Answer: {4 if i else 5}") for i in range(3)]
    async with served(app_of(h := host(*peers), [AGUI(h)])) as url:
        told = await events(url, run("2+2?", forwardedProps={"a2uiClientCapabilities": DRAWS, "theirs": 1}))
        assert drawn(await events(url, run("2+2?"))) == []
        assert drawn(await events(url, run("2+2?", forwardedProps={"a2uiClientCapabilities": {"v0.8": {}}}))) == []
    (surface,) = drawn(told)
    assert (surface["activityType"], surface["messageId"]) == ("a2ui-surface", "a2ui-surface-waggle-r1")
    operations = surface["content"]["a2ui_operations"]
    (words,) = (one["text"] for one in operations[1]["updateComponents"]["components"] if one["id"] == "answer/key")
    assert (operations[0]["createSurface"]["surfaceId"], words) == ("waggle-r1", "4")


async def test_what_a_user_does_on_a_surface_is_the_next_question_and_nothing_else(served: Served) -> None:
    asked: list[str] = []

    def hears(question: str) -> str:
        asked.append(question)
        return "Answer: 6"

    before: list[dict[str, Any]] = [
        {"id": "1", "role": "user", "content": "2+2?"},
        {"id": "2", "role": "assistant", "content": "4"},
        {"id": "3", "role": "activity", "activityType": "a2ui-surface", "content": {"a2ui_operations": []}},
    ]
    did: dict[str, Any] = {"name": "waggle.ask", "surfaceId": "waggle-r1", "sourceComponentId": "actions/ask",
                           "timestamp": "2026-11-22T12:00:00Z", "context": {"question": "And 3+3?"}}  # fmt: skip
    async with served(app_of(h := host(FunctionPeer("ada", hears), rounds=0), [AGUI(h)])) as url:
        await events(url, run("", messages=before, forwardedProps={"a2uiAction": {"userAction": did}}))
        assert "And 3+3?" in asked[-1]
        why = {**did, "name": "waggle.why", "context": {"answer": "4"}}
        await events(url, run("", messages=before, forwardedProps={"a2uiAction": {"userAction": why}}))
        assert "What speaks for the answer '4'" in asked[-1]
        async with httpx.AsyncClient() as http:
            for action in ({**did, "name": "rm"}, {**did, "surfaceId": "x"}, {**did, "context": 1}, {"name": 1}, None):
                body = run("", messages=before, forwardedProps={"a2uiAction": {"userAction": action}})
                assert (await http.post(f"{url}/agui", json=body)).status_code == 400
    assert len(asked) == 2
