"""Verify: one peer answers, others drawn for it run the same again, and the answer stands if most come out like it.

    claimant seals its answer → verifiers are drawn → each runs it again and seals that → all open → `SameComputation`

A re-run asks the verifier's own model the same question with the claimant's luck (the seed of its first call), so equal
models with equal prompts and settings give equal texts; seat peers that are alike. Everybody seals first: a note holds
the hash of what it will say, and an opened text that does not fit its seal does not count. So nobody can copy another's
text instead of computing it, except one that can be guessed: the seal of a one-word answer hides little. A drawn
verifier who is silent is replaced by the next one after one patience.
Source: Kim et al. 2023, "Generative Artificial Intelligence Consensus in a Trustless Network", arXiv:2307.01898; seals
and replacement are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from blake3 import blake3

from waggledance.consensus import SameComputation, verifiers
from waggledance.consensus._same_computation import DISTANCE_MAX
from waggledance.core import (
    Decision,
    Note,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    everyone_within,
)
from waggledance.protocols._protocol import check_patience

SEAL = "seal"
"""What a note is about that holds the hash of words to come."""


@dataclass(frozen=True)
class Verify:
    """Let one peer answer, and check that it computed what it says.

    Args:
        claimant: the name of the peer that answers; drawn from the seed when empty.
        verifiers: how many verify, ≥ 1; an odd number has no ties.
        distance_max: the most bits of 64 in which a re-run's SimHash may differ, 0 to 64; see `distance_bound`.
        patience_s: how long each wait lasts for those who are late, in seconds.
    """

    name: ClassVar[str] = "verify"
    skills: ClassVar[frozenset[str]] = frozenset({"propose"})
    gives: ClassVar[frozenset[str]] = frozenset()
    peers_min: ClassVar[int] = 2

    claimant: str = ""
    verifiers: int = 3
    distance_max: int = DISTANCE_MAX
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        _ = self.decide

    @property
    def decide(self) -> SameComputation:
        return SameComputation(self.verifiers, self.distance_max)

    async def __call__(self, seat: Seat, /) -> Decision:
        claimant = self._claimant(seat)
        limit, wanted = seat.meter.budget.messages, 2 * (1 + self.verifiers)
        if limit is not None and limit < wanted:
            raise UsageError(
                f"a claim and {self.verifiers} verifiers need {wanted} messages, the budget has {limit}: "
                "allow that many, or ask for fewer verifiers"
            )
        in_time = everyone_within(self.patience_s)
        mine = await _sealed(seat, claimant, 0) if seat.me == claimant else None
        sealed = await seat.collect(Note, 0, until=in_time, of=frozenset({claimant}))
        seals = {m.author: m.body.text for m in sealed if m.body.about == SEAL}
        if seals:
            order = verifiers(seat.seed, sealed[0].id, seat.roster, claimant)
            mine = await self._verify(seat, claimant, order, seals) or mine
        if mine is not None:
            await seat.publish(mine)
        claims = await seat.collect(Proposal, 0, until=in_time, of=frozenset(seals) & {claimant})
        others = frozenset(seals) - {claimant}
        reruns = await seat.collect(Proposal, 1, until=in_time, of=others) if others else ()
        opened = [m for m in (*claims, *reruns) if seal(m.author, m.body) == seals.get(m.author)]
        decision = self.decide(opened, (), seat.weights)
        broken = sorted(seat.table.names.get(m.author, "") for m in (*claims, *reruns) if m not in opened)
        notes = (*decision.notes, *(f"what {who} said does not fit its seal" for who in broken))
        return msgspec.structs.replace(decision, notes=notes)

    async def _verify(
        self, seat: Seat, claimant: PeerId, order: Iterable[PeerId], seals: dict[PeerId, str]
    ) -> Proposal | None:
        """Call verifiers until enough have sealed their re-run; add their seals, return this seat's own re-run."""
        waiting, mine = list(order), None
        while waiting and len(seals) - 1 < self.verifiers:
            missing = self.verifiers - (len(seals) - 1)
            called, waiting = frozenset(waiting[:missing]), waiting[missing:]
            if seat.me in called:
                mine = await _sealed(seat, claimant, 1)
            heard = await seat.collect(Note, 1, until=everyone_within(self.patience_s), of=called)
            seals |= {m.author: m.body.text for m in heard if m.body.about == SEAL}
        return mine

    def _claimant(self, seat: Seat) -> PeerId:
        if not self.claimant:
            return min(seat.roster, key=lambda peer: blake3(b"waggle/claim/1\0%d\0" % seat.seed + peer).digest())
        named = [peer for peer in seat.roster if seat.table.names.get(peer) == self.claimant]
        if not named:
            known = ", ".join(sorted(seat.table.names.values()))
            raise UsageError(f"the claimant {self.claimant!r} does not sit here; there are {known}")
        return named[0]


def seal(author: PeerId, said: Proposal) -> str:
    """Return what an author publishes before its words: a hash, as hexadecimal text, that fits nobody else's."""
    return blake3(b"waggle/seal/1\0" + author + b"\0" + msgspec.msgpack.encode((said.key, said.text))).hexdigest()


async def _sealed(seat: Seat, claimant: PeerId, round: int) -> Proposal:
    """Compute with the claimant's luck, publish the seal, and return what is to be opened later."""
    said = await seat.propose(round, luck_of=claimant)
    await seat.publish(Note(round=round, about=SEAL, text=seal(seat.me, said)))
    return said
