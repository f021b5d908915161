"""A peer: a name and the skills it has. A skill is one awaited call that thinks and returns what to publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from waggledance.core._bodies import Note, Proposal, Question, Verdict
from waggledance.core._budget import ONE_CALL, Cost, Meter
from waggledance.core._errors import UsageError
from waggledance.core._exchange import Asking, Exchanges
from waggledance.core._ids import PeerId
from waggledance.core._message import Message


class Call:
    """What a skill may know when it is called, and where it says what it cost.

    `guide` holds the notes that guide an answer: an outline to follow, a suggestion, worked examples; often none.
    """

    __slots__ = ("_draw_seed", "_exchanges", "_meter", "_number", "cost", "guide", "hear", "me", "names", "question",
                 "round")  # fmt: skip

    def __init__(
        self,
        question: Question,
        round: int,
        me: PeerId,
        names: Mapping[PeerId, str],
        draw_seed: Callable[[int], int],
        number: int,
        meter: Meter,
        guide: tuple[Message[Note], ...] = (),
        exchanges: Exchanges | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> None:
        self.question, self.round, self.me, self.names, self.guide = question, round, me, names, guide
        self._draw_seed, self._number, self._meter, self._exchanges = draw_seed, number, meter, exchanges
        self.hear = hear
        """Takes the peer's words while they come, piece by piece; None when nobody listens."""
        self.cost = ONE_CALL

    @property
    def seed(self) -> int:
        """Same seed, same call: give it to whatever draws numbers for this call. 0 ≤ seed < 2**31."""
        return self._draw_seed(self._number)

    @property
    def seconds_left(self) -> float:
        """How many seconds the run may still take; `inf` without a limit."""
        return self._meter.seconds_left()

    @property
    def tokens_left(self) -> int | None:
        """How many tokens the run may still use; None without a limit."""
        return self._meter.tokens_left()

    def asking(
        self, kind: Literal["model", "tool"], of: str, asked: str | msgspec.Struct
    ) -> AbstractContextManager[Asking]:
        """Keep the block as an exchange in the peer's own log, if it has one: what was asked, and what came back.

        with call.asking("model", model.name, request) as exchange:
            exchange.answered = await model.complete(request)
        """
        return nullcontext(Asking()) if self._exchanges is None else self._exchanges.asking(kind, of, asked)

    def redrawn(self, seed: int) -> Call:
        """Return the same call with other numbers to draw, as `seed` says; what it spends is spent by the same run."""
        draw = self._draw_seed

        def other(number: int) -> int:
            return (draw(number) ^ (seed * 0x9E37_79B1 + 0x85EB_CA6B)) & 0x7FFF_FFFF

        return Call(self.question, self.round, self.me, self.names, other, self._number, self._meter, self.guide,
                    self._exchanges, self.hear)  # fmt: skip

    def ask_again(self) -> None:
        """Count one more request to a model within this call.

        Raises:
            BudgetSpent: the run's budget does not allow it.
        """
        self._meter.admit_call()
        self.cost += ONE_CALL

    def charge(self, cost: Cost) -> None:
        """Say what a part of this call has cost, as soon as it is known; it counts even if the call then fails."""
        self._meter.charge(cost)
        self.cost += cost


@runtime_checkable
class Peer(Protocol):
    """Anything with a name and skills. `skills` lists which of the methods may be called.

    A peer may also say `draws`, False where it would not answer otherwise when asked again, and `person`, True where
    somebody sits there who wants to hear the others: where no protocol is named, one is chosen by that.

    A skill raises `RunFailed` when it could not answer; the seat turns that into an abstention with the reason. A class
    that derives from this one writes `name`, `skills`, `propose` and whichever others it lists; those it does not list
    are never called.
    """

    @property
    def name(self) -> str: ...
    @property
    def skills(self) -> frozenset[str]: ...

    async def propose(self, call: Call) -> Proposal:
        """Answer the question."""
        ...

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        """Answer again, after hearing others."""
        raise _lacks(self, "revise")

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        """Write something that is no answer, such as an outline, from material of any kind; say what is `about`."""
        raise _lacks(self, "note")

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        """Say which of two proposals is better."""
        raise _lacks(self, "compare")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        """Grade one proposal, with a reason."""
        raise _lacks(self, "critique")


def _lacks(peer: Peer, skill: str) -> UsageError:
    return UsageError(f"peer {peer.name!r} has no skill {skill!r}: it has {', '.join(sorted(peer.skills)) or 'none'}")
