"""Society: peers answer, then round by round all debate or each reflects alone, as a strategy says; majority decides.

A strategy has a letter for every round after the first answers: with 0 a peer hears others by the topology, with 1 it
looks again at its own answer and hears nobody. So 00 is a plain debate of two rounds, 11 is self-refinement. Different
peers may follow different strategies. Who they are is their own affair: the traits of the paper are the personas
"easy-going" and "overconfident" (`peers.PERSONAS`). The paper finds that the strategy matters more than the traits, and
that societies that begin with debate (000, 001) are steadier than those that reflect (111); measures are in `lab`.
Source: Zhang et al. 2023, "Exploring Collaboration Mechanisms for LLM Agents: A Social Psychology View",
arXiv:2310.02124. Where all answers differ the paper has none and we have one of them, drawn; ``Quorum(0.6,
"undecided")`` as the rule leaves a society of three without one, as there.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from waggledance.consensus import Rule, majority
from waggledance.core import Decision, Message, Proposal, Seat, UsageError
from waggledance.protocols._deliberate import deliberate
from waggledance.protocols._protocol import check_patience
from waggledance.topology import Complete, Topology


@dataclass(frozen=True)
class Society:
    """Propose, then debate or reflect by the letters of a strategy; the last round's proposals decide.

    Args:
        strategy: a letter a round, 0 to debate and 1 to reflect, such as ``"001"``; or several of one length with
            slashes between them, ``"001/011"``, which are dealt out to the peers in the order of the roster.
        topology: who hears whom in a debate.
        decide: the rule over the last round's proposals.
        patience_s: how long a round waits for those who are late, in seconds.

    Raises:
        UsageError: a strategy with other letters than 0 and 1 or strategies of several lengths, or a patience that is
            no time.
    """

    name: ClassVar[str] = "society"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    strategy: str = "001"
    topology: Topology = Complete()
    decide: Rule = majority
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if re.fullmatch(r"[01]+(/[01]+)*", self.strategy) is None or len(set(map(len, self.strategies))) > 1:
            raise UsageError(
                "a strategy is of the letters 0 (debate) and 1 (reflect), such as '001', or several of one length, "
                f"such as '001/011'; got {self.strategy!r}"
            )

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that are dealt out to peers; one when all follow the same."""
        return tuple(self.strategy.split("/"))

    def __call__(self, seat: Seat, /) -> Coroutine[Any, Any, Decision]:
        dealt = self.strategies
        mine = dealt[0] if len(dealt) == 1 else dealt[seat.roster.index(seat.me) % len(dealt)]

        def view(seat: Seat, round: int, said: Sequence[Message[Proposal]]) -> tuple[Message[Proposal], ...] | None:
            return () if mine[round] == "1" else None

        return deliberate(
            seat, self.decide, rounds=len(mine), patience_s=self.patience_s, topology=self.topology, view=view
        )
