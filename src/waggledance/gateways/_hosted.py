"""A swarm under a name that people outside can ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from waggledance._swarm import Swarm
from waggledance.core import AnswerKind, Budget, Decision, Message, Question, RunFailed
from waggledance.gateways._order import Order
from waggledance.peers import Agent
from waggledance.protocols import spelled

if TYPE_CHECKING:
    from waggledance.memory import SkillBook


@dataclass(frozen=True)
class Hosted:
    """A swarm that a host serves.

    Args:
        swarm: who answers.
        about: what the swarm is for, in a sentence for people.
        budget: what one order may cost at most, whatever it asks for itself; no limit when None.
        expects: what kind of answers count, where nobody says so; guessed from the question when None.
        now: where members come and go, the swarm of those who answer at this moment, for an order (for none, to see
            who is there), which may cost so much; `swarm`, whose peers stay, when None. Raises `RunFailed` while there
            is nobody.
        find: returns the question of an order that another server began, by its id and its caller, where members answer
            without it; nobody can when None. Raises `RunFailed` where nobody knows it.
        take_up: goes on with an order that an earlier process began in a channel, or another server in whatever
            channel, of which then only the decision is read; nobody can when None.
        skills: returns what the swarm has practised for a caller, by their name; nothing when None.
    """

    swarm: Swarm
    about: str = ""
    budget: Budget | None = None
    expects: AnswerKind | None = None
    now: Callable[[Budget | None, Order | None], Swarm] | None = None
    find: Callable[[str, str], Awaitable[Question]] | None = None
    take_up: Callable[[Order, str], AsyncIterator[Message[Any] | Decision]] | None = None
    skills: Callable[[str], SkillBook | None] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the peers that would answer at this moment; none where nobody is there."""
        try:
            swarm = self.swarm if self.now is None else self.now(None, None)
        except RunFailed:
            return ()
        return tuple(peer.name for peer in swarm.peers)

    @property
    def protocols(self) -> tuple[str, ...]:
        """The names of the protocols by which it decides where an order names none, of short answers and of free ones.

        Of the one kind that counts here, where there is one.
        """
        kinds: tuple[AnswerKind, ...] = ("short", "free") if self.expects is None else (self.expects,)
        chosen = (self.swarm.protocol_for(example_of(kind)) for kind in kinds)
        return tuple(dict.fromkeys(spelled(protocol)[0] for protocol in chosen))

    def allowed(self, order: Order) -> Budget:
        """Return what an order may cost: what it asks for, within what the swarm allows."""
        return (order.budget or Budget()).within(self.budget or Budget())

    def tuned(self, order: Order) -> Swarm:
        """Return the swarm with its caller's skills, its agents at the temperature, limit and luck that it asks for.

        Raises:
            UsageError: one of them is out of range.
            RunFailed: nobody is there who could answer.
        """
        swarm = self.swarm if self.now is None else self.now(self.allowed(order), order)
        if self.skills is not None:
            swarm = swarm.practising(self.skills(order.caller))
        if order.temperature is None and order.max_tokens is None and order.seed is None:
            return swarm
        peers = [
            peer.tuned(temperature=order.temperature, max_tokens=order.max_tokens, seed=order.seed)
            if isinstance(peer, Agent)
            else peer
            for peer in swarm.peers
        ]
        return swarm.among(peers)


def example_of(kind: AnswerKind) -> Question:
    """Return a question of a kind, to see how one would be decided."""
    return Question(text="?", expects=kind, options=("a", "b") if kind in ("choice", "package") else ())
