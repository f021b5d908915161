"""What a sandbox enforces on this machine, and what it cannot: said, not hidden."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from waggledance.tasks._sandbox_walls import Walls, against

NOT_HERE = "not here: "
_LOOKS = "looked at 20 times a second, ended when passed"
_OWN_SPACE = "its own space of processes: all end with the first"


def enforced(walls: Walls, groups: Mapping[str, Path]) -> Mapping[str, str]:
    """Return for each limit by what it is enforced, or ``"not here: "`` and why.

    Args:
        walls: behind which walls runs are.
        groups: where a control group can be made, by controller; see `parents_here`.
    """
    group = {
        name: f"control group, version {2 if (at / 'cgroup.controllers').exists() else 1}; "
        for name, at in groups.items()
    }
    table = {
        "wall time": "a timer; everything the run started is killed",
        "memory": f"{group.get('memory', '')}RLIMIT_DATA a process; {_LOOKS} by all together",
        "cpu time": f"RLIMIT_CPU a process; {_LOOKS} by all together",
        "processes": f"{group.get('pids', '')}{'' if os.getuid() == 0 else 'RLIMIT_NPROC; '}{_LOOKS}",
        "open files": "RLIMIT_NOFILE a process",
        "printed": "counted as it is read; beginning and end are kept",
        "environment": "made anew: no keys, HOME in the temporary folder",
    }
    return table | (_without_walls(groups) if walls == "none" else _behind(walls))


def _behind(walls: Walls) -> dict[str, str]:
    return {
        "walls": walls,
        "disk": "a file system in memory of that size; nothing else can be written",
        "network": "its own network without any interface but a dead loopback",
        "files": "only the system's programs, Python and what was allowed are there, read-only",
        "other processes": "neither seen nor reached",
        "leftovers": _OWN_SPACE,
        "system calls": NOT_HERE + "none is filtered, a hole in the kernel is a hole in the sandbox",
    }


def _without_walls(groups: Mapping[str, Path]) -> dict[str, str]:
    why = NOT_HERE + "; ".join(
        f"{walls}: {against(walls) or 'not asked for'}" for walls in ("bubblewrap", "namespaces")
    )
    grouped = " and whoever is in its control group" if groups else ""
    hides = "" if groups else "; code that kills the keeper and clears its environment can escape"
    return {
        "walls": why,
        "disk": "RLIMIT_FSIZE a file; its folder is measured 5 times a second. Elsewhere: " + why,
        "network": why,
        "files": why,
        "other processes": why,
        "leftovers": f"a keeper adopts and kills all that it started{grouped}{hides}",
        "system calls": NOT_HERE + "none is filtered",
    }
