"""An order of tasks in which every link leads forward, kept while links are added: how a cycle is found at once.

Adding a link u → v costs nothing when u stands before v already. Otherwise only the tasks between the two are looked
at: those reachable from v, and those that reach u; if v reaches u the link would close a cycle, else the two groups
change places. Positions are kept in a plain dict, so that a fold can be taken back to an earlier copy.

Source: Pearce and Kelly 2006, "A dynamic topological sort algorithm for directed acyclic graphs", ACM JEA 11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def place_link(
    position: dict[T, int], u: T, v: T, after: Callable[[T], Iterable[T]], before: Callable[[T], Iterable[T]]
) -> bool:
    """Make room for a link from u to v in the order; False, and nothing changed, if it would close a cycle.

    Args:
        position: where each stands; of all links so far, the first end stands before the second. Changed in place.
        u: where the link starts.
        v: where it leads.
        after: returns those that a link from the given one leads to.
        before: returns those that a link leads from to the given one.
    """
    if u == v:
        return False
    last, first = position[u], position[v]
    if last < first:
        return True
    onward = _reach(v, after, lambda t: position[t] <= last)
    if u in onward:
        return False
    backward = _reach(u, before, lambda t: position[t] >= first)
    group = [*sorted(backward, key=position.__getitem__), *sorted(onward, key=position.__getitem__)]
    position.update(zip(group, sorted(position[t] for t in group), strict=True))
    return True


def _reach(start: T, step: Callable[[T], Iterable[T]], within: Callable[[T], bool]) -> set[T]:
    """Return all that can be reached by steps that stay within, the start included."""
    found = {start}
    ahead = [start]
    while ahead:
        for task in step(ahead.pop()):
            if task not in found and within(task):
                found.add(task)
                ahead.append(task)
    return found
