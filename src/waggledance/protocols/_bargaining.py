"""Bargaining: for questions of values, peers offer packages, grade what is offered, and nobody's loss is averaged away.

Each peer states its wish, and grades all wishes. Then, while it helps: each offers a change to the package that leads,
and grades the others' offers; the best pairs of offers are put together ("log-rolling"), by whoever's turn it is and
without asking anybody's model, and graded as well. The mediator is the rule, a pure function of offers and grades.
What a peer wants stays with the peer: it is asked about packages only. With grade 0 a peer objects.
Source: Mushkani et al. 2025, "Negotiative Alignment", arXiv:2503.12613, reconstructed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import msgspec

from waggledance.consensus import Bargained, Rule, grades_of, tie_break
from waggledance.core import (
    Decision,
    Judgement,
    Message,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    everyone_within,
    package_key,
    package_of,
)
from waggledance.protocols._protocol import check_patience
from waggledance.protocols._ration import ration_for


@dataclass(frozen=True)
class Bargaining:
    """Wish, grade, offer, grade, join offers, grade, until nothing better comes up.

    Args:
        rounds: how often peers make offers at most, ≥ 0.
        decide: the mediator, a rule on utilities.
        patience_s: how long each wait lasts for those who are late, in seconds; who missed one is not waited for again.

    Raises:
        UsageError: fewer than 0 rounds, or a patience that is no time.
    """

    name: ClassVar[str] = "bargain"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise", "critique"})
    gives: ClassVar[frozenset[str]] = frozenset({"utilities"})
    peers_min: ClassVar[int] = 2

    rounds: int = 3
    decide: Rule = Bargained()
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if self.rounds < 0:
            raise UsageError(f"a bargain has 0 or more rounds of offers, got {self.rounds}")

    async def __call__(self, seat: Seat, /) -> Decision:
        ration = ration_for(seat, 2 + 4 * self.rounds)
        table = _Table(seat, self.patience_s, ration.speakers)
        if ration.admits(seat.me):
            mine = await seat.publish(await seat.propose())
            await table.hear(0)
            if ration.turns > 1:
                await table.grade(0)
            for offers in range(1, ration.turns - 2, 2):
                before = self._now(table)
                if before.winner is None:
                    break
                [leader] = [m for m in table.proposals if m.id == before.winner]
                offer = await seat.revise(mine, [leader, *table.others(leader)])
                mine = await seat.publish(msgspec.structs.replace(offer, round=offers))
                heard = await table.hear(offers)
                await table.grade(offers)
                if offers + 2 < ration.turns:
                    await table.join(leader, heard, offers + 1)
                if self._now(table).key == before.key:
                    break
        else:
            await table.hear(0)
        return ration.tell(self._now(table))

    def _now(self, table: _Table) -> Decision:
        return self.decide(tuple(table.proposals), tuple(table.judgements), table.seat.weights)


class _Table:
    """What a seat has heard of a bargain: affordable packages, and grades."""

    def __init__(self, seat: Seat, patience_s: float, speakers: frozenset[PeerId] | None) -> None:
        self.seat, self.in_time = seat, everyone_within(patience_s)
        self.here = frozenset(seat.roster) if speakers is None else speakers
        self.proposals: list[Message[Proposal]] = []
        self.judgements: list[Message[Judgement]] = []
        self.graded: set[str] = set()

    async def hear(self, round: int, of: frozenset[PeerId] | None = None) -> list[Message[Proposal]]:
        """Take in a round's packages; those that cost too much count as no answer, and are left out."""
        awaited = self.here if of is None else of
        said = await self.seat.collect(Proposal, round, until=self.in_time, of=awaited)
        self.here -= awaited - {m.author for m in said}
        affordable = [m for m in said if m.body.key is None or self.seat.question.affords(m.body.key)]
        self.proposals += affordable
        return [m for m in affordable if m.body.key is not None]

    async def grade(self, round: int) -> None:
        """Grade the packages that are new, and hear the others' grades."""
        new = {m.body.key: m for m in sorted(self.proposals, reverse=True) if m.body.key is not None}
        due = [m for key, m in sorted(new.items()) if key not in self.graded]
        self.graded.update(new)
        if due:
            await self.seat.publish(await self.seat.critique(due, round))
            said = await self.seat.collect(Judgement, round, until=self.in_time, of=self.here)
            self.here &= {m.author for m in said} | {self.seat.me}
            self.judgements += said

    def others(self, leader: Message[Proposal]) -> list[Message[Proposal]]:
        """Return one proposal of each package that is known, but for the leader's."""
        known = {m.body.key: m for m in sorted(self.proposals, reverse=True) if m.body.key is not None}
        return sorted(m for key, m in known.items() if key != leader.body.key)

    async def join(self, leader: Message[Proposal], offers: Sequence[Message[Proposal]], round: int) -> None:
        """Put the best pairs of offers together, one a seat, and grade them."""
        joined = self._joined(leader, offers)
        dealt = dict(zip(sorted(self.here), joined, strict=False))
        if self.seat.me in dealt:
            key = dealt[self.seat.me]
            await self.seat.publish(Proposal(round=round, key=key, text=f"two offers together: {key}"))
        await self.hear(round, frozenset(dealt))
        await self.grade(round)

    def _joined(self, leader: Message[Proposal], offers: Sequence[Message[Proposal]]) -> list[str]:
        """Return packages that make two offers at once, those first that promise most: total and twice the worst.

        What is promised is what each peer has of the leader and gains by the one and by the other.
        """
        grades = grades_of(self.proposals, self.judgements, self.seat.weights)
        packages = {key: p for m in (leader, *offers)
                    if (key := m.body.key) is not None and (p := self._package(key)) is not None}  # fmt: skip
        now, had = self._package(leader.body.key or ""), grades.get(leader.body.key or "", {})
        promised: dict[str, int] = {}
        for a, b in combinations(sorted(packages), 2):
            if now is None or (packages[a] ^ now) & (packages[b] ^ now):
                continue
            key = package_key(now ^ (packages[a] ^ now) ^ (packages[b] ^ now))
            if key in self.graded or not self.seat.question.affords(key):
                continue
            ones, others = grades.get(a, {}), grades.get(b, {})
            then = [ones[peer] + others[peer] - had[peer] for peer in had if peer in ones and peer in others]
            if then:
                promised[key] = max(promised.get(key, sum(then) + 2 * min(then)), sum(then) + 2 * min(then))
        channel = leader.channel
        return sorted(promised, key=lambda key: (-promised[key], tie_break(channel, key)))

    def _package(self, key: str) -> frozenset[int] | None:
        return package_of(key, len(self.seat.question.options))
