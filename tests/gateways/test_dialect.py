"""Messages move between dialects: what comes back is what went in, and what is lost is exactly what is said to be."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, Parse
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import FunctionPeer, Swarm
from waggledance.core import UnknownName, UsageError
from waggledance.gateways import DIALECTS, DialectError, Neutral, Piece, dialect, difference, translate
from waggledance.gateways._dialect import MAX_MESSAGE_BYTES

words = st.text(st.characters(codec="utf-8"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
).map(lambda value: json.dumps(value, ensure_ascii=False))
json_objects = st.just("") | st.dictionaries(words, st.integers(), max_size=2).map(json.dumps)
types = st.sampled_from(
    ["", "text/plain", "text/html", "application/json", "image/png", "image/svg+xml", "audio/wav", "audio/mpeg",
     "audio/ogg", "application/pdf", "video/mp4", "image/a;b", "x"]
)  # fmt: skip
addresses = st.sampled_from(["https://a.example/x.png", "data:image/png;base64,AAAA", "attachment:x", ""])


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    kind = draw(st.sampled_from(["text", "data", "content", "url"]))
    of = {"text": words, "data": json_values, "content": st.binary(max_size=20), "url": addresses}[kind]
    more = {"type": draw(types), "name": draw(words), "meta": draw(json_objects)}
    made: dict[str, Any] = {kind: draw(of), **more}
    return Piece(**made)


messages = st.builds(
    Neutral,
    role=st.sampled_from(["system", "user", "assistant"]),
    pieces=st.lists(pieces(), min_size=1, max_size=4).map(tuple),
    id=words,
    task=words,
    context=words,
    refs=st.lists(words, max_size=2).map(tuple),
    extensions=st.lists(words, max_size=2).map(tuple),
    meta=json_objects,
)


@pytest.mark.parametrize("id", DIALECTS)
@given(message=messages)
@settings(max_examples=60)
def test_what_is_lost_is_exactly_what_is_said_to_be(id: str, message: Neutral) -> None:
    raw, lost = DIALECTS[id].write(message)
    arrived = DIALECTS[id].read(raw)
    assert arrived == DIALECTS[id].carried(message)
    assert tuple(loss.field for loss in lost) == difference(message, arrived)
    assert all(loss.why for loss in lost)


@pytest.mark.parametrize(("source", "target"), list(product(DIALECTS, DIALECTS)))
@given(message=messages)
@settings(max_examples=8)
def test_of_every_pair_the_loss_is_the_real_difference_and_the_source_stays(
    source: str, target: str, message: Neutral
) -> None:
    raw, _ = DIALECTS[source].write(message)
    translated = translate(raw, source, target)
    before, after = DIALECTS[source].read(raw), DIALECTS[target].read(translated.raw)
    assert tuple(loss.field for loss in translated.losses) == difference(before, after)
    assert (translated.source, translated.source_dialect, translated.dialect) == (raw, source, target)
    if source == target:
        assert (translated.raw, translated.losses) == (raw, ())


@given(message=messages, source=st.sampled_from(list(DIALECTS)))
@settings(max_examples=25)
def test_no_detour_through_a_third_dialect_keeps_what_the_direct_way_loses(message: Neutral, source: str) -> None:
    """So no path is to be looked for: the star's one way is the best of one, two or three hops."""
    raw, _ = DIALECTS[source].write(message)
    before = DIALECTS[source].read(raw)
    for target in DIALECTS:
        direct = difference(before, DIALECTS[target].read(translate(raw, source, target).raw))
        for third in DIALECTS:
            between = translate(raw, source, third).raw
            detour = difference(before, DIALECTS[target].read(translate(between, third, target).raw))
            assert direct == () or detour != ()
            if "pieces" not in detour:  # where there are as many, piece by piece; a word for the type is no content
                assert {field for field in direct if not field.endswith(".type")} <= set(detour)


CANONICAL = {
    "a2a/1.0": (
        b'{"messageId":"m","contextId":"c","taskId":"t","role":"ROLE_AGENT","parts":[{"text":"hi","mediaType":'
        b'"text/plain"},{"data":{"n":1.50,"b":[1e3]},"metadata":{"k":0.10}},{"raw":"AAE=","mediaType":"image/png",'
        b'"filename":"a.png"},{"url":"https://a.example/"}],"metadata":{"z":1,"a":12345678901234567890},'
        b'"extensions":["urn:x"],"referenceTaskIds":["u"]}'
    ),
    "acp/0.2": (
        b'{"role":"agent/summarizer","parts":[{"content_type":"text/plain","content":"hi"},{"name":"a.json",'
        b'"content_type":"application/json","content":"{\\"n\\": 1.50}"},{"content_type":"image/png","content":"AAE=",'
        b'"content_encoding":"base64"},{"content_type":"image/png","content_url":"https://a.example/"},{"content_type":"text/html","content":'
        b'"<b>","metadata":{"kind":"citation","url":"https://b.example/"}}],"created_at":"2025-08-21T07:28:53Z"}'
    ),
    "mcp/2026-07-28": (
        b'{"role":"assistant","content":[{"type":"text","text":"hi","_meta":{"k":1.0}},{"type":"image","data":"AAE=",'
        b'"mimeType":"image/png"},{"type":"audio","data":"AAE=","mimeType":"audio/wav"},{"type":"resource","resource":'
        b'{"uri":"attachment:a.bin","mimeType":"x","blob":"AAE="}},{"type":"resource","resource":{"uri":"attachment:",'
        b'"mimeType":"application/json","text":"{\\"n\\": 1.50}"}},{"type":"resource_link","uri":"https://a.example/",'
        b'"name":"a"}]}'
    ),
    "openai-chat/1": (
        b'{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":'
        b'"https://a.example/"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAE="}},'
        b'{"type":"input_audio","input_audio":{"data":"AAE=","format":"wav"}},{"type":"file","file":'
        b'{"file_data":"data:application/pdf;base64,AAE=","filename":"a.pdf"}}]}'
    ),
    "plain/1": "Grüße,\n  zwei Zeilen\n".encode(),
}


@pytest.mark.parametrize("id", DIALECTS)
def test_what_is_read_and_written_again_is_the_same_to_the_byte(id: str) -> None:
    assert DIALECTS[id].write(DIALECTS[id].read(CANONICAL[id])) == (CANONICAL[id], ())


def test_numbers_are_not_rounded_on_the_way() -> None:
    translated = translate(CANONICAL["a2a/1.0"], "a2a/1.0", "mcp/2026-07-28")
    assert b'\\"n\\":1.50,' in translated.raw
    assert b"12345678901234567890" in translated.raw


def test_what_has_no_place_leaves_words_behind() -> None:
    photo = Neutral(role="user", pieces=(Piece(text="Look:"), Piece(content=b"123", type="image/png", name="a.png")))
    raw, lost = dialect("plain/1").write(photo)
    assert raw == b"Look:\n\n[a.png: image/png, 3 bytes, not carried]"
    assert [loss.field for loss in lost] == ["pieces"]
    assert "1 of 2 pieces" in lost[0].why


BAD = {
    "no JSON": b"{",
    "no UTF-8": b"\xff",
    "deep": b"[" * 100_000,
    "another type": b"[]",
    "nothing": b"{}",
    "a role that is none": b'{"role":"king","parts":[{"text":"a"}],"content":"a"}',
    "no parts": b'{"role":"user","parts":[],"content":[]}',
    "a part of nothing": b'{"role":"ROLE_USER","parts":[{}]}',
    "a part of two": b'{"role":"ROLE_USER","parts":[{"text":"a","url":"b"}]}',
    "about a message, no object": b'{"role":"ROLE_USER","parts":[{"text":"a"}],"metadata":[1]}',
    "no base64": b'{"role":"ROLE_USER","parts":[{"raw":"!"}]}',
    "too many parts": b'{"role":"ROLE_USER","parts":[%s]}' % b",".join([b'{"text":"a"}'] * 257),
    "a block that is none": b'{"role":"user","content":[{"type":"smell"}]}',
    "a resource of nothing": b'{"role":"user","content":[{"type":"resource","resource":{"uri":"a"}}]}',
    "a file elsewhere": b'{"role":"user","content":[{"type":"file","file":{"file_data":"https://a.example"}}]}',
    "a file of nonsense": b'{"role":"user","content":[{"type":"file","file":{"file_data":"data:x;base64,!"}}]}',
    "no content": b'{"role":"assistant","content":null}',
    "a part with content and an address": b'{"role":"user","parts":[{"content":"a","content_url":"https://b.example"}]}',
    "a part of no base64": b'{"role":"user","parts":[{"content":"!","content_encoding":"base64"}]}',
    "a part about which no object speaks": b'{"role":"user","parts":[{"content":"a","metadata":[1]}]}',
    "an agent of no name": b'{"role":"agent/","parts":[{"content":"a"}]}',
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("id", [id for id in DIALECTS if id != "plain/1"])
def test_what_is_not_of_a_dialect_is_malformed(id: str, bad: str) -> None:
    with pytest.raises(DialectError) as caught:
        DIALECTS[id].read(BAD[bad])
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("id", DIALECTS)
def test_what_is_too_large_is_not_looked_at(id: str) -> None:
    with pytest.raises(DialectError) as caught:
        DIALECTS[id].read(b" " * (MAX_MESSAGE_BYTES + 1))
    assert caught.value.reason == "oversize"


@pytest.mark.parametrize(
    "call",
    [
        b'{"role":"assistant","content":null,"tool_calls":[{"id":"a"}]}',
        b'{"role":"tool","content":"4","tool_call_id":"a"}',
        b'{"role":"assistant","content":"","function_call":{"name":"f"}}',
    ],
)
def test_arguments_of_tools_are_never_translated(call: bytes) -> None:
    with pytest.raises(DialectError) as caught:
        translate(call, "openai-chat/1", "plain/1")
    assert caught.value.reason == "unsupported"


def test_who_spoke_and_when_comes_back_where_acp_said_it_and_is_a_loss_elsewhere() -> None:
    heard = dialect("acp/0.2").read(CANONICAL["acp/0.2"])
    assert heard.meta == '{"acp":{"agent":"summarizer","created_at":"2025-08-21T07:28:53Z"}}'
    for meta, why in (
        ('{"acp":{"agent":"a b"}}', "no name"),
        ('{"acp": {"agent":"ab"}}', "in another form"),
        ('{"acp":{"x":1}}', "unknown"),
        ('{"k":1}', "another"),
    ):
        said = Neutral(role="assistant", pieces=(Piece(text="hi"),), meta=meta)
        raw, lost = dialect("acp/0.2").write(said)
        assert raw == b'{"role":"agent","parts":[{"content_type":"text/plain","content":"hi"}]}', why
        assert [loss.field for loss in lost] == ["meta"]


def test_a_message_that_calls_no_tool_is_one_even_if_it_says_so() -> None:
    said = b'{"role":"assistant","content":"4","tool_calls":null,"refusal":null}'
    assert translate(said, "openai-chat/1", "plain/1").raw == b"4"


def test_plain_words_have_to_be_words() -> None:
    with pytest.raises(DialectError, match="UTF-8"):
        translate(b"\xff", "plain/1", "a2a/1.0")


def test_an_unknown_dialect_or_version_is_refused_and_not_guessed() -> None:
    with pytest.raises(UnknownName, match=r"a2a/1\.0"):
        translate(b"", "a2a/0.3", "plain/1")


@pytest.mark.parametrize(
    "made", [{}, {"text": "a", "url": "b"}, {"data": "{"}, {"text": "a", "meta": "nonsense"}, {"data": "\ud800"}]
)
def test_a_piece_is_one_thing(made: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        Piece(**made)  # type: ignore[arg-type]


@given(message=messages)
@settings(max_examples=20)
def test_the_official_reader_takes_what_is_written_for_a2a(message: Neutral) -> None:
    from a2a.types import Message

    raw, _ = dialect("a2a/1.0").write(message)
    parsed = Parse(raw, Message())
    assert len(parsed.parts) == len(message.pieces)
    assert MessageToDict(parsed).get("messageId", "") == message.id


@given(message=messages)
@settings(max_examples=20)
def test_the_official_reader_takes_what_is_written_for_mcp(message: Neutral) -> None:
    from mcp.types import ContentBlock
    from pydantic import TypeAdapter

    raw, _ = dialect("mcp/2026-07-28").write(message)
    for block in json.loads(raw)["content"]:
        assert TypeAdapter[Any](ContentBlock).validate_python(block).type == block["type"]


async def test_three_agents_that_speak_three_dialects_decide_as_three_that_speak_one() -> None:
    """A line reader, a chat model and an A2A agent: each is asked, and answers, in its own dialect."""

    def speaking(id: str, answer: str) -> FunctionPeer:
        def asked(question: str) -> str:
            theirs = translate(question.encode(), "plain/1", id)
            heard = dialect(id).read(theirs.raw).pieces[0].text
            assert heard == "2 + 2?"
            said, _ = dialect(id).write(Neutral(role="assistant", pieces=(Piece(text=answer),)))
            return translate(said, id, "plain/1").raw.decode()

        return FunctionPeer(id, asked)

    spoken = Swarm([speaking(id, a) for id, a in zip(("plain/1", "openai-chat/1", "a2a/1.0"), "454", strict=True)])
    native = Swarm([FunctionPeer(name, lambda _, a=a: a) for name, a in zip("abc", "454", strict=True)])
    decisions = [await swarm.ask("2 + 2?", expects="number") for swarm in (spoken, native)]
    assert [decision.key for decision in decisions] == ["4", "4"]
    assert decisions[0].support == decisions[1].support
