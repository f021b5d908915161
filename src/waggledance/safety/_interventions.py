"""What can be changed in a history before it is run again: words, who is heard, who thinks with what, the rule.

An intervention is small and names its place: "change that step and run on from there".
Source: Ma et al. 2025, "DoVer: Intervention-Driven Auto Debugging for LLM Multi-Agent Systems", arXiv:2512.06749, §3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

from waggledance.core import MessageId, UnknownName, UsageError, show


class Reword(msgspec.Struct, frozen=True, tag_field="do", tag="replace"):
    """Let a message have said something else."""

    id: MessageId
    text: str
    """What its author says instead, whole."""
    key: str | msgspec.UnsetType | None = msgspec.UNSET
    """Of a proposal: its answer; read from the text as from a model's when left out."""


class Unsay(msgspec.Struct, frozen=True, tag_field="do", tag="drop"):
    """Let a message never have reached anybody."""

    id: MessageId


class Interject(msgspec.Struct, frozen=True, tag_field="do", tag="insert"):
    """Let the author of a message have said one more thing of the same sort right after it, to the same hearers."""

    after: MessageId
    text: str
    key: str | msgspec.UnsetType | None = msgspec.UNSET


class SwapRule(msgspec.Struct, frozen=True, tag_field="do", tag="rule"):
    """Decide by another rule."""

    rule: str
    """Its name, such as ``"majority"``."""


class SwapModel(msgspec.Struct, frozen=True, tag_field="do", tag="model"):
    """Let a peer think with another model: everything it says is asked anew."""

    peer: str
    """Its name, or its id in hexadecimal."""
    model: str
    """Such as ``"openai:gpt-5-mini"``."""


class Unseat(msgspec.Struct, frozen=True, tag_field="do", tag="peer"):
    """Take a peer away: from the beginning, or from a moment on."""

    peer: str
    """Its name, or its id in hexadecimal."""
    off: Literal[True] = True


Intervention = Reword | Unsay | Interject | SwapRule | SwapModel | Unseat

_IDS = ("id", "after")
_DOES = ("replace", "drop", "insert", "rule", "model", "peer")


def intervention_of(plain: Mapping[str, object]) -> Intervention:
    """Read an intervention from plain values, as they come in JSON, ids in hexadecimal.

    Raises:
        UnknownName: it does something that there is not.
        UsageError: a field is missing, of another type, or an id is none.

    >>> intervention_of({"do": "rule", "rule": "borda"})
    SwapRule(rule='borda')
    """
    does = plain.get("do")
    if does not in _DOES:
        raise UnknownName("intervention", str(does), _DOES)
    values: dict[str, object] = dict(plain)
    for field in _IDS:
        if field in values:
            values[field] = message_id_of(str(values[field]))
    try:
        return cast("Intervention", msgspec.convert(values, cast("Any", Intervention)))
    except msgspec.ValidationError as why:
        raise UsageError(f"the intervention {does!r} cannot be read: {why}") from why


def message_id_of(text: str) -> MessageId:
    """Read a message's id from 64 hexadecimal digits, with or without ``b3:`` before them.

    Raises:
        UsageError: it is something else.
    """
    digits = text.removeprefix("b3:")
    try:
        id = bytes.fromhex(digits)
    except ValueError:
        id = b""
    if len(id) != 32:
        raise UsageError(f"a message's id is 64 hexadecimal digits, got {text[:80]!r}; see `waggle log show --json`")
    return MessageId(id)


def as_plain(intervention: Intervention) -> dict[str, Any]:
    """Return an intervention as plain values for JSON, ids in hexadecimal; `intervention_of` reads them."""
    plain = cast("dict[str, Any]", msgspec.to_builtins(intervention, builtin_types=(bytes,)))
    return {field: value.hex() if isinstance(value, bytes) else value for field, value in plain.items()}


def spelled_intervention(intervention: Intervention) -> str:
    """Return an intervention as a line of JSON, as it stands in a fork's first message."""
    return msgspec.json.encode(as_plain(intervention), order="sorted").decode()


def told_intervention(intervention: Intervention) -> str:
    """Return an intervention in plain words.

    >>> told_intervention(Unseat("p3"))
    'p3 is taken away'
    """
    match intervention:
        case Reword():
            return f"{show(intervention.id)} says {intervention.text[:60]!r} instead"
        case Unsay():
            return f"{show(intervention.id)} is unsaid"
        case Interject():
            return f"after {show(intervention.after)} its author also says {intervention.text[:60]!r}"
        case SwapRule():
            return f"it is decided by {intervention.rule}"
        case SwapModel():
            return f"{intervention.peer} thinks with {intervention.model}"
        case Unseat():
            return f"{intervention.peer} is taken away"
