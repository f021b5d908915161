"""What a sandboxed run, a work tree, a merge and its gate cost; and what functional consensus gains.

    python benchmarks/checks.py                  # all
    python benchmarks/checks.py sandbox git consensus

A bare Python process, ``git merge`` in a work tree and one sample are the references, in the same run.
"""

from __future__ import annotations

import asyncio
import importlib.util
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random
from statistics import median, quantiles

from waggledance.core import MessageId
from waggledance.tasks import Delivered, Finding, GitMerging, Limits, Merged, Sandbox, TaskId, integrate, workspace
from waggledance.tasks._sandbox_walls import WALLS, against

REPEATS, FILES, BRANCHES = 20, 200, 16


async def timed(what: str, work: Callable[[], Awaitable[object]], repeats: int = REPEATS) -> float:
    """Print how long something takes, in ms: median, the middle half, and the CPU time of it all."""
    each, cpu_s = list[float](), _cpu_s()
    for _ in range(repeats):
        began_s = time.perf_counter()
        await work()
        each.append(1_000 * (time.perf_counter() - began_s))
    low, _, high = quantiles(each, n=4)
    cpu_ms = 1_000 * (_cpu_s() - cpu_s) / repeats
    print(f"| {what} | {median(each):.1f} | {low:.1f} to {high:.1f} | {cpu_ms:.1f} |", flush=True)
    return median(each)


def _cpu_s() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


async def sandbox() -> None:
    print("\n| start and end of a Python program | ms, median | middle half | ms of CPU |\n|---|---|---|---|")
    words = [sys.executable, "-I", "-S", "-c", ""]

    async def bare() -> None:
        await (await asyncio.create_subprocess_exec(*words)).wait()

    await timed("bare process", bare)
    for walls in WALLS:
        if against(walls):
            print(f"| {walls} | not here: {against(walls)} | | |")
            continue
        box = Sandbox(walls=walls, at_once=2)
        await timed(walls, partial(box.run, words))
    box = Sandbox(at_once=4)
    began_s = time.perf_counter()
    await asyncio.gather(*(box.run(words) for _ in range(100)))
    print(f"\n100 runs behind {box.walls}, 4 at once: {100 / (time.perf_counter() - began_s):.0f} a second")
    code = "import sys\nfor _ in range(1000): sys.stdout.write('x' * 1_000_000)"
    began_s = time.perf_counter()
    ran = await Sandbox(Limits(printed_bytes=1 << 40, cpu_s=60)).run([sys.executable, "-c", code])
    print(f"1 GB printed and read to its end: {time.perf_counter() - began_s:.1f} s, {len(ran.out):,} characters kept")


async def git() -> None:
    print("\n| git, 200 files | ms, median | middle half | ms of CPU |\n|---|---|---|---|")
    place = Path(tempfile.mkdtemp(prefix="waggle-bench-"))
    try:
        at, base, files = _repository(place / "home")
        rng, drawn = Random(0), Random(0).sample(sorted(files), 3 * BRANCHES)
        commits: list[str] = []

        async def one_more() -> None:
            who = len(commits)
            async with workspace(at, base, f"p{who}") as mine:
                for name in drawn[3 * (who % BRANCHES) :][:3]:
                    text = files[name].replace(f"line {rng.randrange(40)}\n", f"by {who}\n", 1)
                    (mine.path / name).write_text(text)
                commits.append(await mine.commit("work"))

        async def a_tree() -> None:
            async with workspace(at, base, "x"):
                pass

        await timed("a work tree, made and removed", a_tree)
        await timed("a work tree, three files changed, committed", one_more, BRANCHES)
        merging = GitMerging(at)
        await timed("a merge as we make it (merge-tree, commit-tree)", lambda: merging.merge(base, commits[0]))
        await _merged_by_command(at, base, commits)

        async def looks(_tree: str) -> Finding:
            return Finding(True)

        deliveries = [Delivered(TaskId(bytes(32)), c, 0, i, MessageId(bytes([i]) * 32)) for i, c in enumerate(commits)]
        began_s, cpu_s = time.perf_counter(), _cpu_s()
        ended = await integrate(base, deliveries, merging, looks)
        each, cpu_ms = [1_000 * span / BRANCHES for span in (time.perf_counter() - began_s, _cpu_s() - cpu_s)]
        print(f"| the gate, its check aside, a delivery | {each:.1f} | | {cpu_ms:.1f} |")
        export = place / "out"
        export.mkdir()
        made = await merging.merge(ended.head, commits[0])
        assert isinstance(made, Merged)
        await timed("a merged tree's files, written for a check", lambda: merging.export(made.tree, export))
        print(
            f"\n{BRANCHES} branches, three files each: {len(ended.merged)} clean merges, {len(ended.bounced)} bounced"
        )
    finally:
        shutil.rmtree(place)


async def _merged_by_command(at: Path, base: str, commits: list[str]) -> None:
    """The reference: git merge in a work tree."""
    async with workspace(at, base, "reference") as mine:

        async def merge() -> None:
            words = ("-c", "user.name=x", "-c", "user.email=x@x.invalid", "merge", "-q", "--no-ff", "-m", "m")
            subprocess.run(["git", "reset", "-q", "--hard", base], cwd=mine.path, check=True)
            subprocess.run(["git", *words, commits[0]], cwd=mine.path, check=True)

        await timed("`git merge` in a work tree, with its reset", merge)


def _repository(at: Path) -> tuple[Path, str, dict[str, str]]:
    at.mkdir()
    files = {f"f{i:03}.txt": "\n".join(f"line {j}" for j in range(40)) for i in range(FILES)}
    for name, text in files.items():
        (at / name).write_text(text)
    words = ("-c", "user.name=x", "-c", "user.email=x@x.invalid")
    for command in (("init", "-q"), ("add", "-A"), (*words, "commit", "-q", "-m", "start")):
        subprocess.run(["git", *command], cwd=at, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=at, check=True, capture_output=True, text=True).stdout
    return at, head.strip(), files


async def consensus() -> None:
    """The world of tests/tasks/test_functional_consensus.py, with more draws."""
    path = Path(__file__).parents[1] / "tests" / "tasks" / "test_functional_consensus.py"
    spec = importlib.util.spec_from_file_location("functional_consensus_world", path)
    assert spec is not None
    assert spec.loader is not None
    world = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(world)
    print("\n| p | one sample | own tests | exact vote | functional consensus |\n|---|---|---|---|---|")
    for p, card in world.CARD.items():
        found = world.rates(p, 4_000, 0)
        print(
            f"| {p} | "
            + " | ".join(f"{seen:.2f} (card {said:.2f})" for seen, said in zip(found, card, strict=True))
            + " |"
        )
    one, tests, _, best = (rate**4 for rate in world.rates(0.45, 4_000, 0))
    print(
        f"\na program of four functions at p = .45: {one:.2f} one sample, {tests:.2f} own tests, {best:.2f} consensus"
    )


if __name__ == "__main__":
    SECTIONS = {"sandbox": sandbox, "git": git, "consensus": consensus}
    for name in sys.argv[1:] or SECTIONS:
        asyncio.run(SECTIONS[name]())
