"""One message as the page sees it: who said what, when, on what it builds, whom its author had heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import msgspec

from waggledance.consensus import Ack, Claim, FloorReport, Prep, Seal
from waggledance.core import (
    NO_COST,
    UNIT,
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
    Roster,
    Say,
    Unknown,
)
from waggledance.gateways import commerce_words
from waggledance.mesh import Capability, Feedback, Join
from waggledance.studio._conversation import Conversation
from waggledance.studio._shapes import FREE, Author, Back, CostShown, Msg, VerdictShown
from waggledance.tasks import Add, PlanEdit, Replace, TaskOutcome

TEXT_CHARS = 2_000
"""Of a text in a list of messages; the whole comes with the message."""

SIGNS_CHARS = 12
"""Of a decision’s hash, in what is shown: enough to tell two apart."""

NO_GOALS: Mapping[bytes, str] = {}
NO_NAMES: Mapping[PeerId, str] = {}

AnyMessage = Message[Any]


def shown(message: AnyMessage, conversation: Conversation, text_chars: int = TEXT_CHARS) -> Msg:
    """Return a message as the page's views need it.

    Args:
        message: the message.
        conversation: the channel that it is in.
        text_chars: a longer text is cut.
    """
    body: Body = message.body
    text, places = said(body, conversation.goals, conversation.names), conversation.places
    n, first = places[message.id], conversation.first[message.author]
    previous = () if message.previous is None else (message.previous,)

    def back(ids: Iterable[MessageId]) -> tuple[Back, ...]:
        return tuple([id.hex() if (at := places.get(id)) is None else n - at for id in ids])

    return Msg(
        id=message.id.hex(),
        n=n,
        author=Author(message.author.hex(), name_of(message.author, conversation.names)) if first == n else first,
        kind=message.kind,
        round=None if isinstance(body, Unknown) else body.round,
        wall_ms=message.wall_ms,
        parents=back((*previous, *message.parents)),
        refs=back(refs_of(body)),
        key=body.key if isinstance(body, Proposal | Outcome) else None,
        text=text[:text_chars],
        cut=len(text) > text_chars,
        confidence_ppm=body.confidence_ppm if isinstance(body, Proposal) else None,
        lapse=_lapse(body),
        cost=cost_shown(cost_of(body)),
        verdicts=_verdicts(body, back),
        signs=body.digest.hex()[:SIGNS_CHARS] if isinstance(body, Prep | Ack) else None,
        decided_in=body.decided_in if isinstance(body, Say) else "",
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
    if cost == NO_COST:
        return FREE
    return CostShown(cost.calls, cost.prompt_tokens, cost.completion_tokens, cost.micro_usd, cost.milliseconds)


def refs_of(body: Body) -> tuple[MessageId, ...]:
    """Return the messages that a body names as what it was made from, or judges."""
    if isinstance(body, Judgement):
        return tuple(dict.fromkeys(id for verdict in body.verdicts for id in verdict.subjects))
    refs: object = getattr(body, "refs", ())
    return cast("tuple[MessageId, ...]", refs) if isinstance(refs, tuple) else ()


def said(body: Body, goals: Mapping[bytes, str] = NO_GOALS, names: Mapping[PeerId, str] = NO_NAMES) -> str:
    """Return what a message says in words; of a body that only its protocol knows, its plain fields.

    Args:
        body: the message's.
        goals: what tasks are about; one that is not among them is named by the beginning of its id.
        names: what peers are called; one that is not among them is named by the beginning of its id.
    """
    match body:
        case Say():
            return body.words
        case Roster():
            return ", ".join(member.name for member in body.members)
        case Seal():
            return f"has messages of {len(body.heads)} peers"
        case Claim() | Prep() | Ack():
            return f"decision {body.digest.hex()[:SIGNS_CHARS]}"
        case Join():
            return f"comes with an invite of {name_of(PeerId(body.invite.issuer), names)}’s"
        case Capability():
            models = ", ".join(model.name for model in body.models)
            return f"can {', '.join(skill.name for skill in body.skills)}{f'; thinks with {models}' if models else ''}"
        case Feedback():
            return f"{name_of(body.about, names)} was {round(100 * body.outcome_ppm / UNIT)} % right"
        case FloorReport(progress="started"):
            return "begins its task"
        case Proposal() | Note():
            return body.text
        case Opening():
            return body.question.text
        case Outcome():
            return "\n".join(body.notes)
        case Judgement():
            return "\n".join(verdict.reason for verdict in body.verdicts if verdict.reason)
        case PlanEdit():
            return "\n".join(_operation(op, goals) for op in body.ops)
        case TaskOutcome():
            return f"{body.task_kind}: worth {round(100 * body.reward_ppm / UNIT)} % of what was asked"
        case Unknown():
            return f"{body.kind_name}: {len(body.raw):,} bytes of a kind that this version does not know"
        case _:
            if words := commerce_words(body):
                return words
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


def _operation(op: object, goals: Mapping[bytes, str]) -> str:
    name = type(op).__name__.lower()
    match op:
        case Add(task=task) | Replace(by=task):
            return f"{name} “{task.goal}”"
        case _:
            task_id: object = getattr(op, "task", None) or getattr(op, "after", None)
            reason: object = getattr(op, "reason", "")
            about = f" “{goals.get(task_id, task_id.hex()[:8])}”" if isinstance(task_id, bytes) else ""
            return f"{name}{about}{f': {reason}' if reason else ''}"


def _lapse(body: Body) -> str:
    lapse: object = getattr(body, "lapse", "")
    return lapse if isinstance(lapse, str) else ""


def _verdicts(body: Body, back: Callable[[Iterable[MessageId]], tuple[Back, ...]]) -> tuple[VerdictShown, ...] | None:
    if not isinstance(body, Judgement):
        return None
    return tuple(VerdictShown(back(v.subjects), v.scores, v.reason[:TEXT_CHARS]) for v in body.verdicts)
