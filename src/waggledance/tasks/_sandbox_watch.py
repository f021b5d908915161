"""Look at a run from outside: the processes that descend from one, what they use, and how to end them all.

Linux says all of it in ``/proc``. CPU time is the living's own and that of children they waited for, so everybody is
counted once; memory counts shared pages once for each process until that passes the limit, and is then read exactly.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process as ``/proc/PID/stat`` tells of it (proc(5))."""

    pid: int
    started: int
    """In clock ticks after boot: with the pid it names the process for ever, although pids come again."""
    threads: int
    cpu_s: float
    """Its own CPU time and that of the children it waited for."""
    resident_bytes: int


def process(pid: int) -> Process | None:
    """Read one process; None when there is none any more, or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    field = stat[stat.rindex(b")") + 2 :].split()  # a command's name may hold spaces and brackets
    if field[0] in (b"Z", b"X"):
        return None
    cpu_s = sum(int(ticks) for ticks in field[11:15]) / os.sysconf("SC_CLK_TCK")
    return Process(pid, int(field[19]), int(field[17]), cpu_s, int(field[21]) * os.sysconf("SC_PAGE_SIZE"))


def tree(root: int, most: int) -> list[Process]:
    """Return the living processes that descend from one, itself first; of a fork bomb no more than so many.

    Without that bound the walk would never end: a bomb makes new ones faster than they can be read.
    """
    found: list[Process] = []
    pids, seen = [root], {root}
    while pids and len(found) < most and len(seen) < 100 * most:
        pid = pids.pop()
        alive = process(pid)
        if alive is not None:
            found.append(alive)
        for child in children(pid):
            if child not in seen:
                seen.add(child)
                pids.append(child)
    return found


def marked(text: str) -> list[Process]:
    """Return the processes that were started with a text in their environment, wherever they have hidden since."""
    found: list[Process] = []
    for at in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if at.name.isdigit() and text.encode() in (at / "environ").read_bytes():
                found += filter(None, [process(int(at.name))])
    return found


def memory_of(processes: Iterable[Process]) -> int:
    """Return the memory of processes in bytes, each shared page shared out among them (proportional set size)."""
    total = 0
    for one in processes:
        try:
            rollup = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
            total += 1024 * sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except OSError:  # gone, or not ours to read
            total += one.resident_bytes if process(one.pid) == one else 0
    return total


def kill_all(processes: Iterable[Process]) -> None:
    """Kill processes, unless another one has taken a pid since."""
    for one in processes:
        now = process(one.pid)
        if now is not None and now.started == one.started:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(one.pid, signal.SIGKILL)


def folder_bytes(folder: Path) -> int:
    """Return what a folder's files take on the disk, in bytes; what vanishes meanwhile counts nothing."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(at, name)).st_blocks * 512  # noqa: PTH118 — on thousands of files
    return total


def children(pid: int) -> list[int]:
    """Return the pids of a process's children, of all its threads."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 — looked at often
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_bytes().split())
    except OSError:
        return found
    return found
