"""Keeps roles apart at one peer: whoever has played one part of a group leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from waggledance.core import Message, PeerId
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._plan import Plan
from waggledance.tasks._router import Router, Scored, State
from waggledance.tasks._task import Task, TaskId


class Apart(Router):
    """Ranks as another router does, without this peer where it has played another part of the same group.

    Args:
        router: ranks.
        me: this peer.
        others_of: the tasks that a task is to be apart from.
    """

    name = "apart"

    def __init__(self, router: Router, me: PeerId, others_of: Callable[[TaskId], Sequence[TaskId]]) -> None:
        self._router, self._me, self._others_of = router, me, others_of
        self._plan: Plan | None = None

    def begins(self, plan: Plan, task: Task) -> bool:
        """Say whether this peer may go on with a task that it has claimed; before the first it has played nothing."""
        self._plan = plan
        return not self.bars(task)

    def bars(self, task: Task) -> bool:
        """Say whether this peer is at or did another part that the task is to be apart from; a failed try is none."""
        if self._plan is None:
            return False
        entries = self._plan.entries
        return any(id in entries and entries[id].holder == self._me for id in self._others_of(task.id))

    def start(self) -> _State:
        return _State(self, self._router.start(), self._me)


class _State:
    def __init__(self, apart: Apart, inner: State, me: PeerId) -> None:
        self._apart, self._inner, self._me = apart, inner, me

    def learn(self, said: Message[TaskOutcome]) -> None:
        self._inner.learn(said)

    def copy(self) -> _State:
        return _State(self._apart, self._inner.copy(), self._me)

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        barred = self._apart.bars(task)
        return self._inner.order(task, [card for card in cards if card.peer != self._me] if barred else cards)
