"""What a run in the sandbox may use, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from typing import Literal

from waggledance.core import UsageError

Stop = Literal["", "memory", "cpu", "wall", "processes", "disk", "output"]
"""Which limit ended a run; nothing when it ended by itself."""

MEGABYTE = 1 << 20
_LAST_LINE_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use, with everything that it starts. Reaching a limit ends the run.

    Args:
        memory_bytes: memory of all its processes together, >= 16 MB.
        cpu_s: CPU seconds of all its processes together.
        wall_s: seconds from start to end.
        processes: processes and threads at any time.
        open_files: open files of one process, >= 16.
        disk_bytes: what it may write to its folder, >= 1 MB.
        printed_bytes: what it may print.
        kept_bytes: how much of stdout, and of stderr, is kept: the first quarter and the last three.

    Raises:
        UsageError: a limit is no finite number, or too small to start anything.

    Source for limits on the single call, not on the session: Zheng et al. 2026, arXiv:2602.09345.
    """

    memory_bytes: int = 512 * MEGABYTE
    cpu_s: float = 10.0
    wall_s: float = 30.0
    processes: int = 64
    open_files: int = 256
    disk_bytes: int = 64 * MEGABYTE
    printed_bytes: int = 16 * MEGABYTE
    kept_bytes: int = 64 * 1024

    def __post_init__(self) -> None:
        least = {"memory_bytes": 16 * MEGABYTE, "disk_bytes": MEGABYTE, "open_files": 16, "kept_bytes": 64}
        for field in fields(self):
            value, floor = getattr(self, field.name), least.get(field.name, 0)
            if not (isfinite(value) and value >= floor and value > 0):
                above = f"{floor:,} or more" if floor else "more than 0"
                raise UsageError(f"the sandbox's limit {field.name} is {value}; give a finite number, {above}")


@dataclass(frozen=True)
class Ran:
    """What became of a run in the sandbox."""

    exit_code: int
    """The program's own, 0 to 255; 128 + n when signal n ended it, 137 when a limit did."""
    stopped: Stop
    """The limit that ended it."""
    out: str
    """What it printed on stdout, with a line in the middle that says what was left out."""
    err: str
    """The same of stderr."""
    wall_ms: int
    cpu_ms: int
    """CPU time of everything it started, as last seen."""
    peak_bytes: int
    """The most memory that was seen at once."""
    limits: Limits

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.exit_code == 0 and not self.stopped

    def why(self) -> str:
        """Say in a sentence how it ended.

        >>> Ran(1, "", "", "Traceback…\\nValueError: no", 20, 10, 0, Limits()).why()
        'exit code 1: ValueError: no'
        """
        if self.stopped:
            return f"stopped: {_stopped(self)}"
        if self.exit_code == 0:
            return "exit code 0"
        lines = [line for line in self.err.splitlines() if line.strip()] or self.out.split("\n")
        last = lines[-1].strip()[:_LAST_LINE_CHARS]
        what = f"signal {self.exit_code - 128}" if self.exit_code > 128 else f"exit code {self.exit_code}"
        return f"{what}: {last}" if last else what


def _stopped(ran: Ran) -> str:
    limits = ran.limits
    return {
        "": "",
        "memory": f"used more than {limits.memory_bytes / MEGABYTE:.0f} MB of memory; use less",
        "cpu": f"used more than {limits.cpu_s:g} s of CPU",
        "wall": f"not done after {limits.wall_s:g} s, having used {ran.cpu_ms / 1_000:.1f} s of CPU ({_doing(ran)})",
        "processes": f"started more than {limits.processes} processes and threads",
        "disk": f"wrote more than {limits.disk_bytes / MEGABYTE:.0f} MB to its folder",
        "output": f"printed more than {limits.printed_bytes / MEGABYTE:.0f} MB",
    }[ran.stopped]


def _doing(ran: Ran) -> str:
    return "it waited, or the machine was busy" if ran.cpu_ms < ran.wall_ms / 5 else "it computed"
