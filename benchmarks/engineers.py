"""How much sooner several engineers write a library than one: the code planner with real git, in virtual time.

    python benchmarks/engineers.py
    python benchmarks/engineers.py --quick

A library of 12 files: one task writes heads for all, then each file is a task, and the last says what the head is. What a
peer writes is scripted, and so is how long it takes (lognormal, mean 5 minutes, σ .5; the same tasks take the same time
whoever does them). Work trees, commits, bundles and merges are git's own, in no virtual time. There is no test command
here: what it takes is part of the times. Goal: the whole in at most .45 of one engineer's time, and equal heads for
every order of delivery. Source: JiayiGeng et al. 2026, "CAID", arXiv:2603.21489, and the project's card on it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from math import log
from pathlib import Path
from random import Random
from typing import Any

from waggledance import FunctionPeer, Swarm
from waggledance.core import Message
from waggledance.network import Constant, Simulated, VirtualLoop
from waggledance.tasks import Claiming, CodeWork, Link, Plan, Task, code_plan

FILES = 12
MEAN_S, SIGMA, STUBS_S = 300.0, 0.5, 60.0


class _Loop(VirtualLoop):
    """A virtual loop on which what would run in a thread runs at once, and takes no time."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as why:
            done.set_exception(why)
        return done


class GitInNoTime(Simulated):
    """A simulated network whose peers may call git."""

    def new_event_loop(self) -> VirtualLoop:
        return _Loop(self.limit_s)


def git(*words: str, at: Path) -> str:
    return subprocess.run(["git", *words], cwd=at, check=True, capture_output=True, text=True).stdout.strip()


def begun(at: Path) -> str:
    at.mkdir()
    git("init", "-q", at=at)
    (at / "README").write_text("A library.\n")
    git("add", "-A", at=at)
    git("-c", "user.name=x", "-c", "user.email=x@x.invalid", "commit", "-q", "-m", "start", at=at)
    return git("rev-parse", "HEAD", at=at)


def makespan(at: Path, engineers: int, seed: int, *, linked: bool) -> tuple[float, bool]:
    """Return how long a library took in virtual seconds, and whether all orders of delivery give one head."""
    rng = Random(seed)
    files = [Task(goal=f"Write m{n}.py, seed {seed}") for n in range(FILES)]
    seconds = {task.goal: rng.lognormvariate(log(MEAN_S) - SIGMA**2 / 2, SIGMA) for task in files}
    stubs = Task(goal="Write the heads")
    seconds[stubs.goal] = STUBS_S
    links = [Link(files[n // 2].id, files[n].id) for n in range(3, FILES)] if linked else []

    async def writes(asked: str) -> str:
        goal = asked.partition("\n")[0]
        await asyncio.sleep(seconds[goal])
        if goal == stubs.goal:
            return "\n".join(f"=== m{n}.py\ndef f{n}(x): ...\n" for n in range(FILES))
        n = next(n for n, task in enumerate(files) if task.goal == goal)
        return f"=== m{n}.py\ndef f{n}(x):\n    return x + {n}\n"

    work = CodeWork(at, begun(at))
    ops = [*code_plan(files, stubs=stubs), *links]
    said: list[Message[Any]] = []
    network = GitInNoTime(seed=seed, delay=Constant(0.5), limit_s=1e6, linger_s=0.0)
    swarm = Swarm([FunctionPeer(f"p{n}", writes) for n in range(engineers)], network=network, seed=seed)
    with asyncio.Runner(loop_factory=network.new_event_loop) as runner:
        result = runner.run(
            swarm.run(ops, execute=work, claiming=Claiming(in_flight=1, lease_s=7_200.0), watch=said.append)
        )
    assert result.complete, str(result)
    heads = {asyncio.run(work.integrated(folded)).head for folded in (result.plan, *map(Plan.fold, shuffles(said)))}
    written = git("ls-tree", "-r", "--name-only", heads.copy().pop(), at=at).split()
    assert len(written) == FILES + 1, written
    return result.seconds, len(heads) == 1


def shuffles(messages: Any) -> list[list[Any]]:
    return [Random(n).sample(list(messages), len(messages)) for n in range(4)]


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("--quick", action="store_true", help="two seeds")
    seeds = 2 if read.parse_args().quick else 4
    print(
        "| files build on each other | engineers | makespan, minutes | ÷ one engineer, ± 95 % | one head in every order |"
    )
    print("|---|---|---|---|---|")
    for linked in (False, True):
        one: list[float] = []
        for engineers in (1, 2, 4, 8):
            with tempfile.TemporaryDirectory() as folder:
                rows = [makespan(Path(folder) / f"at{s}", engineers, s, linked=linked) for s in range(seeds)]
            took = [row[0] for row in rows]
            one = one or took
            shares = [t / o for t, o in zip(took, one, strict=True)]
            half = 1.96 * statistics.stdev(shares) / len(shares) ** 0.5
            print(f"| {'in a tree' if linked else 'no'} | {engineers} | {statistics.mean(took) / 60:.1f} | "
                  f"{statistics.mean(shares):.2f} ± {half:.2f} | {'yes' if all(row[1] for row in rows) else 'NO'} |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
