"""A swarm under a name that people outside can ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from waggledance._swarm import Swarm
from waggledance.core import Budget, Question
from waggledance.protocols import AskProtocol


@dataclass(frozen=True)
class Hosted:
    """A swarm that a host serves.

    Args:
        swarm: who answers.
        about: what the swarm is for, in a sentence for people.
        budget: what one order may cost at most, where it sets no limit itself; no limit when None.
        choose: the protocol for a question, where an order names none; the swarm's own when None.
    """

    swarm: Swarm
    about: str = ""
    budget: Budget | None = None
    choose: Callable[[Question], AskProtocol] | None = None
