"""A row: what one arm did in one run, and the file of rows that a comparison only ever adds to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from blake3 import blake3

import waggledance
from waggledance.core import UsageError
from waggledance.lab._score import Score
from waggledance.lab._spent import Spent
from waggledance.lab._task import Task

logger = logging.getLogger(__name__)

Role = Literal["arm", "one call", "self-consistency", "random pick", "oracle"]
Unit = Literal["calls", "priced tokens"]


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one arm did in one run."""

    arm: str
    role: Role = "arm"
    beside: str = ""
    """Of a reference: the arm whose spend it matches, or whose peers it is about."""
    unit: Unit | None = None
    """Of self-consistency: what is matched."""
    task: str
    cluster: str
    category: str = ""
    source: str = ""
    repeat: int
    key: str | None = None
    """What was decided; None for nothing."""
    value: float
    solved: float
    """1 or 0; of a random pick the chance."""
    spent: Spent
    model: str = ""
    """Of a reference: whose answers it used."""
    samples: int | None = None
    """Of self-consistency: how many."""
    code: str = ""
    """Version and digest of this program."""
    seed: int = 0
    data: str = ""
    """Name and digest of the tasks."""

    @property
    def at(self) -> tuple[str, int]:
        """Which run: task id and repeat."""
        return self.task, self.repeat

    @classmethod
    def of(cls, arm: str, task: Task, repeat: int, key: str | None, score: Score, spent: Spent) -> Row:
        """Make an arm's row."""
        return cls(arm=arm, task=task.id, cluster=task.cluster, category=task.category, source=task.source,
                   repeat=repeat, key=key, value=score.value, solved=float(score.solved), spent=spent)  # fmt: skip


def add_rows(path: Path, rows: Iterable[Row]) -> int:
    """Add those rows to a file that are not in it yet; return how many.

    A line that a crash cut off is ended first, so that it spoils itself and nothing after it.
    """
    kept = path.read_bytes() if path.is_file() else b""
    known = set(kept.splitlines())
    lines = [line for row in rows if (line := msgspec.json.encode(row)) not in known]
    if lines:
        with path.open("ab") as file:
            file.write((b"\n" if kept and not kept.endswith(b"\n") else b"") + b"\n".join(lines) + b"\n")
    return len(lines)


def read_rows(path: Path) -> Sequence[Row]:
    """Return the rows of a file, the last of each arm, task and repeat; broken lines are skipped with a warning.

    Raises:
        UsageError: there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"there are no rows at {path}: run `waggle lab compare … --out {path.parent}` first")
    latest: dict[tuple[str, str, int], Row] = {}
    broken = 0
    for line in path.read_bytes().splitlines():
        try:
            row = msgspec.json.decode(line, type=Row)
        except (msgspec.DecodeError, UnicodeDecodeError):
            broken += bool(line.strip())
            continue
        latest[(row.arm, *row.at)] = row
    if broken:
        logger.warning("%s: skipped %d broken lines", path, broken)
    return tuple(latest.values())


@cache
def code_version() -> str:
    """Return this program's version and a digest of its source, so that a row says what made it."""
    home = Path(waggledance.__file__).parent
    digest = blake3()
    for path in sorted(home.rglob("*.py")):
        digest.update(path.relative_to(home).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{waggledance.__version__}+{digest.hexdigest(length=6)}"
