"""What a row costs: 5,000 rows through generate, review and decide, ours beside bare asyncio and other frameworks.

    python benchmarks/tasks.py [--small] [--peers PYTHON …] [--only PART …] [--json]

The programs are in `benchmarks/peers`, one a framework, each in a process of its own, with one fake model. Frameworks are
looked for in this interpreter and in those of ``--peers`` (see `requirements-tasks.txt`); absent ones are named as
absent. CPU seconds are those of a program and of all processes that it started. Medians of interleaved runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

PROGRAMS = Path(__file__).parent / "peers"
PARTS = ("instant", "model", "busy", "large", "resume", "ray", "matrix")


@dataclass(frozen=True, eq=False)
class Arm:
    """A program, and what it needs."""

    name: str
    program: str
    needs: str = ""
    environment: dict[str, str] = field(default_factory=dict)


BARE = Arm("bare asyncio", "bare_rows.py")
OURS = Arm("ours", "waggledance_rows.py")
JOURNAL = Arm("ours, with journal", "waggledance_rows.py", environment={"ROWS_JOURNAL": ""})
OTHERS = (
    Arm("xoscar", "xoscar_rows.py", "xoscar"),
    Arm("agent-framework, RawAgent", "agent_framework_rows.py", "agent_framework", {"ROWS_AGENT": "RawAgent"}),
    Arm("agent-framework, Agent", "agent_framework_rows.py", "agent_framework", {"ROWS_AGENT": "Agent"}),
    Arm("autogen-core", "autogen_core_rows.py", "autogen_core"),
)
ON_RAY = Arm("ours on Ray", "waggledance_on_ray_rows.py", "ray")
RAY = (Arm("Ray actors", "ray_actors_rows.py", "ray"), Arm("Matrix", "matrix_rows.py", "matrix.agents"))


def python_with(module: str, pythons: list[str]) -> str | None:
    """Return the first interpreter that has a module."""
    for python in pythons:
        if (
            not module
            or subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True).returncode == 0
        ):
            return python
    return None


def run(arm: Arm, python: str, rows: int, in_flight: int, delay_s: float) -> dict[str, Any]:
    """Run a program once."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = {**os.environ, **arm.environment}
        if "ROWS_JOURNAL" in environment:
            environment["ROWS_JOURNAL"] = str(Path(folder, "journal"))
        command = [python, str(PROGRAMS / arm.program), str(rows), str(in_flight), str(delay_s)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=1_200)
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"version"')]
    if not lines:  # some end badly after they have said everything
        raise SystemExit(f"{arm.name} failed with {done.returncode}:\n{done.stderr[-3_000:]}")
    seen: dict[str, Any] = json.loads(lines[-1])
    return {**seen, "rows": rows}


def compare(
    title: str, arms: tuple[Arm, ...], pythons: list[str], rows: int, in_flight: int, delay_s: float, repeats: int
) -> dict[str, Any]:
    """Run programs in turn, and print medians."""
    here = {arm: python_with(arm.needs, pythons) for arm in arms}
    runs: dict[Arm, list[dict[str, Any]]] = {arm: [] for arm, python in here.items() if python}
    for _ in range(repeats):
        for arm in runs:
            runs[arm].append(run(arm, here[arm] or "", rows, in_flight, delay_s))
    print(f"\n{title}: {rows:,} rows, {in_flight:,} in flight, model {delay_s * 1e3:g} ms, {repeats} runs each\n")
    print(f"{'':28} {'µs CPU a row':>12} {'lowest':>8} {'rows/s':>9} {'best':>9} {'MB':>7} {'half-way':>8}  version")
    table: dict[str, Any] = {}
    for arm in arms:
        if arm not in runs:
            print(f"{arm.name:28} absent: {arm.needs} is not installed")
            continue
        seen = runs[arm]
        cpu = [run["cpu_s"] / rows * 1e6 for run in seen]
        rate = [rows / run["wall_s"] for run in seen]
        table[arm.name] = {
            "us": median(cpu),
            "us_lowest": min(cpu),
            "rows_s": median(rate),
            "rows_s_best": max(rate),
            "mb": median(run["peak_mb"] for run in seen),
            "half_way_mb": median(run["half_way_mb"] for run in seen),
            "version": seen[0]["version"],
        }
        print(line(arm.name, table[arm.name]), flush=True)
    return table


def line(name: str, row: dict[str, Any]) -> str:
    """One line of a table."""
    return (
        f"{name:28} {row['us']:12,.1f} {row['us_lowest']:8,.1f} {row['rows_s']:9,.0f} "
        f"{row['rows_s_best']:9,.0f} {row['mb']:7.0f} {row['half_way_mb']:8.0f}  {row['version']}"
    )


def resume(rows: int) -> dict[str, Any]:
    """Kill a journalled batch in its middle, start it again, and say how soon it goes on and what it does twice."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            str(PROGRAMS / "waggledance_resume_rows.py"),
            str(Path(folder, "journal")),
            str(rows),
        ]
        first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        size = Path(folder, "journal")
        whole = rows * 700  # bytes, about
        while not size.exists() or size.stat().st_size < whole // 2:
            time.sleep(0.02)
            if first.poll() is not None:
                raise SystemExit("the batch ended before it could be killed")
        first.kill()
        first.wait()
        began = time.time()
        again = subprocess.run(command, capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in again.stdout.splitlines()]
    seen = {"goes_on_after_s": told[0]["first_call_at"] - began, "cpu_s": told[0]["cpu_s"], **told[1], "rows": rows}
    print(
        f"\nresume after SIGKILL, {rows:,} rows, {told[1]['reused']:,} of them ended before: first call after "
        f"{seen['goes_on_after_s']:.2f} s from the start of the process, of which it computed {seen['cpu_s']:.2f} s"
    )
    return seen


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tenth of the rows, one run each")
    parser.add_argument("--peers", action="append", default=[], metavar="PYTHON", help="an interpreter with frameworks")
    parser.add_argument("--only", action="append", choices=PARTS, help="parts to run; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    asked = parser.parse_args()
    parts, pythons = asked.only or PARTS, [sys.executable, *asked.peers]
    scale, repeats = (10, 1) if asked.small else (1, 5)
    rows, found = 5_000 // scale, dict[str, Any]()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    one_process = (BARE, OURS, JOURNAL, *OTHERS)
    if "instant" in parts:
        found["instant"] = compare("What a row costs", one_process, pythons, rows, 1_000, 0.0, repeats)
    if "model" in parts:
        found["model"] = compare("Rows a second", one_process, pythons, rows, 5_000, 0.05, repeats)
    if "busy" in parts:
        found["busy"] = compare(
            "Keeping 1,000 places busy", (BARE, OURS, JOURNAL), pythons, 10_000 // scale, 1_000, 0.1, repeats
        )
        print(f"ideal: {1_000 / 0.3:,.0f} rows/s")
    if "large" in parts:
        found["large"] = compare("Memory", (OURS, JOURNAL), pythons, 100_000 // scale, 10_000, 0.05, 1)
    if "resume" in parts:
        found["resume"] = resume(100_000 // scale)
    if "ray" in parts:
        found["ray"] = compare(
            "On a local Ray cluster of two nodes", (ON_RAY, RAY[0]), pythons, rows, 1_000, 0.0, min(repeats, 3)
        )
    if "matrix" in parts:
        found["matrix"] = compare("The same with Matrix", (ON_RAY, *RAY), pythons, rows // 5, 1_000, 0.0, 1)
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
