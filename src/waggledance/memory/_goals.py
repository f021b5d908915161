"""Experiences, goals and long-term goals: a memory in three levels, of which only the upper two are told to others.

    experience ──serves──▶ goal ──part-of──▶ longterm,    goal ──requires──▶ goal,    outcome ──serves──▶ goal

What was lived for a goal is consolidated into an outcome, which names what it was made of and stands for it from then
on: experiences, and the outcome before. What a peer should have in mind for a goal is the goal, what it requires, what
came of those, and then what no outcome has summed up yet, within a budget.

Source: Yang et al. 2025, DAMCS, arXiv:2502.05453: the levels and edges. Experiences stay private here.
"""

from __future__ import annotations

from collections.abc import Iterable

from waggledance.core import UsageError
from waggledance.memory._kept import Kept, Where
from waggledance.memory._record import CHARS_A_TOKEN, MAX_LINKS, PRIVATE, TEAM, Record, RecordId
from waggledance.memory._store import RecordStore

EXPERIENCE, GOAL, LONGTERM, OUTCOME = "experience", "goal", "longterm", "outcome"
SERVES, PART_OF, REQUIRES, MADE_OF = "serves", "part-of", "requires", "made-of"
BUDGET_TOKENS = 1_500


def goal(
    name: str,
    text: str = "",
    *,
    requires: Iterable[RecordId] = (),
    part_of: RecordId | None = None,
    scope: str = TEAM,
) -> Record:
    """Return a goal's record.

    Args:
        name: of the goal.
        text: what it means, in a sentence or two.
        requires: the goals that must be reached before.
        part_of: the long-term goal.
        scope: who may see it.

    Raises:
        UsageError: more requirements than a record has links.
    """
    links = [(REQUIRES, id) for id in requires] + ([] if part_of is None else [(PART_OF, part_of)])
    if len(links) > MAX_LINKS:
        raise UsageError(f"a goal requires at most {MAX_LINKS - 1} others, got {len(links)}")
    return Record.of(GOAL, name, text, links=links, scope=scope)


def consolidate(store: RecordStore, id: RecordId, outcome: str) -> Record:
    """Keep what came of a goal so far, in place of its experiences and of the owner's outcome before; return it.

    It is private, as what it was made of is. ``shared(record, "team", known=ids)`` is what others may be told, where
    `ids` are the goal's and those of what they have been told of it before; kept in the store as well, it is summed up
    by the next one.

    Args:
        store: where the goal and its experiences are.
        id: the goal's.
        outcome: what came of it, in a sentence or two.

    Raises:
        UsageError: there is no such goal.
        MemoryFull: there is no room for one record more.
    """
    known = _the_goal(store, id)
    served = _served(store, id)
    summed = _summed(served)
    own = [kept for kept in served if not kept.authors and kept.id not in summed]
    own.sort(key=lambda kept: kept.record.sort != OUTCOME)  # where there is no room for all, outcomes first
    links = [(SERVES, id), *((MADE_OF, kept.id) for kept in own[: MAX_LINKS - 1])]
    record = Record.of(OUTCOME, known.record.key, outcome, links=links, scope=PRIVATE)
    store.put(record)
    return record


def goal_view(store: RecordStore, id: RecordId, budget: int = BUDGET_TOKENS) -> tuple[Kept, ...]:
    """Return what to have in mind for a goal: itself, all it requires, level by level, and what came of them.

    Outcomes of the nearer goals come before those of farther ones, and outcomes before experiences; what an outcome was
    made of is left to it, and outcomes of the same words are shown once. Others' outcomes take the place of nothing but
    what their authors said themselves.

    Args:
        store: where goals and experiences are.
        id: the goal's.
        budget: tokens of keys and texts together, ≥ 0; what does not fit is left out, the rest still tried.

    Raises:
        UsageError: the budget is negative, or there is no such goal.
    """
    if budget < 0:
        raise UsageError(f"a view has a budget of 0 or more tokens, got {budget}")
    first = _the_goal(store, id)
    goals, level = {id: first}, [first]
    while level:
        found = [kept for one in level for kept in store.neighbours(one.id, REQUIRES) if kept.id not in goals]
        level = list({kept.id: kept for kept in found}.values())
        goals.update({kept.id: kept for kept in level})
    served = list({kept.id: kept for one in goals for kept in _served(store, one)}.values())
    summed = _summed(served)
    left = [kept for kept in served if kept.id not in summed]
    outcomes = {kept.record.words: kept for kept in left if kept.record.sort == OUTCOME}
    lived = [kept for kept in left if kept.record.sort != OUTCOME]
    chosen: list[Kept] = []
    for kept in [*goals.values(), *outcomes.values(), *lived]:
        needed = kept.record.tokens + -(-len(kept.record.key) // CHARS_A_TOKEN)
        if needed <= budget:
            chosen.append(kept)
            budget -= needed
    return tuple(chosen)


def prerequisites(store: RecordStore, wish: str, k: int = 5) -> tuple[Kept, ...]:
    """Return the goals that a wish in words needs first: what the goal nearest to it requires, then further near goals.

    Args:
        store: where goals are.
        wish: what is wanted.
        k: how many, 1 to 1,000.

    Raises:
        UsageError: the wish is empty, or `k` out of range.
    """
    near = [found.kept for found in store.search(wish, k, Where(sorts=(GOAL,)))]
    found: dict[RecordId, Kept] = {}
    for one in near:
        for kept in (*store.neighbours(one.id, REQUIRES), one):
            found.setdefault(kept.id, kept)
    return tuple(found.values())[:k]


def _the_goal(store: RecordStore, id: RecordId) -> Kept:
    found = store.get(id)
    if found is None:
        raise UsageError("there is no goal with this id in the store")
    return found


def _served(store: RecordStore, id: RecordId) -> tuple[Kept, ...]:
    return store.neighbours(id, SERVES, back=True)


def _summed(served: Iterable[Kept]) -> set[RecordId]:
    """Return what outcomes stand for: the owner's for all that they name, others' for what their authors said."""
    by_id = {kept.id: kept for kept in served}
    summed: set[RecordId] = set()
    for kept in by_id.values():
        for relation, target in kept.record.links:
            if kept.record.sort == OUTCOME and relation == MADE_OF and (made := by_id.get(target)) is not None:
                by_them = made.authors and set(made.authors) <= set(kept.authors)
                if not kept.authors or by_them:
                    summed.add(target)
    return summed
