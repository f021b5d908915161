"""What a deliberation promises: each says a thing once, answers while others do, and comes to an end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from waggledance.core import Message, MessageId, Opening, PeerId, Proposal, WaggleError
from waggledance.safety._causal_past import CausalPast
from waggledance.safety._combinators import AtMost, at_most, contract
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]
VOTES = "proposal/1|judgement/1|dance/1|prep/1|ack/1"
MAX_ROUNDS = 1_000
"""Of protocols that do not say how many rounds they have at most."""
MAX_MESSAGES = 100_000
"""Of one author in one channel."""
_FEW = 3
"""More than two of three members are a quorum."""


def vote_once() -> AtMost:
    """Return ``vote-once``: an author answers, judges, dances, prepares or acknowledges once in a round."""
    return contract("vote-once", at_most(1, VOTES, per=("author", "kind", "round")))


@dataclass(frozen=True)
class Answered:
    """``answered``: when the outcome is there, whoever answered at first has answered in every round of a quorum.

    A round that more than two thirds of the members answered is one that everybody could; who was heard of earlier and
    is missing there has skipped it. Who was never heard of is silent, which the decision says, and breaks nothing.
    Protocols in which by design not everybody answers in every round (refinement, audit, institutions) are not judged.
    """

    name: str = "answered"
    scope: str = "outcome/1"

    def start(self) -> None:
        """Return nothing: the outcome's past says who answered when."""

    def step(self, state: None, message: AnyMessage, past: CausalPast) -> Violation | None:
        """Judge, at the outcome, what is missing."""
        opening = past.opening
        if opening is None or not past.sealed or not _all_answer(opening.body.protocol):
            return None
        members, answers = past.members, _answers(past)
        skipped: list[tuple[int, PeerId, MessageId]] = []
        before: dict[PeerId, MessageId] = {}
        for round, who in sorted(answers.items()):
            if _FEW * len(who.keys() & members.keys()) > 2 * len(members):
                skipped += [(round, peer, id) for peer, id in sorted(before.items()) if peer in members.keys() - who]
            before |= who
        if not skipped:
            return None
        round, peer, last = skipped[0]
        more = f", and {len(skipped) - 1} more" if len(skipped) > 1 else ""
        return Violation(
            why=f"{members[peer].name} answered before round {round} and not in it{more}", involved=(last,), by=peer
        )


def _answers(past: CausalPast) -> dict[int, dict[PeerId, MessageId]]:
    """Return by round who answered, and with which message."""
    found: dict[int, dict[PeerId, MessageId]] = {}
    for message in past:
        if isinstance(message.body, Proposal):
            found.setdefault(message.body.round, {})[message.author] = message.id
    return found


@dataclass(frozen=True)
class Terminates:
    """``terminates``: nobody answers in a round after the protocol's last, goes on for ever, or goes on after the end.

    The last round is the protocol's own where the opening names one with rounds, or samples; else `rounds`. A plan may
    be taken up again after its outcome.

    Args:
        rounds: the most rounds where the protocol does not say.
        messages: the most messages of one author.
    """

    rounds: int = MAX_ROUNDS
    messages: int = MAX_MESSAGES
    name: str = "terminates"
    scope: str = "*"

    def start(self) -> bool:
        """Return that the outcome is not there."""
        return False

    def step(self, state: bool, message: AnyMessage, past: CausalPast) -> bool | Violation:
        """Judge one message."""
        if message.sequence > self.messages:
            return Violation(why=f"is number {message.sequence:,} of its author, {self.messages:,} are allowed")
        kind = message.kind
        if kind == "outcome/1":
            return state or past.sealed
        if kind not in _TURNS:
            return state
        opening = past.opening
        limit = self.rounds if opening is None else _last_round(opening.body, self.rounds)
        if message.body.round > limit:
            return Violation(why=f"is of round {message.body.round}; the last one is {limit}")
        if state and opening is not None and not opening.body.protocol.startswith("plan"):
            return Violation(why="is said by one who had seen the outcome")
        return state


_TURNS = frozenset({"proposal/1", "judgement/1", "dance/1"})


def _last_round(opening: Opening, otherwise: int) -> int:
    return _rounds_of(opening.protocol, otherwise)


@lru_cache(maxsize=256)
def _rounds_of(protocol: str, otherwise: int) -> int:
    """Return the last round of a protocol that says how many it has: `rounds`, or one less than `samples`."""
    made = _made(protocol)
    rounds, samples = getattr(made, "rounds", None), getattr(made, "samples", None)
    if isinstance(rounds, int):
        return rounds
    return samples - 1 if isinstance(samples, int) else otherwise


@lru_cache(maxsize=256)
def _all_answer(protocol: str) -> bool:
    """Say whether everybody is to answer in every round: in protocols with rounds, and in those not known here."""
    made = _made(protocol)
    return made is None or any(hasattr(made, name) for name in ("rounds", "samples", "strategy"))


def _made(protocol: str) -> object:
    """Return the protocol that an opening names; None when this program knows none such."""
    from waggledance.protocols import by_name
    from waggledance.protocols._registry import unwrapped

    try:
        return by_name(unwrapped(protocol))
    except WaggleError:
        return None
