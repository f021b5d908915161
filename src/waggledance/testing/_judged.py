"""Judged: the messages that peer ranking would leave behind on questions of W2, without running it.

The same draws, the same schedule and the same rules as `PeerRanking` in a `Swarm`, without channel, loop and envelope:
for tables over thousands of questions. A test holds that both decide alike.
"""

from __future__ import annotations

from typing import Literal, TypeVar

from blake3 import blake3

from waggledance.consensus import Judgements, Proposals, pairs
from waggledance.core import (
    UNIT,
    Body,
    Judgement,
    Message,
    MessageId,
    PeerId,
    Proposal,
    Verdict,
    local_peer_id,
    swarm_id,
)
from waggledance.testing._world_w1 import KEYS, W1
from waggledance.testing._world_w2 import W2

B = TypeVar("B", bound=Body)

_SWARM = swarm_id("world")


def proposed(world: W1, number: int) -> Proposals:
    """Return every peer's proposal on a question, sorted by id; ids are drawn, not hashes of content."""
    said: list[int] = world.answers(number).said.tolist()
    return sorted(message_of(world, number, i, 1, Proposal(key=KEYS[answer])) for i, answer in enumerate(said))


def judged(
    world: W2,
    number: int,
    proposals: Proposals,
    *,
    comparisons: int | None = None,
    unit: Literal["answer", "proposal"] = "answer",
) -> Judgements:
    """Return every peer's judgement of the proposals on a question, by the schedule of `PeerRanking`.

    Args:
        world: whose peers judge.
        number: the question's number.
        proposals: what `proposed` returned for it.
        comparisons: how many pairs a judge compares at most; all that are due when None.
        unit: what a pair is made of, distinct answers or proposals.
    """
    grades = world.grades(number).tolist()
    judgements: list[Message[Judgement]] = []
    for i in range(world.peers):
        due = pairs(proposals, _peer(i), number, per_judge=comparisons, unit=unit)
        verdicts = [
            Verdict((a.id, b.id), (UNIT, 0) if _grade(grades[i], a) > _grade(grades[i], b) else (0, UNIT))
            if a.body.key != b.body.key
            else Verdict((a.id, b.id), (UNIT // 2, UNIT // 2))
            for a, b in due
        ]
        judgements.append(message_of(world, number, i, 2, Judgement(verdicts=tuple(verdicts))))
    return sorted(judgements)


def _grade(grades: list[int], proposal: Message[Proposal]) -> int:
    assert proposal.body.key is not None
    return grades[KEYS.index(proposal.body.key)]


def _peer(index: int) -> PeerId:
    return local_peer_id(f"peer-{index}")


def message_of(world: W1, number: int, index: int, sequence: int, body: B) -> Message[B]:
    """Return a message of a world's peer on a question; its id is drawn, not a hash of its content."""
    id = MessageId(blake3(b"%d %d %d %d" % (world.seed, number, index, sequence)).digest())
    return Message(id, _peer(index), body, sequence, None, (), sequence, 0, _SWARM, f"q{number}")
