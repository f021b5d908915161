"""One message as the page sees it: who said what, when, on what it builds, whom its author had heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from waggledance.core import (
    NO_COST,
    Body,
    Cost,
    Judgement,
    Message,
    MessageId,
    Note,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Unknown,
)
from waggledance.studio._conversation import Conversation
from waggledance.studio._shapes import CostShown, Msg, VerdictShown
from waggledance.tasks import Add, PlanEdit, Replace

TEXT_CHARS = 2_000
"""Of a text in a list of messages; the whole comes with the message."""

AnyMessage = Message[Any]


def shown(message: AnyMessage, conversation: Conversation, text_chars: int = TEXT_CHARS) -> Msg:
    """Return a message as the page's views need it.

    Args:
        message: the message.
        conversation: the channel that it is in.
        text_chars: a longer text is cut.
    """
    body: Body = message.body
    text, hexed = said(body), conversation.hexed.__getitem__
    previous = () if message.previous is None else (message.previous,)
    return Msg(
        id=hexed(message.id),
        n=conversation.places[message.id],
        author=hexed(message.author),
        name=name_of(message.author, conversation.names),
        kind=message.kind,
        round=None if isinstance(body, Unknown) else body.round,
        lamport=message.lamport,
        sequence=message.sequence,
        wall_ms=message.wall_ms,
        parents=tuple(map(hexed, (*previous, *message.parents))),
        refs=tuple(map(hexed, refs_of(body))),
        key=body.key if isinstance(body, Proposal | Outcome) else None,
        text=text[:text_chars],
        cut=len(text) > text_chars,
        confidence_ppm=body.confidence_ppm if isinstance(body, Proposal) else None,
        lapse=_lapse(body),
        cost=cost_shown(cost_of(body)),
        verdicts=_verdicts(body),
        hears=_hears(message, conversation),
    )


def name_of(peer: PeerId, names: Mapping[PeerId, str]) -> str:
    """Return the name of a peer as people see it."""
    return names.get(peer) or peer.hex()[:8]


def cost_of(body: Body) -> Cost:
    """Return what a message says it cost to make."""
    if isinstance(body, PlanEdit):
        return sum((cost for op in body.ops if isinstance(cost := getattr(op, "cost", None), Cost)), NO_COST)
    cost = getattr(body, "cost", None)
    return cost if isinstance(cost, Cost) else NO_COST


def cost_shown(cost: Cost) -> CostShown:
    """Return a cost as the page sees it."""
    return CostShown(cost.calls, cost.prompt_tokens, cost.completion_tokens, cost.micro_usd, cost.milliseconds)


def refs_of(body: Body) -> tuple[MessageId, ...]:
    """Return the messages that a body names as what it was made from, or judges."""
    if isinstance(body, Judgement):
        return tuple(dict.fromkeys(id for verdict in body.verdicts for id in verdict.subjects))
    refs: object = getattr(body, "refs", ())
    return cast("tuple[MessageId, ...]", refs) if isinstance(refs, tuple) else ()


def said(body: Body) -> str:
    """Return what a message says in words; of a body that only its protocol knows, its plain fields."""
    match body:
        case Proposal() | Note():
            return body.text
        case Opening():
            return body.question.text
        case Outcome():
            return "\n".join(body.notes)
        case Judgement():
            return "\n".join(verdict.reason for verdict in body.verdicts if verdict.reason)
        case PlanEdit():
            return "\n".join(_operation(op) for op in body.ops)
        case Unknown():
            return f"{body.kind_name}: {len(body.raw):,} bytes of a kind that this version does not know"
        case _:
            fields = [(name, getattr(body, name)) for name in body.__struct_fields__ if name != "round"]
            plain = [f"{name}: {value}" for name, value in fields if isinstance(value, str | int) and value != ""]
            return "\n".join(plain)


def plain(value: object) -> Any:
    """Return a body as plain values, bytes in hexadecimal; one of an unknown kind as far as it can be read."""
    match value:
        case Unknown():
            return {"kind": value.kind_name, "fields": plain(msgspec.msgpack.decode(value.raw))}
        case bytes():
            return value.hex()
        case msgspec.Struct():
            fields = [(name, getattr(value, name)) for name in value.__struct_fields__]
            return {name: plain(field) for name, field in fields if field is not msgspec.UNSET}
        case tuple() | list() | frozenset():
            return [plain(item) for item in cast("list[object]", value)]
        case dict():
            return {str(plain(key)): plain(item) for key, item in cast("dict[object, object]", value).items()}
        case _:
            return value


def _operation(op: object) -> str:
    name = type(op).__name__.lower()
    match op:
        case Add(task=task) | Replace(by=task):
            return f"{name} “{task.goal}”"
        case _:
            task_id: object = getattr(op, "task", None) or getattr(op, "after", None)
            reason: object = getattr(op, "reason", "")
            about = f" {task_id.hex()[:8]}" if isinstance(task_id, bytes) else ""
            return f"{name}{about}{f': {reason}' if reason else ''}"


def _lapse(body: Body) -> str:
    lapse: object = getattr(body, "lapse", "")
    return lapse if isinstance(lapse, str) else ""


def _verdicts(body: Body) -> tuple[VerdictShown, ...] | None:
    if not isinstance(body, Judgement):
        return None
    return tuple(
        VerdictShown(tuple([id.hex() for id in v.subjects]), v.scores, v.reason[:TEXT_CHARS]) for v in body.verdicts
    )


def _hears(message: AnyMessage, conversation: Conversation) -> tuple[str, ...] | None:
    """Return which members the author had heard for this: by what the body names, else by what the message builds on.

    A proposal that names nothing was made alone. None where a message that it rests on is not here.
    """
    refs = refs_of(message.body)
    if not refs and isinstance(message.body, Proposal):
        return ()
    authors = dict.fromkeys(map(conversation.authors.get, refs or message.parents))
    if None in authors:
        return None
    authors.pop(message.author, None)
    seated, hexed = conversation.seated, conversation.hexed
    return tuple([hexed[author] for author in authors if author is not None and author in seated])
