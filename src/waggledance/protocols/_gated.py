"""Peers that answer only where they have something to say: an open question to many costs the answers of a few.

Every peer knows what every peer is good at (their records), and so each tells by itself, without a word to the
others, whether it is among those who should speak. Where the records leave it open, more speak, up to a limit; where
nobody's record is near, the peers that hash nearest to the question speak, so that no question stays without answer.

Source: the swarm effect of the project's card on Shen et al. 2026, "GroupGPT", arXiv:2603.01059; the rule is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blake3 import blake3

from waggledance.core import UNIT, Call, Message, Peer, Proposal, RunFailed, UsageError
from waggledance.peers import WrapperPeer
from waggledance.protocols._gate import Gate, Heard, Silent, Speak
from waggledance.protocols._gate_rules import calls

if TYPE_CHECKING:
    from waggledance.topology import Embed

MOST = 3
"""How many answer an open question at most."""
STEPS = 1_024
NEAR = STEPS // 8
"""How far behind the best record one may be and still speak."""


class StaysSilent(RunFailed):
    """A peer has nothing to say to this question: an abstention that cost nothing."""

    def __init__(self, peer: str, why: str) -> None:
        super().__init__(peer, why)
        self.peer, self.why = peer, why

    def __str__(self) -> str:
        return f"{self.peer} stays silent: {self.why}"


@dataclass(frozen=True)
class ByRecords:
    """Speaks where one's record is among those nearest to the question, by what everybody knows of everybody.

    Args:
        me: the peer's name.
        records: by name, what each peer has shown to be good at: lines of it, at least one peer.
        most: how many speak at most, ≥ 1; who is called by name speaks in any case.
        embed: how texts become vectors; all peers must use the same.

    Raises:
        UsageError: this peer has no record among them, or nobody may speak.
    """

    me: str
    records: Mapping[str, Sequence[str]]
    most: int = MOST
    embed: Embed | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.me not in self.records:
            raise UsageError(f"{self.me!r} has no record among those of {', '.join(sorted(self.records)) or 'nobody'}")
        if self.most < 1:
            raise UsageError(f"at least one peer must be let speak, got most={self.most}")

    async def decide(self, window: Sequence[Heard]) -> Speak | Silent:
        """Say whether this peer is among those who should answer the last turn."""
        if not window:
            return Silent("nothing was asked")
        asked = window[-1].text
        if calls(asked, self.me):
            return Speak("addressed", UNIT)
        near = self.likeness(asked)
        order = sorted(near, key=lambda name: (-near[name], blake3(f"{asked}\0{name}".encode()).digest()))
        chosen = [name for name in order[: self.most] if near[order[0]] - near[name] <= NEAR]
        if self.me not in chosen:
            return Silent(f"{', '.join(chosen)} can say more about it")
        return Speak("knowledge", UNIT // 2 + near[self.me] * (UNIT // 2 - 1) // STEPS)

    def likeness(self, asked: str) -> dict[str, int]:
        """Return how near each record is to what is asked, in steps of 1/1024: by its nearest line."""
        from waggledance.topology import by_meaning, similarities_to

        lines = [line for record in self.records.values() for line in record]
        found = iter(similarities_to(asked, lines, self.embed or by_meaning()))
        return {name: max((next(found) for _ in record), default=0) for name, record in self.records.items()}


class Gated(WrapperPeer):
    """A peer behind a gate: it answers the questions that the gate lets it answer, and abstains from the others.

    Args:
        peer: who answers.
        gate: decides for it; asked once a question, before the peer is.
    """

    def __init__(self, peer: Peer, gate: Gate) -> None:
        super().__init__(peer)
        self.gate = gate

    async def propose(self, call: Call) -> Proposal:
        """Answer, if there is a reason to.

        Raises:
            StaysSilent: there is none.
        """
        before = tuple(Heard(turn.role, turn.text, turn.role == "assistant") for turn in call.question.conversation)
        said = await self.gate.decide((*before, Heard("asker", call.question.text)))
        if not isinstance(said, Speak):
            raise StaysSilent(self.name, said.why if said is not None else "nothing asks for it")
        return await self.peer.propose(call)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        """Answer again; who had nothing to say at first has nothing to revise.

        Raises:
            StaysSilent: it had no answer.
        """
        if mine.body.key is None:
            raise StaysSilent(self.name, "it had no answer of its own")
        return await self.peer.revise(call, mine, heard)
