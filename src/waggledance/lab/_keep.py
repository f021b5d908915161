"""Write a report into its folder: Markdown for people, JSON for programs, a picture where there is matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from waggledance.core import UsageError
from waggledance.lab._about import read_about
from waggledance.lab._comparison import ROWS
from waggledance.lab._plot import plot
from waggledance.lab._report import Report, build
from waggledance.lab._row import read_rows

PAGE, OBJECT, PICTURE = "report.md", "report.json", "accuracy-cost.png"


def keep(report: Report, folder: Path) -> Sequence[str]:
    """Write a report's files; return what is missing and why, a sentence each."""
    (folder / PAGE).write_text(report.markdown(), encoding="utf-8")
    (folder / OBJECT).write_bytes(report.to_json())
    try:
        plot(report, folder / PICTURE)
    except UsageError as why:
        return [f"no picture was drawn: {why}"]
    return []


def report_of(folder: Path) -> Report:
    """Make the report of a folder anew from its rows, without running or reading any log.

    Raises:
        UsageError: there is no comparison, or nothing has come to its end.
    """
    about = read_about(folder)
    if about is None:
        raise UsageError(f"there is no comparison in {folder}: run `waggle lab compare … --out {folder}` first")
    return build(about, read_rows(folder / ROWS))
