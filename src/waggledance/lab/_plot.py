"""A report as a picture: how often right, by what a run costs, with intervals; cost on a logarithmic axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from waggledance.core import UsageError, with_extra
from waggledance.lab._arm_line import ArmLine
from waggledance.lab._report import Report

_SIZE_INCH = (8.0, 5.0)
_SAMPLES = "self-consistency of the best single model"
_INK, _ARM, _REFERENCE, _CURVE = "#222222", "#c2410c", "#6b7280", "#1d4ed8"


def plot(report: Report, path: Path) -> None:
    """Draw a report's arms into a PNG file.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as why:
        raise UsageError(with_extra("plots need matplotlib", "lab")) from why
    figure: Any = Figure(figsize=_SIZE_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    priced = all(line.cost > 0 for line in report.arms)
    arms = [line for line in report.arms if line.role == "arm"]
    references = [line for line in report.arms if line.role in ("one call", "random pick", "oracle")]
    _points(axes, arms, _ARM, "o", priced=priced)
    _points(axes, references, _REFERENCE, "D", priced=priced)
    for pool in sorted({line.pool for line in report.arms}):
        samples = [line for line in report.arms if line.role in ("one call", "self-consistency") and line.pool == pool]
        _curve(axes, samples, priced=priced)
    if axes.lines and any(line.get_label() == _SAMPLES for line in axes.lines):
        axes.legend(fontsize=7, frameon=False, loc="lower right")
    axes.set_xscale("log")
    axes.margins(x=0.35)
    axes.set_xlabel("cost of a run, millionths of a dollar" if priced else "calls of a run")
    axes.set_ylabel("share right, 95 % interval")
    axes.set_title(f"{report.about.data or 'comparison'}: {len(report.about.tasks):,} tasks", fontsize=10)
    axes.grid(visible=True, which="major", color="#e5e7eb", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=150)


def _points(axes: Any, lines: list[ArmLine], colour: str, marker: str, *, priced: bool) -> None:
    """Draw arms as points with their names; those at one place are named one below the other."""
    named: dict[tuple[float, float], int] = {}
    for line in sorted(lines, key=lambda line: -line.score):
        x = _cost(line, priced=priced)
        below, above = max(0.0, line.score - line.low), max(0.0, line.high - line.score)
        axes.errorbar([x], [line.score], yerr=[[below], [above]], fmt=marker, color=colour, markersize=5,
                      elinewidth=1, capsize=2, alpha=0.9)  # fmt: skip
        place = (round(x, 6), round(line.score * 25))
        rows_below = named.get(place, 0)
        named[place] = rows_below + 1
        axes.annotate(line.arm if len(line.arm) <= 40 else f"{line.arm[:39]}…", (x, line.score), fontsize=7,
                      color=_INK, xytext=(6, 4 - 9 * rows_below), textcoords="offset points")  # fmt: skip


def _curve(axes: Any, lines: list[ArmLine], *, priced: bool) -> None:
    """Draw self-consistency of the best single model as a line from one call on."""
    points = sorted({(_cost(line, priced=priced), line.score) for line in lines})
    if len({x for x, _ in points}) > 1:
        drawn = any(line.get_label() == _SAMPLES for line in axes.lines)
        axes.plot([x for x, _ in points], [y for _, y in points], color=_CURVE, linewidth=1, linestyle="--",
                  marker=".", label=None if drawn else _SAMPLES)  # fmt: skip


def _cost(line: ArmLine, *, priced: bool) -> float:
    return line.cost if priced else max(line.calls, 0.01)
