"""Nothing private leaves a wrapped model, and the answer speaks of it all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from waggledance import Swarm
from waggledance.core import Log, Picture, Question
from waggledance.models import Completion, OpenAI, Request, Scripted, Tool, ToolCall, Turn
from waggledance.peers import Agent
from waggledance.protocols import Debate
from waggledance.safety._scrub_soft import SoftScrub, SoftScrubFailed
from waggledance.safety._scrubbed import Scrubbed
from waggledance.testing._private_details import private_details

ADA = "ada@example.org"
CARD = "4111 1111 1111 1111"


def asking(*texts: str) -> Request:
    return Request(turns=tuple(Turn("user", text) for text in texts))


def done(text: str, *calls: ToolCall) -> Completion:
    return Completion(text=text, prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.0, calls=calls)


class Saying:
    """Says a text in pieces of a given size."""

    name = "saying"

    def __init__(self, text: str, size: int) -> None:
        self.text, self.size = text, size

    async def complete(self, request: Request) -> Completion:
        return done(self.text)

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        for i in range(0, len(self.text), self.size):
            hear(self.text[i : i + self.size])
        return done(self.text)

    async def aclose(self) -> None: ...


async def test_the_model_sees_placeholders_and_the_caller_the_details() -> None:
    inner = Scripted("Told [EMAIL_1] that [CARD_1] is paid.")
    completion = await Scrubbed(inner).complete(asking(f"I am {ADA}.", f"{ADA} pays with {CARD}."))
    assert [turn.text for turn in inner.requests[0].turns] == ["I am [EMAIL_1].", "[EMAIL_1] pays with [CARD_1]."]
    assert completion.text == f"Told {ADA} that {CARD} is paid."


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_streamed_pieces_never_show_half_a_placeholder(size: int) -> None:
    heard: list[str] = []
    model = Scrubbed(Saying("See [1], [note] and [EMAIL_1]; then [EMAIL_1", size))
    completion = await model.stream(asking(ADA), heard.append)
    assert "".join(heard) == completion.text == f"See [1], [note] and {ADA}; then [EMAIL_1"


async def test_pictures_cannot_be_cleaned_so_a_scrubbed_model_is_shown_none() -> None:
    model = Scripted("A face.")
    shown = Turn("user", "", pictures=(Picture("image/gif", b"GIF89a"),))
    question = Question(text="Who is this?", expects="free", before=(shown,))
    decision = await Swarm([Agent("a", Scrubbed(model)), Agent("b", Scripted("Ada."))]).ask(question)
    assert model.requests == []
    assert [line.reason for line in decision.dissent if "cannot look at the pictures" in line.reason]


async def test_a_model_that_cannot_stream_is_heard_at_once() -> None:
    heard: list[str] = []
    await Scrubbed(Scripted("[EMAIL_1]!")).stream(asking(ADA), heard.append)
    assert heard == [f"{ADA}!"]


@pytest.mark.parametrize(("trusted", "told"), [(False, "[EMAIL_1]"), (True, ADA)])
async def test_tools_get_details_only_where_that_is_wanted(trusted: bool, told: str) -> None:
    inner = Scripted(done("", ToolCall("1", "send", '{"to": "[EMAIL_1]"}')))
    completion = await Scrubbed(inner, details_to_tools=trusted).complete(asking(ADA))
    assert json.loads(completion.calls[0].arguments) == {"to": told}


async def test_tools_their_results_and_schemas_are_cleaned_as_well() -> None:
    inner = Scripted("ok")
    request = Request(
        turns=(
            Turn("assistant", "", calls=(ToolCall("1", "send", json.dumps({"to": ADA, "card": 4111111111111111})),)),
            Turn("tool", f"sent to {ADA}", call="1"),
        ),
        tools=(Tool("send", f"Mail from {ADA}.", json.dumps({"type": "object", "title": ADA, "maxItems": 3})),),
        schema=json.dumps({"type": "object", "description": CARD, "x": [True, 1.5, None]}),
        stop=(ADA,),
    )
    await Scrubbed(inner).complete(request)
    sent = msgspec.json.encode(inner.requests[0]).decode()
    assert ADA not in sent
    assert "4111" not in sent
    assert json.loads(inner.requests[0].turns[0].calls[0].arguments) == {"to": "[EMAIL_1]", "card": "[CARD_1]"}
    assert json.loads(inner.requests[0].schema)["x"] == [True, 1.5, None]


async def test_what_is_sent_can_be_told_beforehand_and_is_the_same_each_time() -> None:
    inner = Scripted(["one", "two"])
    model, request = Scrubbed(inner), asking(f"{ADA} and {CARD}", "plain")
    await model.complete(request)
    await model.complete(request)
    assert inner.requests == [await model.as_sent(request)] * 2
    plain = asking("plain")
    assert await model.as_sent(plain) == plain


async def test_it_goes_by_the_name_of_its_model() -> None:
    model = Scrubbed(Scripted("x", name="mine"))
    assert model.name == "mine"
    await model.aclose()


async def test_none_of_200_details_is_in_the_bytes_that_reach_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-test")
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        body = await reader.readexactly(length)
        received.extend(head + body)
        answer = {
            "id": "1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }  # fmt: skip
        raw = json.dumps(answer).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(raw), raw))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    model = Scrubbed(OpenAI("m", base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
    details = private_details(200, seed=5)
    for i in range(0, 200, 40):
        await model.complete(asking(*(detail.sentence for detail in details[i : i + 40])))
    await model.aclose()
    server.close()
    await server.wait_closed()
    sent = received.decode()
    left = [d for d in details if d.text in sent or json.dumps(d.text)[1:-1] in sent]
    assert len(received) > 5_000
    assert not left


async def test_the_log_of_a_peer_holds_what_left_and_not_what_was_private(tmp_path: Path) -> None:
    swarm = Swarm([Agent("ada", Scrubbed(Scripted("Answer: yes")))], log=Log(tmp_path / "log.sqlite"))
    assert isinstance(swarm.log, Log)
    with swarm.log as log:
        decision = await swarm.ask(f"Does {ADA} own card {CARD}?", expects="yes/no", protocol=Debate(rounds=1))
        await log.flush()
        asked = [exchange.asked for exchange in log.exchanges(decision.channel)]
    assert len(asked) == 2
    assert all("[EMAIL_1] own card [CARD_1]" in request for request in asked)
    assert not any(ADA in request or CARD in request for request in asked)


def found(*details: tuple[str, str]) -> str:
    return json.dumps({"found": [{"kind": kind, "text": text} for kind, text in details]})


async def test_a_local_model_marks_what_rules_cannot_know_once_a_text() -> None:
    marking, inner = (
        Scripted(found(("HEALTH", "diabetes"), ("PERSON", "Ada"), ("PERSON", "Zoe"))),
        Scripted("[PERSON_1] should see a doctor about [HEALTH_1]."),
    )
    model = Scrubbed(inner, soft=SoftScrub(marking))
    request = asking(f"Ada ({ADA}) has diabetes. What should Ada do?")
    assert (await model.complete(request)).text == "Ada should see a doctor about diabetes."
    assert inner.requests == [await model.as_sent(request)]
    assert inner.requests[0].turns[0].text == "[PERSON_1] ([EMAIL_1]) has [HEALTH_1]. What should [PERSON_1] do?"
    assert len(marking.requests) == 1


TOO_MANY = found(*[("PET", "Rex")] * 101)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "nothing private",
        '{"found": "all"}',
        '{"found": [{"kind": "PERSON"}]}',
        "[" * 5_000,
        TOO_MANY,
    ],
)
async def test_where_it_says_nothing_that_can_be_read_nothing_is_sent(said: str) -> None:
    inner = Scripted("never")
    with pytest.raises(SoftScrubFailed, match="nothing was sent"):
        await Scrubbed(inner, soft=SoftScrub(Scripted(said))).complete(asking("Ada has a cold."))
    assert inner.requests == []


async def test_words_that_do_not_stand_there_and_kinds_that_there_are_not_mark_nothing() -> None:
    said = found(("PERSON", "Bob"), ("SECRET", "cold"), ("PET", "a"))
    inner = Scripted("ok")
    await Scrubbed(inner, soft=SoftScrub(Scripted(said), structured=True)).complete(asking("Ada has a cold."))
    assert inner.requests[0].turns[0].text == "Ada has a cold."


async def test_a_marked_word_does_not_break_a_placeholder() -> None:
    said = found(("WORK", "EMAIL"))
    inner = Scripted("ok")
    await Scrubbed(inner, soft=SoftScrub(Scripted(said))).complete(asking(f"{ADA} sorts EMAIL"))
    assert inner.requests[0].turns[0].text == "[EMAIL_1] sorts [WORK_1]"
