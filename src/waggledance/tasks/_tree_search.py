"""Tree search over steps by all peers at once: each looks where the tree that all have published sends it.

Search pays where only the end can be judged. Where every step can be, take the best step each time (``greedy``): that
beats any tree (see docs/in-depth/planners.md).

Source: HALO, arXiv:2505.13516 (23japhone/HALO: roles as steps, a judge); plain UCT instead of its arithmetic, which is
half as good at equal calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from blake3 import blake3
from msgspec.structs import replace

from waggledance.core import UNIT, Message, RunFailed, Seat, UsageError
from waggledance.tasks._check import Check
from waggledance.tasks._search_tree import MAX_PATH, Found, Looking, Rule, SearchTree, Steps, check_path
from waggledance.tasks._unsent import unsent
from waggledance.tasks._work import Result, Work

Worth = Callable[[Steps], Awaitable[int]]
"""Walks a path and returns what it was worth, 0 to 1,000,000."""


async def search_tree(
    seat: Seat,
    steps: Sequence[Sequence[str]],
    worth: Worth,
    *,
    looks: int = 100,
    rule: Rule = "uct",
    c: float = 0.5,
    patience_s: float = 60.0,
) -> SearchTree:
    """Look along paths until all peers together have looked often enough; return the tree.

    Every peer runs this. A look that fails is worth nothing; one whose peer falls silent is not waited for longer than
    the patience.

    Args:
        seat: where.
        steps: the names of the steps to choose from, at each depth; 1 to 64 depths.
        worth: walks a path at this peer.
        looks: how many looks all peers make together, at least 1.
        rule: see `SearchTree.select`.
        c: see there.
        patience_s: how long to wait for others' last values, in seconds.

    Raises:
        UsageError: no steps, or no looks.
        BudgetSpent: not another message may be written.
    """
    _check(steps, looks)
    news = seat.listen()
    tree = SearchTree(await news.next(0.0))
    while tree.looks < looks and seat.meter.spent_out() is None:
        path = next_path(tree, steps, rule, c, seat.me + b"%d" % tree.looks)
        look = await seat.publish(Looking(path=path))
        tree.take([look])
        try:
            value = await worth(path)
        except RunFailed:
            value = 0
        tree.take([await seat.publish(Found(look=look.id, path=path, value_ppm=value))])
        tree.take(await news.next(0.0))
    until = seat.clock.now() + patience_s
    while not tree.over and seat.clock.now() < until:
        fresh = await news.next(until - seat.clock.now())
        if not fresh and seat.meter.seconds_left() <= 0:
            break
        tree.take(fresh)
    news.stop()
    return tree


def next_path(tree: SearchTree, steps: Sequence[Sequence[str]], rule: Rule, c: float, luck: bytes) -> Steps:
    """Return where to look next: down the tree by the rule, and on from its end by lot."""
    path: Steps = ()
    for depth, choices in enumerate(steps):
        path = (*path, tree.select(path, choices, rule, c, luck + b"%d" % depth))
    return path


@dataclass(frozen=True)
class StepSearch:
    """An executor: does a task in steps, each by one of several roles, and searches which roles do it best.

    A role is an instruction, such as ``"Check the arithmetic."``. What came of a path so far is kept, so that paths
    that begin alike share their calls. The search is the claiming peer's own.

    Args:
        steps: the roles to choose from at each step.
        judge: finds what a result is worth, see `Check`.
        calls: how many calls of the peer it may take, at least as many as there are steps.
        rule: see `SearchTree.select`.
        c: see there.

    Raises:
        UsageError: no steps, or fewer calls than steps.
    """

    steps: tuple[tuple[str, ...], ...]
    judge: Check
    calls: int = 50
    rule: Rule = "uct"
    c: float = 0.5

    name: ClassVar[str] = "step-search"

    def __post_init__(self) -> None:
        _check(self.steps, self.calls // max(1, len(self.steps)))

    async def __call__(self, work: Work) -> Result:
        """Return the best result that was found.

        Raises:
            RunFailed: no path led to a result.
        """
        tree, answers, best = SearchTree(), dict[Steps, Result](), list[tuple[int, bytes, Result]]()
        me, failed = work.seat.me, ""
        while len(answers) + len(self.steps) <= self.calls:
            path = next_path(tree, self.steps, self.rule, self.c, work.task.id + b"%d" % tree.looks)
            known = len(answers)
            try:
                made = await self._walk(work, path, answers)
                finding = await self.judge(work.task, made.text)
                best.append((-finding.score_ppm, blake3("\0".join(path).encode()).digest(), made))
                value = finding.score_ppm
            except RunFailed as why:
                failed, value = str(why), 0
            _note(tree, path, value, me)
            if value == UNIT or len(answers) == known:  # nothing better, or nothing new where the rule leads
                break
        if not best:
            raise RunFailed(failed or "no path of the search led to a result")
        return min(best)[2]

    async def _walk(self, work: Work, path: Steps, answers: dict[Steps, Result]) -> Result:
        """Take the steps of a path that were not taken yet; each sees what came of those before it."""
        for n in range(1, len(path) + 1):
            if path[:n] not in answers:
                before = [unsent("step", answers[path[:m]].text) for m in range(1, n)]
                answers[path[:n]] = await work.ask(f"{work.task.goal}\n\n{path[n - 1]}", notes=[*work.notes, *before])
        return answers[path]


def _note(tree: SearchTree, path: Steps, value_ppm: int, me: Any) -> None:
    """Count a look of this peer's own, that is published nowhere."""
    look: Message[Any] = _apart(Looking(path=path), me, tree.looks)
    tree.take([look, _apart(Found(look=look.id, path=path, value_ppm=value_ppm), me, tree.looks)])


def _apart(body: Looking | Found, me: Any, number: int) -> Message[Any]:
    note = unsent("look", f"{type(body).__name__} {number}")
    return replace(note, body=body, author=me)


def _check(steps: Sequence[Sequence[str]], looks: int) -> None:
    if not 1 <= len(steps) <= MAX_PATH or not all(steps) or looks < 1:
        raise UsageError(
            f"a search has 1 to {MAX_PATH} depths with a step or more at each, and looks at one path or more; got "
            f"{[len(choices) for choices in steps]} and {looks}"
        )
    for choices in steps:
        check_path(tuple(choices))
        if len(set(choices)) < len(choices):
            raise UsageError(f"two steps of a search have one name: {choices!r:.120}")
