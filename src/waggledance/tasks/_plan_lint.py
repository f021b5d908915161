"""Lint of a plan before anybody works on it: can each part be done, is nothing lost, is nothing asked twice.

Where nobody is known to do a part well, and somebody did well at something alike, the part is to be said like that:
past works are exemplars, records that a memory holds.

Two parts ask the same when they are as near in meaning as hardly any two parts of one plan are, and speak of the same
numbers and names. How near that is depends on the embedder, so it is a quantile of what that embedder makes of a fixed
list of parts that differ, which ships with the package.

Source: Li et al. 2024, "Agent-Oriented Planning" (AOP), arXiv:2410.02189: solvability, completeness, non-redundancy.
Its detector is a model; the checks here are code, so every peer finds the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, cast

from waggledance.core import UNIT, Message, PeerId, UsageError
from waggledance.memory import Record, worker_of
from waggledance.tasks._card import Card
from waggledance.tasks._facts import facts
from waggledance.tasks._fit import fit
from waggledance.tasks._past_works import alike, good_works
from waggledance.tasks._router import Router
from waggledance.tasks._task import Task
from waggledance.tasks._type_ucb import TypeUCB

if TYPE_CHECKING:
    from waggledance.topology import Embed

_SHOWN_CHARS = 80


@dataclass(frozen=True)
class Flaw:
    """Something wrong with a plan."""

    kind: Literal["unsolvable", "lost", "repeated", "reword"]
    detail: str
    """What, for whoever mends it."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass(frozen=True)
class PlanLint:
    """Finds what is wrong with a plan; a pure function of the plan, the cards, the outcomes and the embedder.

    Args:
        router: says how well each peer is expected to do; by outcomes of the kind, and cards where there are none.
        quantile_ppm: two parts are near each other from this quantile of parts that differ on, 500,000 to 1,000,000.
        embed: how texts become vectors; `by_meaning()` when None.

    Raises:
        UsageError: the quantile is out of range.
    """

    router: Router = TypeUCB(explore_ppm=0)
    quantile_ppm: int = 900_000
    embed: Embed | None = None

    def __post_init__(self) -> None:
        if not UNIT // 2 <= self.quantile_ppm <= UNIT:
            raise UsageError(
                f"a quantile of parts that differ lies in {UNIT // 2:,} to {UNIT:,}, got {self.quantile_ppm}"
            )

    def __call__(
        self,
        task: Task,
        parts: Sequence[Task],
        cards: Sequence[Card],
        outcomes: Iterable[Message[Any]] = (),
        works: Iterable[Record] = (),
    ) -> tuple[Flaw, ...]:
        """Return the flaws of a plan that breaks a task into parts: lost facts, then parts in their order, then pairs.

        Args:
            task: what is broken up.
            parts: into what.
            cards: who could do it; nothing is said of who can do what without any.
            outcomes: what is known of them.
            works: exemplars of past work (`memory.exemplar`) with their workers; others are passed over.
        """
        flaws = [*self._lost(task, parts)]
        if cards:
            known, past = list(outcomes), good_works(works)
            flaws += [flaw for part in parts if (flaw := self._unsolvable(part, cards, known, past)) is not None]
        return (*flaws, *self._repeated(parts))

    def _lost(self, task: Task, parts: Sequence[Task]) -> Iterable[Flaw]:
        kept = {fact for part in parts for fact in facts(part.goal)}
        words = {word for part in parts for word in part.goal.casefold().replace("'s", "").split()}
        words = {word.strip(".,;:!?()\"'") for word in words}
        for fact in sorted(facts(task.goal) - kept - words):
            yield Flaw("lost", f"no part says {fact!r}, which the whole does")

    def _unsolvable(
        self, part: Task, cards: Sequence[Card], outcomes: Sequence[Message[Any]], works: Sequence[Record]
    ) -> Flaw | None:
        ranked = self.router.rank(part, cards, outcomes)
        if not ranked:
            return Flaw("unsolvable", f"nobody has the skills {', '.join(part.needs)} for {_short(part)!r}")
        places = {scored.peer: place for place, scored in enumerate(ranked)}
        work = alike([one for one in works if worker_of(one) in places], part.goal, self.embed)
        who = None if work is None else places[cast("PeerId", worker_of(work))]
        chosen = fit(0, [min(UNIT, max(0, scored.score_ppm)) for scored in ranked], alike=who)
        if chosen.do == "again":
            return Flaw("unsolvable", f"nobody does work like {_short(part)!r} ({part.kind}) well: ask otherwise")
        if chosen.do == "reword" and work is not None and work.key != part.goal:
            return Flaw("reword", f"{_short(part)!r} is like {_shown(work.key)!r}, which went well: say it like that")
        return None

    def _repeated(self, parts: Sequence[Task]) -> Iterable[Flaw]:
        from waggledance.topology import by_meaning, similarities_to

        embed = self.embed or by_meaning()
        near = threshold(embed, self.quantile_ppm)
        for a, b in combinations(parts, 2):
            same_facts = a.kind == b.kind and a.needs == b.needs and facts(a.goal) == facts(b.goal)
            if same_facts and similarities_to(a.goal, [b.goal], embed)[0] >= near:
                yield Flaw("repeated", f"{_short(a)!r} and {_short(b)!r} ask the same: make one of them")


@cache
def threshold(embed: Embed, quantile_ppm: int) -> int:
    """Return how near two parts must be to ask the same, 0 to 1,024: a quantile of the shipped parts that differ."""
    from waggledance.topology import similarities_to

    near = sorted(
        similarity
        for block in _asked_apart()
        for i, part in enumerate(block[:-1])
        for similarity in similarities_to(part, block[i + 1 :], embed)
    )
    return near[min(len(near) - 1, len(near) * quantile_ppm // UNIT)]


@cache
def _asked_apart() -> tuple[tuple[str, ...], ...]:
    """Return the shipped list: of each plan its parts."""
    from importlib.resources import files

    text = (files("waggledance.tasks") / "asked_apart.txt").read_text("utf-8")
    blocks = [[line for line in block.splitlines() if not line.startswith("#")] for block in text.split("\n\n")]
    return tuple(tuple(filter(None, block)) for block in blocks)


def _short(task: Task) -> str:
    return _shown(task.goal)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"
