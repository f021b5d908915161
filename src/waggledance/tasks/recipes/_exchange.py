"""Several teams on one task: results are rated, the worse half goes, the rest is dealt into groups and fused.

Fusing can break what worked, so a fused result that is rated below the best that went into it does not take its place.

Source: Du et al. 2024, "Multi-Agent Collaboration via Cross-Team Orchestration", arXiv:2406.08979 (pruning, hierarchy
partitioning, aggregation). Dealing in snake order and falling back are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from blake3 import blake3
from msgspec.structs import replace

from waggledance.core import UNIT, RunFailed, UsageError
from waggledance.tasks._check_schema import json_in
from waggledance.tasks._recipe import MAX_DEPTH, MAX_TASKS, Recipe
from waggledance.tasks._role_function import Watched, role_function


@dataclass(frozen=True)
class Content:
    """One team's result and its rating, 0 to 1,000,000."""

    text: str
    rating_ppm: int

    def __post_init__(self) -> None:
        if not 0 <= self.rating_ppm <= UNIT:
            raise UsageError(f"a rating lies between 0 and {UNIT} parts per million, got {self.rating_ppm}")


def by_rating(contents: Sequence[Content]) -> list[Content]:
    """Return contents, the best first; equals by the hash of their texts, so that the order given does not matter."""
    return sorted(contents, key=lambda content: (-content.rating_ppm, blake3(content.text.encode()).digest()))


def pruned(contents: Sequence[Content], unit: int) -> list[Content]:
    """Return the better half, the best first; all of them when they make one group.

    Args:
        contents: in any order.
        unit: the size of a group, ≥ 1.

    Raises:
        UsageError: a group of nobody.
    """
    if unit < 1:
        raise UsageError(f"a group has one content or more, got {unit}")
    ranked = by_rating(contents)
    return ranked if len(ranked) <= unit else ranked[: (len(ranked) + 1) // 2]


def snake(contents: Sequence[Content], unit: int) -> list[list[Content]]:
    """Return groups of about `unit`, dealt to and fro, the best first, so that each group has some of the best.

    >>> [[c.text for c in group] for group in snake([Content(t, 900_000 - i) for i, t in enumerate("abcdef")], 3)]
    [['a', 'd', 'e'], ['b', 'c', 'f']]
    """
    if unit < 1:
        raise UsageError(f"a group has one content or more, got {unit}")
    ranked = by_rating(contents)
    n = -(-len(ranked) // unit)
    groups: list[list[Content]] = [[] for _ in range(n)]
    for i, content in enumerate(ranked):
        at = i % (2 * n)
        groups[at if at < n else 2 * n - 1 - at].append(content)
    return groups


def best_of(contents: Sequence[Content]) -> Content:
    """Return the best by rating: best-of-n, which fusing has to beat at equal calls.

    Raises:
        UsageError: there is none.
    """
    if not contents:
        raise UsageError("there is no content to choose from")
    return by_rating(contents)[0]


def kept(fused: Content | None, inputs: Sequence[Content]) -> Content:
    """Return what was fused, or the best of what went into it when that is rated higher, or nothing was fused."""
    best = best_of(inputs)
    return best if fused is None or fused.rating_ppm < best.rating_ppm else fused


@role_function("prune-and-group")
async def prune_and_group(watched: Watched) -> str:
    """Return the groups that are to be fused, each with the contents that are left, whole.

    Raises:
        RunFailed: no team came to a result.
    """
    contents = rated(watched, "content", "rating")
    if not contents:
        raise RunFailed("no team came to a result")
    unit = int(watched.settings["unit"])
    lines: list[str] = []
    for number, group in enumerate(snake(pruned(contents, unit), unit), 1):
        for content in group:
            lines += [f"group {number}, rated {content.rating_ppm / UNIT:.2f}:", content.text, ""]
    return "\n".join(lines)


@role_function("keep-the-best")
async def keep_the_best(watched: Watched) -> str:
    """Return the best fused content, or the best that a team made when no fused one is rated as high; says which.

    Raises:
        RunFailed: there is nothing.
    """
    inputs, fused = rated(watched, "content", "rating"), rated(watched, "fused", "last rating")
    if not inputs:
        raise RunFailed("no team came to a result")
    best = kept(best_of(fused) if fused else None, inputs)
    alone = best_of(inputs)
    told = "fused" if best is not alone else "the best of one team: nothing fused is rated as high"
    rated_at = f"rated {best.rating_ppm / UNIT:.2f}, best of {len(inputs)} teams {alone.rating_ppm / UNIT:.2f}"
    return f"{best.text}\n\n({told}; {rated_at})"


def rated(watched: Watched, kind: str, rating: str) -> list[Content]:
    """Return the contents of a kind with the mean of their ratings, which are by role; who was not rated is rated 0."""
    given: list[Mapping[str, Any]] = [cast("dict[str, Any]", json_in(made.text)) for made in watched.of(rating)]
    contents: list[Content] = []
    for made in watched.of(kind):
        who = made.step.role
        points = [round(one[who] * UNIT / 10) for one in given if who in one]
        contents.append(Content(made.text, sum(points) // len(points) if points else 0))
    return contents


def cross_team(inner: Recipe | str, *, teams: int = 4) -> Recipe:
    """Return the cross-team recipe in which each team works by a recipe, instead of being one peer.

    Each team is told another aim; what it hands in is the newest of what its recipe is for. Its parts are played by
    whoever suits them, so that peers may work for several teams: only within one what is apart stays apart. Results are
    exchanged once, at the end, and a team that comes to nothing costs its share only.

    Args:
        inner: itself, or the name of one that comes with the library. Its limits count once a team.
        teams: how many, 2 to 8; the source found no gain beyond eight.

    Raises:
        RecipeFault: it has teams within it, or the whole is too large for a plan.
        UnknownName: none that comes with the library has that name.
        UsageError: fewer teams than two, or more than eight.

    Source: Du et al. 2024, arXiv:2406.08979, §3 (teams that each follow a whole chain of phases).
    """
    from waggledance.tasks.recipes import recipe_named

    one, whole = recipe_named(inner) if isinstance(inner, str) else inner, recipe_named("cross-team")
    drawn = {name: role for name, role in whole.roles.items() if role.produces == "content"}
    most = len(drawn) + len(_MORE_TEAMS)
    if not 2 <= teams <= most:
        raise UsageError(f"cross-team has 2 to {most} teams, got {teams}")
    alike = next(iter(drawn.values()))
    all_aims = {**{name: role.goal for name, role in drawn.items()}, **_MORE_TEAMS}
    seated = {name: replace(alike, team=inner, prompt="", apart="", goal=goal)
              for name, goal in list(all_aims.items())[:teams]}  # fmt: skip
    others = {name: role for name, role in whole.roles.items() if name not in drawn}
    rating = replace(whole.kinds["rating"], schema=_points_for(seated))
    own, each = whole.limits, one.limits
    sums = {name: None if getattr(each, name) is None else (getattr(own, name) or 0) + teams * getattr(each, name)
            for name in ("calls", "tokens", "seconds")}  # fmt: skip
    limits = replace(own, tasks=min(MAX_TASKS, own.tasks + teams * (each.tasks + 2)),
                     depth=min(MAX_DEPTH, own.depth + each.depth + 2), **sums)  # fmt: skip
    told = f"{teams} teams work by {one.name},{whole.description.partition(',')[2]}"
    return replace(whole, name=f"{whole.name} of {one.name}", description=told, roles={**seated, **others},
                   kinds={**whole.kinds, "rating": rating}, limits=limits)  # fmt: skip


_MORE_TEAMS = {
    "epsilon": "the shortest way",
    "zeta": "the way that asks least of whoever uses it",
    "eta": "the way that stands most mistakes",
    "theta": "the way that somebody who knows nothing of it understands",
}


def _points_for(teams: Iterable[str]) -> dict[str, Any]:
    point = {"type": "number", "minimum": 0, "maximum": 10}
    return {
        "type": "object", "minProperties": 1, "additionalProperties": False, "properties": dict.fromkeys(teams, point),
    }  # fmt: skip
