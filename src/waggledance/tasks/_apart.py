"""Keeps roles apart at one peer: whoever has played one part of a group leaves the others alone.

The parts that a role fans out into are one part, which several peers may share. So that they do not all take one and
leave nobody for the rest, as many peers as other parts want somebody keep off them, drawn by lot among the free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from blake3 import blake3

from waggledance.core import Message, PeerId
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._plan import Plan
from waggledance.tasks._recipe_parts import parts_in
from waggledance.tasks._router import Router, Scored, State
from waggledance.tasks._task import Task, TaskId

if TYPE_CHECKING:
    from waggledance.tasks._recipe import Recipe
    from waggledance.tasks._recipe_steps import RecipeStep


class Apart(Router):
    """Ranks as another router does, without this peer where it has played another part of the same group.

    Args:
        router: ranks.
        me: this peer.
        roster: all peers.
        recipe: says what is to be apart.
    """

    name = "apart"

    def __init__(self, router: Router, me: PeerId, roster: Sequence[PeerId], recipe: Recipe) -> None:
        self._router, self._me, self._roster, self._recipe = router, me, roster, recipe
        self._plan: Callable[[], Plan] = Plan

    def follow(self, plan: Callable[[], Plan]) -> None:
        """Go by a plan as it stands whenever it is asked for."""
        self._plan = plan

    def bars(self, task: Task) -> bool:
        """Say whether this peer is at or did another part that the task is to be apart from; a failed try is none."""
        plan = self._plan()
        for (word, *_), group in self._recipe.apart.items():
            parts = [_tasks(step, plan) for step in group]
            if any(task.id in tasks for tasks in parts):
                return self._bars(word, task.id, group, parts, plan)
        return False

    def _bars(
        self, word: str, id: TaskId, group: Sequence[RecipeStep], parts: Sequence[frozenset[TaskId]], plan: Plan
    ) -> bool:
        holders = [{plan.entries[one].holder for one in tasks if one in plan.entries} - {None} for tasks in parts]
        own = next(n for n, tasks in enumerate(parts) if id in tasks)
        others = [(step, who) for n, (step, who) in enumerate(zip(group, holders, strict=True)) if n != own]
        if any(self._me in who for _, who in others):
            return True
        if not group[own].most or self._me in holders[own]:
            return False
        wanting = sum(not who and not _over(step, plan) for step, who in others)
        taken = {peer for who in holders for peer in who}
        free = [peer for peer in self._roster if peer not in taken]
        free.sort(key=lambda peer: blake3(word.encode() + b"\0" + peer).digest())
        return self._me in free[:wanting]

    def start(self) -> _State:
        return _State(self, self._router.start(), self._me)


def _tasks(step: RecipeStep, plan: Plan) -> frozenset[TaskId]:
    return frozenset([part.task.id for part in parts_in(step, plan)] if step.most else [step.task.id])


def _over(step: RecipeStep, plan: Plan) -> bool:
    """Say whether a part that nobody holds will want nobody any more."""
    entry = plan.entries.get(step.task.id)
    return entry is not None and entry.over and (entry.status != "done" or not parts_in(step, plan))


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
