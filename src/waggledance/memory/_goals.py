"""Experiences, goals and long-term goals: a memory in three levels, of which only the upper two are told to others.

    experience ──serves──▶ goal ──part-of──▶ longterm,    goal ──requires──▶ goal

When a goal is over, its experiences are consolidated into its record, which keeps links to all that has room. What a
peer should have in mind for a goal is the goal, what it requires, and what served those, within a budget.

Source: Yang et al. 2025, DAMCS, arXiv:2502.05453: the levels and edges. Experiences stay private here.
"""

from __future__ import annotations

from collections.abc import Iterable

from waggledance.core import UsageError
from waggledance.memory._kept import Kept, Where
from waggledance.memory._record import CHARS_A_TOKEN, MAX_LINKS, PRIVATE, TEAM, Record, RecordId
from waggledance.memory._store import RecordStore

EXPERIENCE, GOAL, LONGTERM = "experience", "goal", "longterm"
SERVES, PART_OF, REQUIRES, MADE_OF = "serves", "part-of", "requires", "made-of"
BUDGET_TOKENS = 1_500


def goal(
    name: str,
    outcome: str = "",
    *,
    requires: Iterable[RecordId] = (),
    part_of: RecordId | None = None,
    experiences: Iterable[Record] = (),
    scope: str = TEAM,
) -> Record:
    """Return a goal's record: open without experiences, consolidated with them.

    Args:
        name: of the goal.
        outcome: how it went, in a sentence or two.
        requires: the goals that must be reached before.
        part_of: the long-term goal.
        experiences: what served it; linked as far as 64 links go, the latest given first.
        scope: who may see the goal; its experiences stay private, and only ids of them are named in a private goal.

    Raises:
        UsageError: more requirements than a record has links, or a record that is no experience.
    """
    links = [(REQUIRES, id) for id in requires] + ([] if part_of is None else [(PART_OF, part_of)])
    if len(links) > MAX_LINKS:
        raise UsageError(f"a goal requires at most {MAX_LINKS - 1} others, got {len(links)}")
    served = list(experiences)
    if any(record.sort != EXPERIENCE for record in served):
        raise UsageError("a goal is consolidated from records of the sort 'experience'")
    if scope == PRIVATE:
        links += [(MADE_OF, record.id) for record in served[: MAX_LINKS - len(links)]]
    return Record.of(GOAL, name, outcome, links=links, scope=scope)


def goal_view(store: RecordStore, id: RecordId, budget: int = BUDGET_TOKENS) -> tuple[Kept, ...]:
    """Return what to have in mind for a goal: itself, all it requires, level by level, then what served them.

    Args:
        store: where goals and experiences are.
        id: the goal's.
        budget: tokens of keys and texts together, ≥ 0; what does not fit is left out, the rest still tried.

    Raises:
        UsageError: the budget is negative, or there is no such goal.
    """
    if budget < 0:
        raise UsageError(f"a view has a budget of 0 or more tokens, got {budget}")
    first = store.get(id)
    if first is None:
        raise UsageError("there is no goal with this id in the store")
    goals, level = {id: first}, [first]
    while level:
        found = [kept for one in level for kept in store.neighbours(one.id, REQUIRES) if kept.id not in goals]
        level = list({kept.id: kept for kept in found}.values())
        goals.update({kept.id: kept for kept in level})
    served = {kept.id: kept for one in goals for kept in store.neighbours(one, SERVES, back=True)}
    chosen: list[Kept] = []
    for kept in [*goals.values(), *served.values()]:
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
