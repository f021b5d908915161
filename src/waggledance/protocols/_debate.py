"""Debate: peers propose, hear each other, revise, and a rule decides.

Source: Du et al. 2023, "Improving Factuality and Reasoning in Language Models through Multiagent Debate",
arXiv:2305.14325. Plain debate moves no belief on average (Choi, Zhu, Li 2025, arXiv:2508.17536): measure before paying.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from waggledance.consensus import Rule, majority
from waggledance.core import Decision, Seat
from waggledance.protocols._deliberate import agreed, check_rounds, check_stop, deliberate
from waggledance.protocols._protocol import check_patience
from waggledance.topology import Complete, Topology


@dataclass(frozen=True)
class Debate:
    """Propose, then `rounds` times hear each other and revise; the last round's proposals decide.

    Args:
        rounds: how often peers hear each other, ≥ 0.
        topology: who hears whom.
        decide: the rule over the last round's proposals.
        patience_s: how long a round waits for those who are late, in seconds.
        stop: ``"agreed"`` ends the talk with the first round in which all who spoke give one answer; ``"never"`` holds
            all rounds. The decision is the same where nobody leaves an answer that everybody shares. Where the topology
            compares what was said (`SelfOrg`), answers in free words agree when they are similar enough.
    """

    name: ClassVar[str] = "debate"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    rounds: int = 2
    topology: Topology = Complete()
    decide: Rule = majority
    patience_s: float = 120.0
    stop: Literal["never", "agreed"] = "never"

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        check_rounds(self.rounds, "debate")
        check_stop(self.stop)

    def __call__(self, seat: Seat, /) -> Coroutine[Any, Any, Decision]:
        return deliberate(
            seat,
            self.decide,
            rounds=self.rounds,
            patience_s=self.patience_s,
            topology=self.topology,
            stop=getattr(self.topology, "settled", agreed) if self.stop == "agreed" else None,
            stop_told="all agreed" if self.stop == "agreed" else "",
        )
