"""Which messages may be why a run came out wrong: found in the log alone, the likeliest first, without a model.

The order: the first violation of a contract; the first claim that judges reject; the first message after which all
later answers were wrong; then messages by how many others descend from them. Source: the project's reading of Ma et al.
2025, "DoVer", arXiv:2512.06749, where a model proposes the suspects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from waggledance.core import (
    UNIT,
    Judgement,
    Message,
    MessageId,
    Note,
    PeerId,
    Proposal,
    members_of,
    opening_of,
    show,
)
from waggledance.safety import Contract, check
from waggledance.safety._compare_histories import OF_THE_ASKER

AnyMessage = Message[Any]


class Suspect(msgspec.Struct, frozen=True):
    """A message that may be why, and why that."""

    id: MessageId
    peer: str
    kind: str
    round: int
    why: str


def suspects(
    messages: Sequence[AnyMessage],
    right: Callable[[str | None], bool],
    contracts: Sequence[Contract] | None = None,
) -> tuple[Suspect, ...]:
    """Return the messages of a wrong run that may be why, the likeliest first; each once, with its first reason.

    Args:
        messages: of one channel.
        right: whether an answer's key is right.
        contracts: what no message may break; the built-in contracts when None.
    """
    names = {member.id: member.name for member in members_of(messages)}
    opening = opening_of(messages)
    said = [m for m in sorted(messages, key=lambda m: (m.lamport, m.id)) if not isinstance(m.body, OF_THE_ASKER)]
    if opening is None or not said:
        return ()
    by_id = {m.id: m for m in said}
    found: dict[MessageId, str] = {}
    for id, why in (
        *_violations(messages, contracts), *_rejected(said), *_turning_points(said, right), *_hubs(said)
    ):  # fmt: skip
        if id in by_id:
            found.setdefault(id, why)
    return tuple(
        Suspect(id, names.get(by_id[id].author, show(by_id[id].author)), by_id[id].kind, by_id[id].body.round, why)
        for id, why in found.items()
    )


def _violations(
    messages: Sequence[AnyMessage], contracts: Sequence[Contract] | None
) -> Iterator[tuple[MessageId, str]]:
    """Yield the first step that breaks each contract, first steps first."""
    place = {m.id: n for n, m in enumerate(sorted(messages, key=lambda m: (m.lamport, m.id)))}
    firsts: dict[str, tuple[int, MessageId]] = {}
    for violation in check(messages, contracts).violations:
        at = MessageId(violation.at)
        if at in place:
            firsts[violation.contract] = min(firsts.get(violation.contract, (len(place), at)), (place[at], at))
    for name, (_, at) in sorted(firsts.items(), key=lambda item: item[1]):
        yield at, f"the first to break the contract {name!r}"


def _rejected(said: Sequence[AnyMessage]) -> Iterator[tuple[MessageId, str]]:
    """Yield the first claim whose grade by its judges is below one half on average."""
    grades: dict[MessageId, list[int]] = {}
    for message in said:
        if isinstance(message.body, Judgement):
            for verdict in message.body.verdicts:
                if len(verdict.subjects) == 1:
                    grades.setdefault(verdict.subjects[0], []).append(verdict.scores[0])
    for message in said:
        given = grades.get(message.id)
        if given and 2 * sum(given) < UNIT * len(given):
            yield message.id, "the first claim that its judges reject"
            return


def _turning_points(said: Sequence[AnyMessage], right: Callable[[str | None], bool]) -> Iterator[tuple[MessageId, str]]:
    """Yield the message that comes after the last right answer, or the very first where there was none."""
    answers = [n for n, m in enumerate(said) if isinstance(m.body, Proposal)]
    last_right = max((n for n in answers if right(said[n].body.key)), default=-1)
    if last_right + 1 < len(said):
        yield said[last_right + 1].id, "the first after which all answers were wrong"


def _hubs(said: Sequence[AnyMessage]) -> Iterator[tuple[MessageId, str]]:
    """Yield messages by how many others descend from them, most first, of equals the first said.

    Left out is what nobody heard, and what only repeats what its author had said before.
    """
    below: dict[MessageId, set[MessageId]] = {m.id: set() for m in said}
    for message in reversed(said):
        for id in (*message.parents, *filter(None, [message.previous])):
            if id in below:
                below[id] |= below[message.id] | {message.id}
    repeated = _repeated(said)
    for message in sorted(said, key=lambda m: (-len(below[m.id]), m.lamport, m.id)):
        if below[message.id] and message.id not in repeated:
            yield message.id, f"{len(below[message.id])} others descend from it"


def _repeated(said: Sequence[AnyMessage]) -> set[MessageId]:
    """Return the messages whose words their author had said before."""
    known: set[tuple[PeerId, str]] = set()
    repeated: set[MessageId] = set()
    for message in said:
        body = message.body
        if isinstance(body, Proposal | Note) and body.text:
            if (message.author, body.text) in known:
                repeated.add(message.id)
            known.add((message.author, body.text))
    return repeated
