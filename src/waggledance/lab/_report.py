"""A report: what a comparison found, with intervals, and what it could not have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from waggledance.core import UsageError
from waggledance.lab._about import About, ArmAbout
from waggledance.lab._above_random import above_random
from waggledance.lab._arm_line import ArmLine, line_of
from waggledance.lab._front import front
from waggledance.lab._power import noise_floor, smallest_difference
from waggledance.lab._row import Role, Row, Unit
from waggledance.lab._versus import Versus, judged, versus

UNITS: tuple[Unit, ...] = ("calls", "priced tokens")
_ORDER: tuple[Role, ...] = ("one call", "random pick", "oracle", "self-consistency", "arm")
MAY_LACK = 0.05
"""Share of an arm's runs in which a bank may lack something, for a claim about the arm."""
_ENDS: tuple[Role, Role] = ("random pick", "oracle")


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
    pools = _pools(about)
    beside = {"arm": {""}, "self-consistency": set(names)}  # other references stand beside a pool
    of: dict[str, list[Row]] = {}
    for row in rows:
        belongs = row.beside in beside.get(row.role, set(pools.values())) and (row.role != "arm" or row.arm in names)
        if belongs and row.task in tasks and row.repeat < about.repeats:
            of.setdefault(row.arm, []).append(row)
    done = [name for name in names if name in of]
    if not done:
        raise UsageError("no run has come to its end yet, so there is nothing to report: run the comparison first")
    references = sorted(of.keys() - set(names), key=lambda name: (_ORDER.index(of[name][0].role), name))
    clusters = len({row.cluster for name in done for row in of[name]})
    about = replace(about, arms=[replace(arm, left_out=arm.left_out or _gaps(arm, of)) for arm in about.arms])
    left_out = {arm.name: arm.left_out for arm in about.arms}
    return Report(
        about=about,
        clusters=clusters,
        noise_floor=noise_floor(clusters),
        smallest=smallest_difference(clusters),
        arms=_lines([*done, *references], of, pools),
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


def _gaps(arm: ArmAbout, of: Mapping[str, Sequence[Row]]) -> str:
    """Return what a bank lacks of an arm; empty where its peers had all that they were asked for, or nearly."""
    rows = of.get(arm.name, ()) if arm.recorded else ()
    lacking = sum(1 for row in rows if row.spent.unrecorded)
    if lacking <= MAY_LACK * len(rows):
        return ""
    return f"in {lacking:,} of {len(rows):,} runs the bank lacks answers or judgements that it asked for; record them"


def _pools(about: About) -> dict[str, str]:
    """Return the first arm with the same peers, by arm; an empty name where all arms have the same."""
    first: dict[str, str] = {}
    for arm in about.arms:
        first.setdefault(arm.peers, arm.name)
    return {arm.name: first[arm.peers] if len(first) > 1 else "" for arm in about.arms}


def _lines(names: Sequence[str], of: Mapping[str, Sequence[Row]], pools: Mapping[str, str]) -> list[ArmLine]:
    lines = [
        replace(line_of(of[name]), pool=pools.get(of[name][0].beside or name, of[name][0].beside)) for name in names
    ]
    real = [line for line in lines if line.role not in _ENDS]
    ahead = front([line.cost or line.calls for line in real], [line.score for line in real])
    on_front = {line.arm for line, is_on in zip(real, ahead, strict=True) if is_on}
    ends = {(line.pool, line.role): line.score for line in lines if line.role in _ENDS}

    def of_gap(line: ArmLine) -> float | None:
        pick, best = (ends.get((line.pool, role)) for role in _ENDS)
        return None if pick is None or best is None else above_random(line.score, pick, best)

    return [replace(line, on_front=line.arm in on_front, of_gap=of_gap(line)) for line in lines]


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
