"""Same computation: a claimed answer is accepted when most of a few independent re-runs come out like it.

A verifier finds the claim the same when the SimHashes of the two texts differ in at most `distance_max` of 64 bits.
With 10, verifiers find a copy with one word in ten changed the same in 98.7 % of cases and another text in 0.2 %; two
of three make that 99.95 % and 0.001 %. Where 10 % of all verifiers lie, most of three do in 2.8 % of cases, most of
seven in 0.3 %. Withstands fewer liars than half of the verifiers. Does not withstand verifiers in league, or a
paraphrase that keeps the words. Source: Kim et al. 2023, "Generative Artificial Intelligence Consensus in a Trustless
Network", arXiv:2307.01898; only its summary was read, the text hash is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from blake3 import blake3

from waggledance.consensus._rule import Judgements, Need, Proposals, Weights, settle
from waggledance.consensus._simhash import BITS, hamming, simhash
from waggledance.core import UNIT, Decision, Dissent, Message, MessageId, PeerId, Proposal, UsageError

DISTANCE_MAX = 10


def verifiers(seed: int, claim: MessageId, roster: Iterable[PeerId], claimant: PeerId) -> tuple[PeerId, ...]:
    """Return everybody but the claimant in the order in which they are called to verify.

    Drawn from the seed and the claim's id, so nobody knows the order before the claim is fixed; a claimant who tries
    several claims can still choose among their orders.

    Args:
        seed: the run's seed.
        claim: the message that fixes the claim.
        roster: everybody, in any order.
        claimant: who made the claim.
    """
    others = {peer for peer in roster if peer != claimant}
    return tuple(sorted(others, key=lambda peer: blake3(b"waggle/verify/1\0%d\0" % seed + claim + peer).digest()))


@dataclass(frozen=True)
class SameComputation:
    """Accept a claim when more than half of the verifiers asked for come out like it.

    The claim is the one proposal of round 0, re-runs are those of round 1; a peer's own re-run of its claim, and
    proposals without a text, do not count, and of several re-runs of one peer the first by id does.

    Args:
        verifiers: how many verify, >= 1; an odd number has no ties.
        distance_max: the most bits in which a re-run may differ, 0 to 64; see `distance_bound`.

    Raises:
        UsageError: no verifier, or a distance that no two hashes have.
    """

    verifiers: int = 3
    distance_max: int = DISTANCE_MAX
    needs: frozenset[Need] = field(default=frozenset[Need](), init=False, repr=False)

    def __post_init__(self) -> None:
        if self.verifiers < 1:
            raise UsageError(f"a claim has at least one verifier, got {self.verifiers}")
        if not 0 <= self.distance_max <= BITS:
            raise UsageError(f"hashes differ in 0 to {BITS} bits, got distance_max={self.distance_max}")

    @property
    def name(self) -> str:
        """The rule with its numbers, such as ``same-computation(3, 10)``."""
        return f"same-computation({self.verifiers}, {self.distance_max})"

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the claim's answer when it is accepted.

        Rejected it is a ``conflict``; with too few re-runs to tell, or none or several claims, ``undecided``. Support
        counts verifiers, in parts per million of one, under ``"same"`` and ``"different"``.
        """
        nothing = settle({}, proposals, judgements, weights, rule=self.name)
        claims = {m for m in proposals if m.body.round == 0 and m.body.text and weights.get(m.author, UNIT) > 0}
        if len(claims) != 1:
            return msgspec.structs.replace(nothing, notes=(f"not verified: there are {len(claims)} claims, not one",))
        [claim] = claims
        distances = self._distances(claim, proposals, weights)
        same = sum(distance <= self.distance_max for distance in distances.values())
        different = len(distances) - same
        tally = f"{same} of {self.verifiers} verifiers came out the same, {different} different"
        decision = msgspec.structs.replace(
            nothing,
            support={"different": different * UNIT, "same": same * UNIT},
            dissent=tuple(
                Dissent(m.author, m.body.key, f"differs in {distances[m]} of {BITS} bits: {m.body.text}")
                for m in sorted(distances)
                if distances[m] > self.distance_max
            ),
        )
        if 2 * same > self.verifiers:
            return msgspec.structs.replace(
                decision, status="decided", key=claim.body.key, winner=claim.id, text=claim.body.text,
                confidence=round(same / (same + different), 6), notes=(f"accepted: {tally}",),
            )  # fmt: skip
        if 2 * different >= self.verifiers:
            bits = sorted(distances.values())
            note = f"rejected: {tally} (they differ in {', '.join(map(str, bits))} bits)"
            return msgspec.structs.replace(decision, status="conflict", notes=(note,))
        return msgspec.structs.replace(decision, notes=(f"not verified: {tally}, the rest did not answer",))

    def _distances(
        self, claim: Message[Proposal], proposals: Proposals, weights: Weights
    ) -> dict[Message[Proposal], int]:
        """Return how far each verifier's re-run is from the claim, in bits."""
        mine = simhash(claim.body.text)
        first: dict[PeerId, Message[Proposal]] = {}
        for message in sorted(proposals):
            if message.body.round == 1 and message.body.text and weights.get(message.author, UNIT) > 0:
                first.setdefault(message.author, message)
        first.pop(claim.author, None)
        return {message: hamming(mine, simhash(message.body.text)) for message in first.values()}
