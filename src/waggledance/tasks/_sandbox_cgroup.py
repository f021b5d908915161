"""Control groups, where this process may make some: the kernel's own limits on memory and processes of a whole run.

Version 2 where its controllers are handed down to us, else version 1 (each controller a tree of its own). A group is
made for one run and removed after it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from waggledance.tasks._sandbox_limits import Limits, Stop

_CONTROLLERS = ("memory", "pids")


@dataclass(frozen=True)
class Cgroup:
    """The groups of one run, one for version 2, up to two for version 1."""

    folders: tuple[Path, ...]

    @classmethod
    def make(cls, parents: Iterable[Path], limits: Limits) -> Cgroup:
        """Make a run's groups and write its limits into them.

        Raises:
            OSError: it may not be made here after all.
        """
        name = f"waggle-{os.getpid()}-{uuid4().hex[:8]}"
        made = cls(tuple(sorted({parent / name for parent in parents})))
        try:
            for folder in made.folders:
                folder.mkdir()
                memory = limits.memory_bytes + limits.disk_bytes  # what is written to a tmpfs is memory, too
                _set(folder, ("memory.max", "memory.limit_in_bytes"), memory)
                _set(folder, ("memory.swap.max",), 0)
                _set(folder, ("memory.oom.group",), 1)
                _set(folder, ("pids.max",), limits.processes + _OF_OURS)
        except OSError:
            made.remove()
            raise
        return made

    def stopped(self) -> Stop:
        """Return which limit the kernel had to enforce."""
        if self._count(("memory.events", "memory.oom_control"), "oom_kill"):
            return "memory"
        return "processes" if self._count(("pids.events",), "max") else ""

    def peak_bytes(self) -> int:
        """Return the most memory that was used at once; 0 when it is not counted."""
        for folder in self.folders:
            for name in ("memory.peak", "memory.max_usage_in_bytes"):
                with contextlib.suppress(OSError, ValueError):
                    return int((folder / name).read_text())
        return 0

    def pids(self) -> list[int]:
        """Return who is in the groups, wherever it has hidden."""
        found: set[int] = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found.update(map(int, (folder / "cgroup.procs").read_text().split()))
        return sorted(found)

    def kill(self) -> list[int]:
        """Kill everybody in the groups; return who was there."""
        alive = self.pids()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                (folder / "cgroup.kill").write_text("1")
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return alive

    def remove(self) -> bool:
        """Remove the groups; say whether all are gone."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()
        return not any(folder.exists() for folder in self.folders)

    def _count(self, files: tuple[str, ...], word: str) -> int:
        for folder in self.folders:
            for name in files:
                with contextlib.suppress(OSError):
                    for line in (folder / name).read_text().splitlines():
                        if line.split()[0] == word:
                            return int(line.split()[1])
        return 0


_OF_OURS = 4
"""Processes of the sandbox itself in a run's group: the shell or keeper, and bubblewrap or unshare with its child."""


def parents_here() -> dict[str, Path]:
    """Return for ``"memory"`` and ``"pids"`` the folder in which a group that limits it can be made, where there is."""
    mine = _mine()
    unified = next((p for p in _upwards("", mine) if _limits_in(p, _CONTROLLERS)), None)
    if unified is not None:
        return dict.fromkeys(_CONTROLLERS, unified)
    return {c: p for c in _CONTROLLERS for p in _upwards(c, mine)[:1] if _limits_in(p, (c,))}


def _mine() -> dict[str, str]:
    """Return this process's group by controller; under the empty name that of version 2 (cgroups(7))."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def _upwards(controller: str, mine: dict[str, str]) -> list[Path]:
    """Return a controller's groups that hold this process, the innermost first."""
    if controller not in mine:
        return []
    root = _mount(controller)
    if root is None:
        return []
    here = root / mine[controller].lstrip("/")
    return [p for p in (here, *here.parents) if p == root or root in p.parents]


def _mount(controller: str) -> Path | None:
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return None
    for _, at, kind, options, *_ in mounts:
        if (kind == "cgroup2" and not controller) or (kind == "cgroup" and controller in options.split(",")):
            return Path(at)
    return None


def _limits_in(parent: Path, controllers: tuple[str, ...]) -> bool:
    """Try whether a group can be made there, entered, and has the controllers."""
    trial = parent / f"waggle-{os.getpid()}-{uuid4().hex[:8]}"
    names = {"memory": ("memory.max", "memory.limit_in_bytes"), "pids": ("pids.max",)}
    try:
        trial.mkdir()
    except OSError:
        return False
    try:
        return os.access(trial / "cgroup.procs", os.W_OK) and all(
            any((trial / name).exists() for name in names[controller]) for controller in controllers
        )
    finally:
        with contextlib.suppress(OSError):
            trial.rmdir()


def _set(folder: Path, names: tuple[str, ...], value: int) -> None:
    for name in names:
        if (folder / name).exists():
            (folder / name).write_text(str(value))
