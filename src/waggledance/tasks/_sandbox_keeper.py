"""Run as a program where there are no namespaces: starts the command, adopts whoever loses its parent, ends them all.

    python -I -S _sandbox_keeper.py PROCESSES COMMAND…

Stdin is the pipe to report on. It imports nothing of ours, so that it starts in milliseconds.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 38, 36  # linux/prctl.h


def _kill_below(pid: int) -> None:
    """Kill children; theirs then become ours. To list all descendants first would never end below a fork bomb."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123 — pathlib takes 5 ms to import
            children = [int(child) for child in file.read().split()]
    except OSError:
        return
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except OSError:
            continue


def end_all() -> None:
    """Kill every descendant until there is none; whoever's parent dies becomes our child, so none is missed."""
    while True:
        _kill_below(os.getpid())
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _asked_to_end(_number: int, _frame: object) -> None:
    end_all()
    os._exit(137)


def _threads(process: str) -> int:
    return sum(1 for _ in os.scandir(f"{process}/task"))


def _limit_processes(more: int) -> None:
    """Allow so many processes and threads beside those that this user has now; the superuser is never limited."""
    if not os.getuid():
        return
    have = 0
    for process in os.scandir("/proc"):
        try:
            have += process.name.isdigit() and process.stat().st_uid == os.getuid() and _threads(process.path)
        except OSError:
            continue
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    limit = have + more if hard == resource.RLIM_INFINITY else min(have + more, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))


def main(processes: int, command: list[str]) -> int:
    """Run the command; return its exit code, 128 + n for signal n."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _asked_to_end)
    _limit_processes(processes)
    report = os.dup(0)
    os.write(report, b"ready\n")
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)  # noqa: S603 — it is what we are for
    except OSError as why:
        print(f"{command[0]}: {why.strerror}", file=sys.stderr)  # noqa: T201
        return 127
    code = child.wait()
    end_all()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    os.write(report, f"room\n0m0s 0m0s\n0m{used.ru_utime:.6f}s 0m{used.ru_stime:.6f}s\n".encode())
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
