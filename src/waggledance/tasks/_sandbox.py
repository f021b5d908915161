"""A sandbox: runs commands and generated code within limits, behind the best walls that this machine has.

What it enforces depends on the machine, and it says so: `Sandbox.enforces`, ``waggle sandbox check``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from waggledance.core import UnknownName, UsageError
from waggledance.tasks import _sandbox_walls as walled
from waggledance.tasks._sandbox_cgroup import Cgroup, parents_here
from waggledance.tasks._sandbox_enforces import enforced
from waggledance.tasks._sandbox_limits import Limits, Ran
from waggledance.tasks._sandbox_run import Run
from waggledance.tasks._sandbox_walls import WALLS, Walls

logger = logging.getLogger(__name__)

_PREFIX = "waggle-sandbox-"


class Sandbox:
    """Runs commands and Python code: no network, nothing to read but the system and Python, nothing left behind.

    Each run has a temporary folder of its own, a clean environment (no keys), and `Limits`; many can run at once. It
    uses real processes and real time, so it does not run in a simulation.

    Args:
        limits: what each run may use.
        walls: ``"bubblewrap"``, ``"namespaces"`` or ``"none"``; the best that work here when None.
        readable: folders and files that runs may read beside the system and Python.
        at_once: how many run at the same time; others wait. As many as there are processors when None.

    Raises:
        UnknownName: there are no such walls.
        UsageError: these walls cannot be had here; at_once is below 1; something readable is not there.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        walls: Walls | None = None,
        readable: Sequence[Path] = (),
        at_once: int | None = None,
    ) -> None:
        if walls is not None and walls not in WALLS:
            raise UnknownName("kind of walls", walls, WALLS)
        if at_once is not None and at_once < 1:
            raise UsageError(f"at least one run at once, got at_once={at_once}")
        missing = [str(path) for path in readable if not path.exists()]
        if missing:
            raise UsageError(f"runs cannot read what is not there: {', '.join(missing)}")
        self.limits = limits or Limits()
        self._walls: Walls | None = walls
        self._readable = tuple(readable)
        self._room = asyncio.Semaphore(at_once or os.cpu_count() or 1)

    @property
    def walls(self) -> Walls:
        """Behind which walls it runs; found out by trying, once a process.

        Raises:
            UsageError: those that were asked for cannot be had here, or this is not Linux.
        """
        return self._found()

    def _found(self) -> Walls:
        if self._walls is None:
            return walled.best()
        why = walled.against(self._walls)
        if why:
            raise UsageError(f"a sandbox with walls={self._walls!r} cannot be had here: {why}")
        return self._walls

    def enforces(self) -> Mapping[str, str]:
        """Return for each limit how it is enforced here, or ``"not here: …"`` and why."""
        return enforced(self.walls, _groups_here())

    async def run(
        self,
        command: Sequence[str],
        *,
        files: Mapping[str, str | bytes] | None = None,
        folder: Path | None = None,
        limits: Limits | None = None,
    ) -> Ran:
        """Run a command in a fresh folder.

        Args:
            command: the program and its arguments; no shell reads them.
            files: what is in its folder, by relative path.
            folder: copied into its folder before that.
            limits: other ones than the sandbox's.

        Raises:
            UsageError: the command is empty, a path leads out of the folder, or the files alone pass the disk limit.
            SandboxFailed: the sandbox could not be set up.
        """
        if not command or not all("\0" not in word for word in command):
            raise UsageError(f"a command is one or more words without NUL bytes, got {list(command)!r:.200}")
        limits = limits or self.limits
        async with self._room:
            walls = await asyncio.to_thread(self._found)
            _warn(walls)
            async with _place(files or {}, folder, limits, shared=walls != "none") as place, _group(limits) as group:
                argv = walled.command_for(walls, command, place, limits, self._readable)
                argv = walled.limited(argv, limits, group.folders if group else ())
                run = Run(argv, place, limits, group, walled=walls != "none")
                at = place / "root.in" if walls == "none" else place
                return await run(_environment(walls, place), at)

    async def python(
        self, code: str, *, files: Mapping[str, str | bytes] | None = None, limits: Limits | None = None
    ) -> Ran:
        """Run Python code as the program ``main.py``, with this Python and its packages; see `run`."""
        return await self.run(
            [sys.executable, "-s", "-B", "main.py"], files={**(files or {}), "main.py": code}, limits=limits
        )


def _environment(walls: Walls, place: Path) -> dict[str, str]:
    """Return all that a run finds in its environment. Hashes are seeded, so that sets print alike each time."""
    within = place if walls == "none" else Path("/tmp")  # noqa: S108 — inside, where it is fresh
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(within / "home"),
        "TMPDIR": str(within),
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",  # a pool of threads a run would pass the limit on a large machine
        "OPENBLAS_NUM_THREADS": "1",
    }


@contextlib.asynccontextmanager
async def _place(
    files: Mapping[str, str | bytes], folder: Path | None, limits: Limits, *, shared: bool
) -> AsyncGenerator[Path]:
    """Make a run's temporary folder with its files, and remove it; a folder alone can be shared where it is copied
    from again behind walls, and read-only."""
    place = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_PREFIX))
    try:
        await asyncio.to_thread(_furnish, place, files, folder, limits, shared)
        yield place
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))


def _furnish(place: Path, files: Mapping[str, str | bytes], folder: Path | None, limits: Limits, shared: bool) -> None:
    for name in ("root", "home"):
        (place / name).mkdir()
    if folder is not None and not folder.is_dir():
        raise UsageError(f"there is no folder {folder} to run in")
    if shared and folder is not None and not files:
        (place / "root.in").symlink_to(folder.resolve())
    else:
        _fill(place / "root.in", files, folder, limits)


def _fill(inside: Path, files: Mapping[str, str | bytes], folder: Path | None, limits: Limits) -> None:
    inside.mkdir()
    if folder is not None:
        shutil.copytree(folder, inside, symlinks=True, dirs_exist_ok=True)
    total = 0
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
            raise UsageError(f"a file of a run is named by a relative path within its folder, got {name!r}")
        raw = content.encode() if isinstance(content, str) else content
        total += len(raw)
        if total > limits.disk_bytes:
            raise UsageError(f"the files of a run are larger than its disk of {limits.disk_bytes:,} bytes")
        to = inside / path
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(raw)


@contextlib.asynccontextmanager
async def _group(limits: Limits) -> AsyncGenerator[Cgroup | None]:
    """Make a run's control groups where that can be done, and remove them."""
    parents = _groups_here()
    try:
        group = Cgroup.make(parents.values(), limits) if parents else None
    except OSError as why:  # somebody took the right away meanwhile
        logger.warning("no control group for this run: %s", why)
        group = None
    try:
        yield group
    finally:
        for _ in range(100):
            if group is None or group.remove():
                break
            await asyncio.sleep(0.01)  # the kernel still counts who has just ended


@cache
def _groups_here() -> Mapping[str, Path]:
    return parents_here()


@cache
def _warn(walls: Walls) -> None:
    """Say once a process that there are no walls."""
    if walls == "none":
        logger.warning(
            "the sandbox has no walls here: code it runs can reach the network and read your files. "
            "Install bubblewrap; see `waggle sandbox check`"
        )
