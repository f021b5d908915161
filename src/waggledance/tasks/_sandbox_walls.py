"""The walls round a run: how its command is started, by what this machine has.

Bubblewrap, or else the same by hand with util-linux' unshare, gives the run its own users, processes, network and
file system: it sees the system's programs and Python, read-only, a fresh ``/tmp`` of a fixed size, and nothing else.
It is the first process of its own space of pids, so nothing outlives it and nothing in it can kill it. Without
namespaces there is a keeper, which limits and ends what it started and hides nothing.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from waggledance.core import UsageError
from waggledance.tasks._sandbox_limits import Limits

Walls = Literal["bubblewrap", "namespaces", "none"]
WALLS: tuple[Walls, ...] = ("bubblewrap", "namespaces", "none")
"""The best first."""

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
_KEEPER = Path(__file__).with_name("_sandbox_keeper.py")
_PROBE_S = 20.0
_OF_OURS = 4

_INSIDE = """exec 9<&0 </dev/null
mkdir /tmp/work /tmp/home && cp -R /in/. /tmp/work && cd /tmp/work || exit 125
echo ready >&9
ulimit -p $0 2>/dev/null || ulimit -u $0 2>/dev/null
"$@" 9<&-
code=$?
{ stat -f -c %a /tmp || echo room; times; } >&9
exit $code"""
"""The first process inside; ``$0`` is how many there may be.

Stdin is the pipe on which it reports: started, room left on the disk, time used.
"""

_BY_HAND = """set -e
root=$1 size=$2; shift 2
mount -t tmpfs -o size=$size,mode=755 tmpfs "$root"
while [ "$1" != -- ]; do
  if [ -L "$1" ]; then ln -s "$(readlink "$1")" "$root$1"
  elif [ -d "$1" ]; then mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"
  else mkdir -p "$root${1%/*}"; : > "$root$1"; mount --bind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"; fi
  shift
done
shift
mkdir -p "$root/proc" "$root/dev/shm" "$root/tmp" "$root/in"
mount --bind "$root.in" "$root/in"; mount -o remount,bind,ro "$root/in"
mount -t proc proc "$root/proc"
for name in null zero full random urandom; do : > "$root/dev/$name"; mount --bind /dev/$name "$root/dev/$name"; done
exec chroot "$root" setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""
"""What bubblewrap does, with mount, chroot and setpriv; the capabilities that could undo it are dropped at the end."""


def command_for(
    walls: Walls, command: Sequence[str], place: Path, limits: Limits, readable: Iterable[Path]
) -> list[str]:
    """Return what to start, so that a command runs behind walls.

    Args:
        walls: which ones.
        command: the program and its arguments.
        place: a fresh folder, in which ``root.in`` holds the files that the run finds in its working folder.
        limits: the size of its disk, and without namespaces how many processes it may have.
        readable: what it may read beside the system and Python.
    """
    if walls == "none":
        return [sys.executable, "-I", "-S", str(_KEEPER), str(limits.processes), *command]
    inside, seen = ["/bin/sh", "-c", _INSIDE, _most(limits.processes), *command], _seen(readable)
    if walls == "bubblewrap":
        return ["bwrap", *_bubblewrap(seen, place, limits.disk_bytes), *inside]
    own = ("--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts", "--mount")
    by_hand = ["/bin/sh", "-c", _BY_HAND, "sh", str(place / "root"), str(limits.disk_bytes), *map(str, seen), "--"]
    return ["setpriv", "--pdeathsig", "KILL", "unshare", *own, *by_hand, *inside]


def limited(command: Sequence[str], limits: Limits, groups: Iterable[Path]) -> list[str]:
    """Return a command that enters its groups and takes its limits before it starts, without ``preexec_fn``."""
    cpu_s = max(1, math.ceil(limits.cpu_s))
    lines = [f"echo $$ > {shlex.quote(str(group / 'cgroup.procs'))}" for group in groups]
    lines += [
        "ulimit -c 0",
        f"ulimit -d {_at_most('DATA', limits.memory_bytes, 1024)}",
        f"ulimit -n {_at_most('NOFILE', limits.open_files, 1)}",
        f"ulimit -f {_at_most('FSIZE', limits.disk_bytes, 512)}",
        f"ulimit -t {_at_most('CPU', cpu_s + 1, 1)}",
        f"ulimit -S -t {_at_most('CPU', cpu_s, 1)}",
    ]
    return ["/bin/sh", "-c", " && ".join([*lines, 'exec "$@"']), "sh", *command]


@cache
def against(walls: Walls) -> str:
    """Return why walls cannot be had here; nothing when they can. Tried once a process, by starting a program."""
    if sys.platform != "linux":
        return f"{sys.platform} has none of this; run it on Linux"
    if walls == "none":
        return ""
    needed = ("bwrap",) if walls == "bubblewrap" else ("unshare", "setpriv", "mount", "chroot")
    missing = [program for program in needed if shutil.which(program) is None]
    if missing:
        package = "install the package bubblewrap" if walls == "bubblewrap" else "they come with util-linux"
        return f"{', '.join(missing)} not found: {package}"
    with tempfile.TemporaryDirectory(prefix="waggle-sandbox-") as folder:
        place = Path(folder)
        (place / "root").mkdir()
        (place / "root.in").mkdir()
        trial = command_for(walls, [sys.executable, "-I", "-S", "-c", ""], place, Limits(), ())
        try:
            ended = subprocess.run(trial, input=b"", capture_output=True, timeout=_PROBE_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as why:
            return f"does not start: {why}"
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    return "" if ended.returncode == 0 else f"does not work here: {said[-1] if said else ended.returncode}"


def best() -> Walls:
    """Return the best walls that can be had here.

    Raises:
        UsageError: this is not Linux.
    """
    for walls in WALLS:
        if not against(walls):
            return walls
    raise UsageError(f"there is no sandbox here: {against('none')}")


def _bubblewrap(seen: Iterable[Path], place: Path, disk_bytes: int) -> list[str]:
    words = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--as-pid-1"]
    words += ["--cap-drop", "ALL", "--hostname", "sandbox", "--proc", "/proc", "--dev", "/dev"]
    for at in ("/tmp", "/dev/shm"):  # noqa: S108 — inside, where both are fresh
        words += ["--size", str(disk_bytes), "--tmpfs", at]
    for path in seen:
        link = path.is_symlink()
        words += ["--symlink", str(path.readlink()), str(path)] if link else ["--ro-bind", str(path), str(path)]
    return [*words, "--ro-bind", str(place / "root.in"), "/in", "--remount-ro", "/", "--remount-ro", "/dev", "--"]


def _seen(readable: Iterable[Path]) -> list[Path]:
    """Return what can be read inside, none of it within another; symbolic links at the top stay links."""
    python = {Path(sys.prefix), Path(sys.base_prefix)}
    extra = sorted({path.resolve() for path in (*python, *readable)})
    system = [Path(name) for name in _SYSTEM if Path(name).exists()]
    found: list[Path] = []
    for path in [*system, *extra]:
        if not any(path.is_relative_to(other) for other in found):
            found.append(path)
    return found


def _most(processes: int) -> str:
    """Return the limit on processes for the shell; before Linux 5.14 it counted all that the user has anywhere."""
    version = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    return str(processes + _OF_OURS) if version >= (5, 14) else "unlimited"


def _at_most(name: str, value: int, unit: int) -> int:
    """Return a limit in the shell's unit; what is already limited harder here stays so."""
    import resource  # not on every system

    _, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    return (value if hard == resource.RLIM_INFINITY else min(value, hard)) // unit
