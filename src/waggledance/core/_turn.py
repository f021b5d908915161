"""A conversation: turns, and the tools that may be asked for in it."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from waggledance.core._errors import UsageError

_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Tool(msgspec.Struct, frozen=True):
    """Something that one may ask to be done instead of answering at once."""

    name: str
    """Letters, digits, ``_`` and ``-``, at most 64; names of one conversation differ."""
    description: str
    """What it does, in words for a model."""
    parameters: str = '{"type":"object"}'
    """The JSON schema of its arguments, as JSON text."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"a tool's name has 1 to 64 letters, digits, _ and -, got {self.name[:80]!r}")
        try:
            schema: object = msgspec.json.decode(self.parameters)
        except msgspec.DecodeError as why:
            raise UsageError(f"the parameters of tool {self.name!r} are no JSON: {why}") from why
        if not isinstance(schema, dict):
            raise UsageError(f"the parameters of tool {self.name!r} must be a JSON schema, an object")


class ToolCall(msgspec.Struct, frozen=True):
    """A wish to have a tool used."""

    id: str
    """Names the call in its result."""
    name: str
    arguments: str
    """JSON, as a model wrote it; it may be anything."""


class Picture(msgspec.Struct, frozen=True, gc=False):
    """A picture that is shown in a conversation: passed on as it is, to models that can look at one."""

    type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    content: bytes
    """The file, whole."""

    def __post_init__(self) -> None:
        if _type_of(self.content) != self.type:
            raise UsageError(f"a picture is said to be {self.type}, and begins as no such file does")


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    """Who speaks."""
    text: str
    """What is said; a tool's result."""
    calls: tuple[ToolCall, ...] = ()
    """Of an assistant: the tools it wants used."""
    call: str = ""
    """Of a tool: the id of the call that this is the result of."""
    pictures: tuple[Picture, ...] = ()
    """Of a user: what is shown beside the words, before them."""


def _type_of(content: bytes) -> str | None:
    """Return the type of a picture by how its file begins."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((type for beginning, type in _BEGINNINGS.items() if content.startswith(beginning)), None)


def calls_key(calls: tuple[ToolCall, ...]) -> str | None:
    """Return the canonical key of an answer that is tool calls; None when arguments are no JSON object.

    >>> calls_key((ToolCall("a", "add", '{"y":2,"x":1}'),))
    'call:[{"arguments":{"x":1,"y":2},"name":"add"}]'
    """
    wanted: list[dict[str, object]] = []
    for call in calls:
        try:
            arguments: object = msgspec.json.decode(call.arguments or "{}")
        except (msgspec.DecodeError, RecursionError):
            return None
        if not isinstance(arguments, dict):
            return None
        wanted.append({"name": call.name, "arguments": arguments})
    return CALL + msgspec.json.encode(wanted, order="sorted").decode()


def calls_of(key: str | None) -> tuple[ToolCall, ...]:
    """Return the tool calls that an answer's key asks for, their ids numbered; none when it is another answer."""
    if key is None or not key.startswith(CALL):
        return ()
    try:
        wanted = msgspec.json.decode(key.removeprefix(CALL), type=tuple[_Wanted, ...])
    except (msgspec.DecodeError, RecursionError):
        return ()
    return tuple(
        ToolCall(f"call_{number}", one.name, msgspec.json.encode(one.arguments, order="sorted").decode())
        for number, one in enumerate(wanted)
    )


CALL = "call:"
"""How the key of an answer begins that is tool calls."""


class _Wanted(msgspec.Struct):
    name: str
    arguments: dict[str, object]
