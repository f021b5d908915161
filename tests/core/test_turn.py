"""Conversations within questions, and answers that are tool calls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Picture, Question, Tool, ToolCall, Turn, UsageError, calls_key, calls_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.tuples(st.sampled_from(["add", "look-up"]), st.dictionaries(st.text(max_size=5), JSON, max_size=3))))
def test_calls_with_the_same_arguments_have_one_key_however_they_were_written(
    wanted: list[tuple[str, dict[str, object]]],
) -> None:
    import json

    plain = tuple(ToolCall(f"a{i}", name, json.dumps(arguments)) for i, (name, arguments) in enumerate(wanted))
    other = tuple(
        ToolCall(f"b{i}", name, json.dumps(dict(reversed(arguments.items())), indent=2, ensure_ascii=False))
        for i, (name, arguments) in enumerate(wanted)
    )
    key = calls_key(plain)
    assert key == calls_key(other)
    assert calls_key(calls_of(key)) == key or not wanted
    assert [call.name for call in calls_of(key)] == [name for name, _ in wanted]


@pytest.mark.parametrize("arguments", ["{", "[1]", "4", '"x"'])
def test_arguments_that_are_no_object_have_no_key(arguments: str) -> None:
    assert calls_key((ToolCall("a", "add", arguments),)) is None


@pytest.mark.parametrize("key", [None, "42", "call:", "call:{}", 'call:[{"name":3,"arguments":{}}]', "call:[1]"])
def test_other_answers_are_no_calls(key: str | None) -> None:
    assert calls_of(key) == ()


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "ä"])
def test_a_tool_has_a_plain_short_name(name: str) -> None:
    with pytest.raises(UsageError, match="a tool's name"):
        Tool(name, "does things")


@pytest.mark.parametrize(("parameters", "said"), [("{", "no JSON"), ("[]", "must be a JSON schema, an object")])
def test_a_tools_parameters_are_a_schema(parameters: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Tool("add", "adds", parameters)


def test_a_question_without_a_conversation_is_written_as_it_always_was() -> None:
    import msgspec

    assert b"before" not in msgspec.msgpack.encode(Question(text="2+2?"))
    asked = Question(text="And doubled?", before=(Turn("user", "2+2?"), Turn("assistant", "4")))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(asked), type=Question) == asked
    assert [turn.text for turn in asked.conversation] == ["2+2?", "4"]


def test_turns_must_be_in_normal_form() -> None:
    with pytest.raises(UsageError, match="form NFC"):
        Question(text="And?", before=(Turn("user", "cafe\u0301"),))


@pytest.mark.parametrize(
    ("type", "content"),
    [
        ("image/png", b""),
        ("image/png", b"\xff\xd8\xff"),
        ("image/jpeg", b"<svg/>"),
        ("image/webp", b"RIFF\x00\x00\x00\x00WAVE"),
    ],
)
def test_a_picture_begins_as_a_file_of_its_type(type: str, content: bytes) -> None:
    with pytest.raises(UsageError, match="begins as no such file"):
        Picture(type, content)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_turns_without_pictures_are_written_as_they_always_were() -> None:
    import msgspec

    assert b"pictures" not in msgspec.msgpack.encode(Question(text="And?", before=(Turn("user", "2+2?"),)))
    gif = Turn("user", "This?", pictures=(Picture("image/gif", b"GIF89a"),))
    asked = Question(text="And?", before=(gif,))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(asked), type=Question) == asked
