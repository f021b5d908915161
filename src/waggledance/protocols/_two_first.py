"""Two first: two peers answer before the others; where they agree, nobody else is asked.

    the first answers (along a worked example), the second without it  →  same answer: decided, for two answers
                                                                       →  else: everybody does what the protocol says

The two are drawn by a hash of the channel and hear nobody. That the second never sees the example is the check: an
example that leads astray leads one of them only. Where they do not agree, what the second said stands as its first
answer in the protocol, as it would have answered there; what the first said counts in nothing. So an example changes no
outcome that the two did not agree on, and two that do not agree cost one answer.

Withstands a wrong example, and one of the two being wrong. Does not withstand two that are wrong alike, which between
two options is easily so, nor a liar who waits for the other's answer and repeats it: seat peers that trust each other.
Source: skills that shortcut reasoning and planning: Shen, Shen 2026, "STEM Agent", arXiv:2603.22359; the check is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from blake3 import blake3

from waggledance.consensus import Judgements, Proposals, Rule, Weights, majority, name_of, needs_of
from waggledance.core import (
    Decision,
    Message,
    Note,
    Opening,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    after,
    count,
    everyone_within,
)
from waggledance.protocols._protocol import AskProtocol, Folding, title_of

PREFIX = "two-first "
"""What stands before a protocol's name when two try first."""
PRACTISED = "practised "
"""The same where the asker shows the first of them a worked example."""
EXAMPLE = "worked-example"
"""What a note of the asker is about that shows the first how it is done."""
EXAMPLE_COMES_S = 2.0
"""How long the first waits for it, which is right behind the opening; without one it answers as it can."""
PATIENCE_S = 120.0
"""Of protocols that have none of their own."""

_SAID_OF_ITSELF = frozenset({"skills", "gives", "peers_min", "judged", "topology", "patience_s"})
"""What `AskProtocol` says that a protocol may have, but for its rule."""


class Tried(Proposal, frozen=True, gc=False):
    """An answer of one of the two that are asked first."""

    kind: ClassVar[str] = "tried/1"


def drawn(channel: str, weights: Weights) -> tuple[PeerId, PeerId] | None:
    """Return who answers along the example and who without; None where less than two peers have a vote."""
    voters = [peer for peer, weight in weights.items() if weight > 0]
    mark = b"waggle/two-first/1\0" + channel.encode() + b"\0"
    order = sorted(voters, key=lambda peer: blake3(mark + peer).digest())
    return (order[0], order[1]) if len(order) > 1 else None


def agreed_on(tried: Sequence[Message[Proposal]]) -> bool:
    """Say whether two peers tried and gave the same answer."""
    keys = {m.body.key for m in tried}
    return len({m.author for m in tried}) == 2 and len(keys) == 1 and None not in keys


@dataclass(frozen=True)
class AgreedFirst:
    """Decide on what the two said who tried first, if that is the same; else as the rule does on all others' answers.

    Where nobody else has answered, as in a run that was cut short, the rule decides on what the two said.

    Args:
        decide: the rule.
    """

    decide: Rule = majority

    @property
    def name(self) -> str:
        """The rule's name with what comes before it, such as ``two-first(majority)``."""
        return _named(name_of(self.decide))

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(needs_of(self.decide))

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        tried = tuple(m for m in proposals if isinstance(m.body, Tried))
        others = tuple(m for m in proposals if not isinstance(m.body, Tried))
        if not others and agreed_on(tried):
            return _beside(majority(tried, (), weights), tried, name_of(self.decide))
        decision = self.decide(others or tried, judgements, weights)
        return _beside(decision, tried, decision.rule)


@dataclass(frozen=True)
class TwoFirst:
    """A protocol in front of which two try first; see this file.

    On the command line and in an opening it is called by the protocol's name with a word before it, as in
    ``two-first vote``. A run with a budget of messages, or with less than two peers that have a vote, goes by the
    protocol alone.

    Args:
        protocol: any that decides by a rule.
        shown: whether the asker shows the first a worked example, a note right behind the opening. Then the word is
            ``practised``.

    Raises:
        UsageError: two try first already, or the protocol folds a plan.
    """

    protocol: AskProtocol
    shown: bool = False
    tries: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.protocol, TwoFirst):
            raise UsageError(f"protocol {title_of(self.protocol)!r} asks two first already")
        if isinstance(self.protocol, Folding):
            raise UsageError(f"protocol {title_of(self.protocol)!r} gives no single answer that two could agree on")

    @property
    def name(self) -> str:
        return self.prefix + title_of(self.protocol)

    @property
    def prefix(self) -> str:
        """The word before the protocol's name."""
        return PRACTISED if self.shown else PREFIX

    @property
    def decide(self) -> AgreedFirst:
        """The rule."""
        rule: Rule = getattr(self.protocol, "decide", majority)
        return AgreedFirst(rule)

    def __getattr__(self, name: str) -> object:
        """Return what the protocol inside says of itself."""
        if name not in _SAID_OF_ITSELF:
            raise AttributeError(f"a protocol with two first has no attribute {name!r}")
        return getattr(self.protocol, name)

    async def __call__(self, seat: Seat, /) -> Decision:
        two = drawn(seat.channel, seat.weights) if seat.meter.budget.messages is None else None
        if two is None:
            return await self.protocol(seat)
        if seat.me in two:
            guide = await _example(seat) if self.shown and seat.me == two[0] else ()
            await seat.publish(Tried(**msgspec.structs.asdict(await seat.propose(guide=guide))))
        patience_s: float = getattr(self.protocol, "patience_s", PATIENCE_S)
        tried = await seat.collect(Tried, until=everyone_within(patience_s), of=frozenset(two))
        if agreed_on(tried):
            decision = self.decide(tried, (), seat.weights)
            note = f"{' and '.join(seat.table.names[peer] for peer in two)} agreed, so nobody else was asked"
        else:
            mine = [m.body for m in tried if m.author == seat.me == two[1] and m.body.key is not None]
            inside = await self.protocol(_AnsweredSeat(seat, mine[0]) if mine else seat)
            decision = _beside(inside, tried, inside.rule)
            note = "two were asked first and did not agree; then the whole swarm was asked"
        return msgspec.structs.replace(decision, notes=(*decision.notes, note))


def rule_inside(name: str) -> str:
    """Return the name of the rule that decides when two who tried first did not agree; the name itself of others.

    >>> rule_inside("two-first(quorum(0.8))")
    'quorum(0.8)'
    """
    before, after_it = _named("\0").split("\0")
    is_one = name.startswith(before) and name.endswith(after_it)
    return name[len(before) : -len(after_it)] if is_one else name


class _AnsweredSeat(Seat):
    """A seat whose peer has given its first answer already.

    Args:
        seat: the seat whose place it takes.
        answer: what the peer said, unguided.
    """

    __slots__ = ("_answer",)

    def __init__(self, seat: Seat, answer: Proposal) -> None:
        for name in Seat.__slots__:
            setattr(self, name, getattr(seat, name))
        self._answer: Proposal | None = answer

    async def propose(
        self, round: int = 0, guide: Sequence[Message[Note]] = (), *, luck_of: PeerId | None = None
    ) -> Proposal:
        """Return the answer that was given already, the first time that an unguided one is wanted; paid for there."""
        said, self._answer = self._answer, None
        if said is None or round or guide or luck_of is not None:
            return await super().propose(round, guide, luck_of=luck_of)
        return Proposal(key=said.key, text=said.text, confidence_ppm=said.confidence_ppm, refs=said.refs)


async def _example(seat: Seat) -> tuple[Message[Note], ...]:
    """Return the worked example that the asker has put beside the question, if there is one."""
    openings = seat.said(Opening)
    if not openings:
        return ()
    asker = frozenset({openings[0].author})
    notes = await seat.collect(Note, until=count(1) | after(EXAMPLE_COMES_S), of=asker)
    return tuple(note for note in notes if note.body.about == EXAMPLE)[:1]


def _beside(decision: Decision, tried: Sequence[Message[Proposal]], rule: str) -> Decision:
    """Return the decision as one that rests on what the two said as well."""
    used = tuple(sorted({*decision.used, *(m.id for m in tried)}))
    return msgspec.structs.replace(decision, rule=_named(rule), used=used)


def _named(rule: str) -> str:
    return f"two-first({rule})"
