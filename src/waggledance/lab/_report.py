"""A report: what a comparison found, with intervals, and what it could not have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from waggledance.core import UsageError
from waggledance.lab._about import About
from waggledance.lab._above_random import above_random
from waggledance.lab._arm_line import ArmLine, line_of
from waggledance.lab._front import front
from waggledance.lab._power import noise_floor, smallest_difference
from waggledance.lab._row import Row, Unit
from waggledance.lab._versus import Versus, judged, versus

UNITS: tuple[Unit, ...] = ("calls", "priced tokens")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found."""

    about: About
    clusters: int
    """Tasks that stand alone, of those that were run."""
    noise_floor: float
    """Half width of one arm's interval at a share of one half."""
    smallest: float
    """Smallest paired difference with 80 % power, if exactly one of two arms solves a fifth of the tasks."""
    arms: Sequence[ArmLine]
    """The user's, in their order; then references."""
    at_equal: Mapping[Unit, Sequence[Versus]]
    """Each arm beside self-consistency of its best single model, by what is matched."""
    against_first: Sequence[Versus]
    """Each further arm beside the first."""
    unfinished: int
    """Runs of arms that are not there yet."""

    def to_json(self) -> bytes:
        """Return it as one JSON object."""
        return msgspec.json.format(msgspec.json.encode(self))

    def markdown(self) -> str:
        """Return it as a page of Markdown."""
        from waggledance.lab._markdown import markdown

        return markdown(self)

    def __str__(self) -> str:
        return self.markdown()


def build(about: About, rows: Sequence[Row]) -> Report:
    """Return the report that rows make: a pure function of them.

    Rows of arms, tasks and repeats that `about` does not name are left out.

    Raises:
        UsageError: no run of any arm is there.
    """
    names = [arm.name for arm in about.arms]
    tasks = set(about.tasks)
    of: dict[str, list[Row]] = {}
    for row in rows:
        if row.task in tasks and row.repeat < about.repeats and (row.beside or row.arm) in {*names, row.role}:
            of.setdefault(row.arm, []).append(row)
    done = [name for name in names if name in of]
    if not done:
        raise UsageError("no run has come to its end yet, so there is nothing to report: run the comparison first")
    clusters = len({row.cluster for name in done for row in of[name]})
    left_out = {arm.name: arm.left_out for arm in about.arms}
    return Report(
        about=about,
        clusters=clusters,
        noise_floor=noise_floor(clusters),
        smallest=smallest_difference(clusters),
        arms=_lines([*done, *(name for name in of if name not in names)], of),
        at_equal={unit: _beside_samples(done, of, unit, left_out) for unit in UNITS},
        against_first=judged(
            [
                line
                for name in done[1:]
                if (line := versus(of[name], of[done[0]], left_out=left_out[name] or left_out[done[0]])) is not None
            ]
        ),
        unfinished=sum(len(tasks) * about.repeats - len(of.get(name, ())) for name in names),
    )


def _lines(names: Sequence[str], of: Mapping[str, Sequence[Row]]) -> list[ArmLine]:
    lines = [line_of(of[name]) for name in names]
    spend = [line.cost or line.calls for line in lines]
    real = [line.role in ("arm", "one call", "self-consistency") for line in lines]
    ahead = iter(front([c for c, r in zip(spend, real, strict=True) if r],
                       [line.score for line, r in zip(lines, real, strict=True) if r]))  # fmt: skip
    lines = [replace(line, on_front=next(ahead)) if r else line for line, r in zip(lines, real, strict=True)]
    pick = next((line.score for line in lines if line.role == "random pick"), None)
    best = next((line.score for line in lines if line.role == "oracle"), None)
    if pick is None or best is None:
        return lines
    return [replace(line, of_gap=above_random(line.score, pick, best)) for line in lines]


def _beside_samples(
    names: Sequence[str], of: Mapping[str, Sequence[Row]], unit: Unit, left_out: Mapping[str, str]
) -> list[Versus]:
    table: list[Versus] = []
    for name in names:
        rows = [row for reference in of.values() for row in reference if row.beside == name and row.unit == unit]
        line = versus(of[name], rows, unit=unit, left_out=left_out[name]) if rows else None
        if line is not None:
            table.append(line)
    return judged(table)
