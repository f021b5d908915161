"""One run in the sandbox: started, watched, ended within its limits, and nothing of it left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from waggledance.core import RunFailed
from waggledance.tasks import _sandbox_watch as watch
from waggledance.tasks._sandbox_cgroup import Cgroup
from waggledance.tasks._sandbox_limits import Limits, Ran, Stop
from waggledance.tasks._sandbox_output import Kept, drain

_LOOK_EVERY_S = 0.05
_LOOKS_A_DISK = 4
"""The disk of a run without walls is measured file by file, so less often."""
_SOON_S = 5.0
"""How long ending takes at most before the machine is taken to be broken."""
_REPORT_BYTES = 4_096
_SIGXCPU, _SIGXFSZ, _KILLED = 128 + 24, 128 + 25, 137
_TIME = re.compile(r"(\d+)m([\d.]+)s (\d+)m([\d.]+)s")


class SandboxFailed(RunFailed):
    """The sandbox itself could not be set up, or could not end what it had started; carries what was seen."""

    def __init__(self, doing: str, seen: str) -> None:
        super().__init__(doing, seen)
        self.doing, self.seen = doing, seen

    def __str__(self) -> str:
        return f"the sandbox could not {self.doing}: {self.seen}. See what it can do here with `waggle sandbox check`"


class Run:
    """One command behind walls, from start to end.

    Args:
        argv: what to start.
        place: its temporary folder on this machine.
        limits: what it may use.
        group: its control groups, or None.
        walled: whether it has its own processes and files, so that its first process ends all.
    """

    def __init__(self, argv: Sequence[str], place: Path, limits: Limits, group: Cgroup | None, *, walled: bool) -> None:
        self._argv, self._place, self._limits, self._group, self._walled = argv, place, limits, group, walled
        self._out, self._err = Kept(limits.kept_bytes), Kept(limits.kept_bytes)
        self._stopped: Stop = ""
        self._printed = self._peak_bytes = self._looks = 0
        self._cpu_s = 0.0
        self._seen: dict[int, watch.Process] = {}
        self._stopping = asyncio.Event()

    async def __call__(self, environment: Mapping[str, str], folder: Path) -> Ran:
        """Run it to its end.

        Raises:
            SandboxFailed: it could not be set up, or something of it could not be ended.
        """
        started_s = time.monotonic()
        report, theirs = os.pipe()
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *self._argv, stdin=theirs, stdout=PIPE, stderr=PIPE, env=environment, cwd=folder, start_new_session=True
            )
        )
        starting.add_done_callback(lambda _: os.close(theirs))
        try:
            try:
                await asyncio.shield(starting)  # given up halfway, it would leave a process that nobody knows
                await self._until_its_end(starting.result())
            finally:
                process = await starting
                await asyncio.shield(self._end(process))
            os.set_blocking(report, False)
            with contextlib.suppress(BlockingIOError):
                return self._told(process, os.read(report, _REPORT_BYTES).decode(errors="replace"), started_s)
            return self._told(process, "", started_s)
        finally:
            os.close(report)

    async def _until_its_end(self, process: Process) -> None:
        """Wait until it ends, or until it has to be ended."""
        assert process.stdout is not None
        assert process.stderr is not None
        reading = [
            asyncio.ensure_future(drain(stream, kept, self._count))
            for stream, kept in ((process.stdout, self._out), (process.stderr, self._err))
        ]
        exited, stopping = asyncio.ensure_future(process.wait()), asyncio.ensure_future(self._stopping.wait())
        watching = asyncio.ensure_future(self._watch(process))
        try:
            await asyncio.wait((exited, stopping), timeout=self._limits.wall_s, return_when=asyncio.FIRST_COMPLETED)
            if process.returncode is None and not self._stopping.is_set():
                self._stop("wall")
            watching.cancel()
            await self._end(process)
            await asyncio.wait(reading, timeout=_SOON_S)
        finally:
            for task in (exited, stopping, watching, *reading):
                task.cancel()
            await asyncio.gather(exited, stopping, watching, *reading, return_exceptions=True)

    def _count(self, part_bytes: int) -> None:
        self._printed += part_bytes
        if self._printed > self._limits.printed_bytes:
            self._stop("output")

    def _stop(self, why: Stop) -> None:
        self._stopped = self._stopped or why
        self._stopping.set()

    async def _watch(self, process: Process) -> None:
        """Look until a limit is passed or the first process is gone; others may still hold its pipes then."""
        while not self._stopping.is_set():
            await asyncio.sleep(_LOOK_EVERY_S)
            why = self._look(process.pid)
            if why:
                self._stop(why)
            elif process.returncode is not None:
                self._stopping.set()

    def _look(self, pid: int) -> Stop:
        """Look once; return the limit that is passed, if any."""
        limits = self._limits
        alive = watch.tree(pid, limits.processes + _OURS + 1)
        self._seen.update((one.pid, one) for one in alive)
        self._looks += 1
        if sum(one.threads for one in alive) > limits.processes + len(alive[:_OURS]):
            return "processes"
        self._cpu_s = max(self._cpu_s, sum(one.cpu_s for one in alive))
        if self._cpu_s > limits.cpu_s:
            return "cpu"
        used = sum(one.resident_bytes for one in alive)
        if used > limits.memory_bytes:
            used = watch.memory_of(alive)
        self._peak_bytes = max(self._peak_bytes, used)
        if used > limits.memory_bytes:
            return "memory"
        return self._disk(alive) or (self._group.stopped() if self._group else "")

    def _disk(self, alive: Sequence[watch.Process]) -> Stop:
        if not self._walled:
            full = self._looks % _LOOKS_A_DISK == 0 and watch.folder_bytes(self._place) > self._limits.disk_bytes
            return "disk" if full else ""
        with contextlib.suppress(OSError, IndexError):
            return "" if os.statvfs(f"/proc/{alive[-1].pid}/root/tmp").f_bavail else "disk"
        return ""

    async def _end(self, process: Process) -> None:
        """End all of it.

        Behind walls the first process inside takes all others with it, however many, and its starter waits for that;
        so nobody is looked for, which a fork bomb would outrun. One that was just being made when its starter was
        killed does not know yet that it has to go: it is found by their group.

        Raises:
            SandboxFailed: something is still there after seconds.
        """
        began_s = time.monotonic()
        while True:
            late_s = time.monotonic() - began_s
            left = [] if self._walled else self._left(process)
            if process.returncode is None and self._walled:
                _kill(watch.children(process.pid) or [process.pid])
            elif process.returncode is None:
                _ask_keeper(process.pid, hard=late_s > _SOON_S / 4)
            elif not left and not (self._walled and _kill_group(process.pid) and late_s < _SOON_S / 4):
                return
            if late_s > _SOON_S:
                raise SandboxFailed("end a run", f"processes {left or [process.pid]} are still there")
            await asyncio.wait((asyncio.ensure_future(process.wait()),), timeout=0.02)
            await asyncio.sleep(0.002 if left or process.returncode is not None else 0)

    def _left(self, process: Process) -> list[int]:
        """Kill who is still there after the keeper: those seen, those in the group, those with the folder's name."""
        if process.returncode is None:
            self._seen.update((one.pid, one) for one in watch.tree(process.pid, self._limits.processes + _OURS + 1))
            return []
        marked = watch.marked(str(self._place))
        left = [one for one in (*self._seen.values(), *marked) if _there(one) and one.pid != process.pid]
        watch.kill_all(left)
        return [*(one.pid for one in left), *(self._group.kill() if self._group is not None else [])]

    def _told(self, process: Process, report: str, started_s: float) -> Ran:
        """Say what became of it, by what was seen and what its first process reported."""
        lines = report.splitlines()
        if not lines and not self._stopped:
            raise SandboxFailed("start", self._err.text().strip()[-300:] or f"exit code {process.returncode}")
        code = process.returncode or 0
        code = _KILLED if self._stopped else 128 - code if code < 0 else code
        used = _TIME.fullmatch(lines[-1]) if len(lines) > 2 else None
        cpu_s = 0.0 if used is None else sum(60 * int(used[i]) + float(used[i + 1]) for i in (1, 3))
        peak_bytes = max(self._peak_bytes, self._group.peak_bytes() if self._group else 0)
        full = len(lines) > 1 and lines[1] == "0"
        return Ran(
            exit_code=code,
            stopped=self._stopped or (self._by_kernel(code, full=full) if code else ""),
            out=self._out.text(),
            err=self._err.text(),
            wall_ms=round(1_000 * (time.monotonic() - started_s)),
            cpu_ms=round(1_000 * max(self._cpu_s, cpu_s)),
            peak_bytes=peak_bytes,
            limits=self._limits,
        )

    def _by_kernel(self, code: int, *, full: bool) -> Stop:
        if full or code == _SIGXFSZ:
            return "disk"
        return "cpu" if code == _SIGXCPU else self._group.stopped() if self._group else ""


_OURS = 2
"""Of the processes that are seen, those of the sandbox itself: who started the walls, and the first one inside."""


def _there(one: watch.Process) -> bool:
    now = watch.process(one.pid)
    return now is not None and now.started == one.started


def _ask_keeper(pid: int, *, hard: bool) -> None:
    """Ask the keeper to end all, or kill it.

    Not by `Process.send_signal`: that also looks whether the process has ended, and so takes its exit code from under
    the event loop, which then knows none.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL if hard else signal.SIGTERM)


def _kill_group(pid: int) -> bool:
    """Kill who is left of a group; return whether anybody was, which may be a dead one that nobody has asked about."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
