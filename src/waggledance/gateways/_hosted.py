"""A swarm under a name that people outside can ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from waggledance._swarm import Swarm
from waggledance.core import AnswerKind, Budget, Question
from waggledance.gateways._order import Order
from waggledance.peers import Agent
from waggledance.protocols import AskProtocol


@dataclass(frozen=True)
class Hosted:
    """A swarm that a host serves.

    Args:
        swarm: who answers.
        about: what the swarm is for, in a sentence for people.
        budget: what one order may cost at most, whatever it asks for itself; no limit when None.
        expects: what kind of answers count, where nobody says so; guessed from the question when None.
        choose: the protocol for a question, where an order names none; the swarm's own when None.
    """

    swarm: Swarm
    about: str = ""
    budget: Budget | None = None
    expects: AnswerKind | None = None
    choose: Callable[[Question], AskProtocol] | None = None

    def tuned(self, order: Order) -> Swarm:
        """Return the swarm with its agents at the temperature, the limit and the luck that an order asks for.

        Raises:
            UsageError: one of them is out of range.
        """
        if order.temperature is None and order.max_tokens is None and order.seed is None:
            return self.swarm
        peers = [
            peer.tuned(temperature=order.temperature, max_tokens=order.max_tokens, seed=order.seed)
            if isinstance(peer, Agent)
            else peer
            for peer in self.swarm.peers
        ]
        return self.swarm.among(peers)
