"""A report as a picture: how often right, by what a run costs, with intervals; cost on a logarithmic axis.

Arms, references and self-consistency differ by shape and filling, not by colour alone, so that a grey print tells them
apart. Those of one cost stand side by side, and names that would cover each other are moved up or down.
"""

from __future__ import annotations

from math import log10
from pathlib import Path
from typing import Any

from waggledance.core import UsageError, with_extra
from waggledance.lab._arm_line import ArmLine
from waggledance.lab._report import Report

_SIZE_INCH = (8.0, 5.0)
_INK, _ARM, _REFERENCE, _CURVE = "#222222", "#c2410c", "#6b7280", "#1d4ed8"
_ASIDE = 0.012
"""How far points of one cost stand apart, as a share of the axis."""
_LIFTS = (4, -9, 13, -18, 22, -27, 31, -36, 40, -45)
"""Where a name may stand beside its point, in points above it; the first that is free is taken."""


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
    place = _side_by_side([line for line in report.arms if line.role != "self-consistency"], priced=priced)
    for pool in sorted({line.pool for line in report.arms}):
        samples = [line for line in report.arms if line.role in ("one call", "self-consistency") and line.pool == pool]
        _curve(axes, samples, priced=priced)
    _points(axes, [line for line in report.arms if line.role == "arm"], place, "an arm")
    _points(axes, [line for line in report.arms if line.arm in place and line.role != "arm"], place, "a reference")
    _furnish(axes, report, priced=priced)
    _part_names(figure, axes)
    figure.savefig(path, dpi=150)


def _points(axes: Any, lines: list[ArmLine], place: dict[str, float], role: str) -> None:
    """Draw arms as filled points, references as hollow diamonds, each with its interval and name."""
    of_arms = role == "an arm"
    colour = _ARM if of_arms else _REFERENCE
    for nth, line in enumerate(lines):
        x = place[line.arm]
        ends = [[max(0.0, line.score - line.low)], [max(0.0, line.high - line.score)]]
        axes.errorbar([x], [line.score], yerr=ends, fmt="o" if of_arms else "D", color=colour, markersize=5,
                      markerfacecolor=colour if of_arms else "white", elinewidth=1, capsize=2,
                      label=None if nth else role)  # fmt: skip
        axes.annotate(line.arm if len(line.arm) <= 40 else f"{line.arm[:39]}…", (x, line.score), fontsize=7,
                      color=_INK, xytext=(6, _LIFTS[0]), textcoords="offset points",
                      bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5})  # fmt: skip


def _curve(axes: Any, lines: list[ArmLine], *, priced: bool) -> None:
    """Draw self-consistency of the best single model as a line from one call on."""
    points = sorted({(_cost(line, priced=priced), line.score, line.low, line.high) for line in lines})
    if len({x for x, *_ in points}) > 1:
        label = "self-consistency of the best single model"
        drawn = label in axes.get_legend_handles_labels()[1]
        x, y, low, high = zip(*points, strict=True)
        axes.fill_between(x, low, high, color=_CURVE, alpha=0.08, linewidth=0)
        axes.plot(x, y, color=_CURVE, linewidth=1, linestyle="--", marker=".", label=None if drawn else label)


def _furnish(axes: Any, report: Report, *, priced: bool) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    about = report.about
    nominal = any(model not in about.prices for model in about.models)
    axes.set_xscale("log")
    axes.margins(x=0.25)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    price = (
        "tokens of a run, 1 for each read and 4 for each written"
        if nominal
        else "cost of a run, millionths of a dollar"
    )
    axes.set_xlabel(price if priced else "calls of a run")
    axes.set_ylabel("share right, with its 95 % interval")
    runs = f"{len(about.tasks):,} tasks" + (f" × {about.repeats} repeats" if about.repeats > 1 else "")
    axes.set_title(f"{about.data or 'comparison'}: {runs}", fontsize=10)
    axes.legend(fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3)
    axes.grid(visible=True, which="major", color="#e5e7eb", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _side_by_side(lines: list[ArmLine], *, priced: bool) -> dict[str, float]:
    """Return where each line stands on the axis: at its cost, those of one cost a little apart."""
    costs = [_cost(line, priced=priced) for line in lines]
    width = max(log10(max(costs) / min(costs)), 0.5) * 1.5
    at: dict[float, list[str]] = {}
    for line, cost in sorted(zip(lines, costs, strict=True), key=lambda pair: -pair[0].score):
        near = next((known for known in at if abs(log10(cost / known)) < _ASIDE * width), cost)
        at.setdefault(near, []).append(line.arm)
    return {
        arm: cost * 10 ** (_ASIDE * width * (n - (len(arms) - 1) / 2))
        for cost, arms in at.items()
        for n, arm in enumerate(arms)
    }


def _part_names(figure: Any, axes: Any) -> None:
    """Move names that would cover another one, the lower ones first to go down."""
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    taken: list[Any] = []
    for name in sorted(axes.texts, key=lambda text: (-text.xy[1], text.get_text())):
        box: Any = None
        for lift in _LIFTS:
            name.set_position((6, lift))
            box = name.get_window_extent(renderer)
            if not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def _cost(line: ArmLine, *, priced: bool) -> float:
    return line.cost if priced else max(line.calls, 0.01)
