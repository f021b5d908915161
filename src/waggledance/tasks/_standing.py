"""Standing: a router and all that it has learnt so far, kept up to date outcome by outcome.

It always equals the fold from scratch. An outcome that comes late, sorting before others that are already learnt,
takes the fold back to the last copy before it, and on from there. Copies are made every 32 outcomes; 16 are kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from waggledance.core import Message
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import Place, TaskOutcome, counted, place_of
from waggledance.tasks._router import Router, Scored, State, able
from waggledance.tasks._task import Task

_EVERY = 32
_KEPT = 16


class Standing:
    """What one peer holds of everybody's outcomes, and ranks by.

    Args:
        router: how to rank.
        outcomes: what has been published so far; see `counted` for leaving out some.
    """

    def __init__(self, router: Router, outcomes: Iterable[Message[Any]] = ()) -> None:
        self._router = router
        self._state = router.start()
        self._learnt: list[Message[TaskOutcome]] = []
        self._done = 0
        self._places: list[Place] = []
        self._first: dict[tuple[bytes, bytes, bytes], Place] = {}
        self._copies: list[tuple[int, State]] = []
        self.add(outcomes)

    def __len__(self) -> int:
        """How many outcomes count."""
        return len(self._learnt)

    def add(self, messages: Iterable[Message[Any]]) -> None:
        """Take in messages, in any order; what is here already, or is no outcome that counts, changes nothing."""
        behind = len(self._learnt)
        for said in counted(messages):
            behind = min(behind, self._insert(said))
        self._learn_from(behind)

    def rank(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        """Return who may do a task, the best first; see `Router.rank`."""
        return self._state.order(task, able(task, cards))

    def _insert(self, said: Message[TaskOutcome]) -> int:
        """Put an outcome in its place; return from which place on the fold is now out of date."""
        about, place = (said.author, said.body.task, said.body.worker), place_of(said)
        later = self._first.get(about)
        if later is not None and later <= place:
            return len(self._learnt)
        self._first[about] = place
        if later is not None:
            at = bisect_left(self._places, later)
            del self._places[at], self._learnt[at]
        at = bisect_left(self._places, place)
        self._places.insert(at, place)
        self._learnt.insert(at, said)
        return at

    def _learn_from(self, at: int) -> None:
        """Fold on from where the state is, or from the last copy that has learnt nothing from this place on."""
        if at < self._done:
            self._copies = [(n, state) for n, state in self._copies if n <= at]
            self._done, state = self._copies[-1] if self._copies else (0, self._router.start())
            self._state = state.copy()
        for said in self._learnt[self._done :]:
            self._state.learn(said)
            self._done += 1
            if self._done % _EVERY == 0:
                self._copies = [*self._copies[1 - _KEPT :], (self._done, self._state.copy())]
