"""Does functional consensus choose better programs than a vote? HumanEval, a small model, everything run in the sandbox.

    python benchmarks/humaneval.py record                   # ask the model; goes on where it was ended
    python benchmarks/humaneval.py                           # evaluate what was recorded
    python benchmarks/humaneval.py record --problems 2       # fewer problems, the first of the thirty

The problems (open half of HumanEval, Chen et al. 2021, arXiv:2107.03374) are not part of this repository: their folder
is named by WAGGLEDANCE_DATA, or lies beside the checkout. The bank holds ids, hashes and the model's words.
All arms choose among the same samples and run what they choose on the same hidden tests, so that all spend the same
tokens; inputs are drawn by type and cost none. Intervals are 95 %, from 4,000 bootstrap samples of problems.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from random import Random
from statistics import mean

from blake3 import blake3

from waggledance.core import Question, RunFailed
from waggledance.lab import Bank, RecordPlan, record
from waggledance.lab._bank import Answer, digest_of
from waggledance.lab._record import Progress
from waggledance.models import model
from waggledance.tasks import Candidate, Limits, Sandbox, behaviours, functional_consensus, inputs, within_domain
from waggledance.tasks._behaviour import expected_outputs
from waggledance.tasks._signature import Signature, signature

DATA = Path(os.environ.get("WAGGLEDANCE_DATA") or Path(__file__).parents[2] / "shared" / "data")
BANK = Path(__file__).parent / "banks" / "humaneval.jsonl"
MODEL = "embedded:qwen2.5-coder-1.5b"
PLAN = RecordPlan(samples=6, temperature=0.8, max_tokens=400, seed=0, block=2)
PROBLEMS, INPUTS, EACH_S, BOOTSTRAPS = 30, 20, 1.0, 4_000
ARMS = ("one sample", "majority", "consensus", "majority, examples first", "consensus, examples first", "some sample")


@dataclass(frozen=True)
class Problem:
    """One of HumanEval's."""

    id: str
    prompt: str
    entry: str
    test: str

    @property
    def question(self) -> Question:
        return Question(text=f"Write this Python function, whole:\n\n{self.prompt.strip()}", expects="code")

    @property
    def head(self) -> Signature:
        return signature(self.prompt, self.entry)

    def program(self, answer: str | None) -> str:
        """The model's answer, behind what stands before the function in the prompt."""
        return f"{self.prompt.split(f'def {self.entry}(')[0]}\n{answer or ''}\n"


def problems(n: int) -> list[Problem]:
    """The first n in the order of a hash, so that none is chosen."""
    with gzip.open(DATA / "humaneval" / "problems.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    rows.sort(key=lambda row: sha256(b"waggle/humaneval/" + row["id"].encode()).digest())
    return [Problem(row["id"], row["prompt"], row["entry_point"], row["test"]) for row in rows[:n]]


async def ask(n: int) -> None:
    def told(progress: Progress) -> None:
        left = "?" if progress.left_s is None else f"{progress.left_s / 60:.0f} min"
        print(f"{progress.done} there, {progress.left} to come, {progress.per_minute:.1f} a minute, {left}", flush=True)

    questions = {problem.id: problem.question for problem in problems(n)}
    outcome = await record({MODEL: lambda: model(MODEL)}, questions, PLAN, BANK, told=told)
    print(f"{outcome.written} lines written, {outcome.failed.total()} failed {dict(outcome.failed)}")


@dataclass(frozen=True)
class Seen:
    """One problem's samples: their programs, what they do, and whether they pass the hidden tests."""

    problem: Problem
    answers: tuple[str | None, ...]
    candidates: tuple[Candidate, ...]
    right: tuple[bool, ...]
    tokens: tuple[int, ...]


async def look(problem: Problem, lines: Sequence[Answer], sandbox: Sandbox) -> Seen:
    """Run a problem's samples on drawn inputs, on the examples, and on the hidden tests."""
    programs = [problem.program(line.answer) for line in lines]
    head = problem.head
    seed = int.from_bytes(blake3("\0".join(sorted(programs)).encode()).digest(4))  # nobody knows it before the programs
    calls = inputs(head.kinds, INPUTS, seed=seed, examples=head.examples)
    ran = await behaviours(programs, problem.entry, [*calls, *(g.args for g in head.given)], sandbox, each_s=EACH_S)
    wanted = await expected_outputs(head.given, sandbox)
    hidden = f"\n{problem.test}\n\ncheck({problem.entry})\n"
    limits = replace(sandbox.limits, wall_s=20.0, cpu_s=10.0)
    tested = await asyncio.gather(
        *(sandbox.python(program + hidden, limits=limits) for program in dict.fromkeys(programs))
    )
    passed = {program: ended.ok for program, ended in zip(dict.fromkeys(programs), tested, strict=True)}
    candidates = [
        Candidate(program, outputs[: len(calls)], wrong=outputs[len(calls) :] != wanted)
        for program, outputs in zip(programs, ran, strict=True)
    ]
    return Seen(
        problem,
        tuple(line.answer for line in lines),
        tuple(within_domain(candidates)),
        tuple(passed[program] for program in programs),
        tuple(line.completion.prompt_tokens + line.completion.completion_tokens for line in lines),
    )


def majority_of(places: Sequence[int], seen: Seen) -> int:
    """The place of a sample of the commonest program, comments and form aside; ties by a hash."""
    counts = Counter(seen.candidates[i].program for i in places)
    tie = {program: blake3(program.encode()).digest() for program in counts}
    return min(places, key=lambda i: (-counts[seen.candidates[i].program], tie[seen.candidates[i].program]))


def chosen(arm: str, places: Sequence[int], seen: Seen) -> float:
    """How often an arm is right when it has these samples."""
    if arm == "one sample":
        return mean(seen.right[i] for i in places)
    if arm == "some sample":
        return float(any(seen.right[i] for i in places))
    if arm.startswith("majority"):
        fit = [i for i in places if not seen.candidates[i].wrong] or list(places)
        return seen.right[majority_of(fit if "examples" in arm else places, seen)]
    with_tests = [seen.candidates[i] for i in places]
    plain = [replace(one, wrong=False) for one in with_tests]
    return seen.right[places[functional_consensus(with_tests if "examples" in arm else plain).best]]


def rates(k: int, every: Sequence[Seen], draws: int = 40) -> dict[str, list[float]]:
    """Each arm's rate a problem with k samples: the mean over draws of which samples these are."""
    found: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for seen in every:
        rng = Random(f"humaneval/{seen.problem.id}/{k}")
        n = len(seen.right)
        subsets = [sorted(rng.sample(range(n), k)) for _ in range(1 if k == n else draws)]
        for arm in ARMS:
            found[arm].append(mean(chosen(arm, places, seen) for places in subsets))
    return found


def interval(values: Sequence[float]) -> str:
    rng, n = Random(0), len(values)
    means = sorted(mean(rng.choices(values, k=n)) for _ in range(BOOTSTRAPS))
    return (
        f"{100 * mean(values):5.1f} ({100 * means[BOOTSTRAPS // 40]:5.1f} to {100 * means[-BOOTSTRAPS // 40 - 1]:5.1f})"
    )


async def evaluate(n: int) -> None:
    path = BANK if BANK.exists() else BANK.with_suffix(".jsonl.gz")
    bank = Bank.at(path)
    [name] = bank.models
    whole, sandbox = bank.whole([name]), Sandbox(Limits(memory_bytes=1 << 30))
    began_s, every = time.monotonic(), list[Seen]()
    for problem in problems(n):
        digest = digest_of(problem.question)
        if digest not in whole:
            continue
        lines = [bank.answer(digest, name, k) for k in range(PLAN.samples)]
        every.append(await look(problem, [line for line in lines if line is not None], sandbox))
    if not every:
        raise RunFailed(f"{path} has no problem with all its samples; record some")
    runs = sum(len(set(seen.candidates)) for seen in every)
    print(f"{name}: {len(every)} problems, {len(every[0].right)} samples each, behind {sandbox.walls}; "
          f"{runs} programs run in {time.monotonic() - began_s:.0f} s")  # fmt: skip
    most = len(every[0].right)
    print("| samples | tokens a problem | " + " | ".join(ARMS) + " |\n|---" + "|---" * (len(ARMS) + 1) + "|")
    for k in sorted({1, 3, 5, most} & set(range(1, most + 1))):
        tokens = mean(mean(seen.tokens) * k for seen in every)
        print(f"| {k} | {tokens:,.0f} | " + " | ".join(interval(rates(k, every)[arm]) for arm in ARMS) + " |")
    full = rates(most, every)
    gains = [a - b for a, b in zip(full["consensus"], full["majority"], strict=True)]
    print(f"consensus less majority, {most} samples: {interval(gains)} points")
    agreed = [(functional_consensus([replace(c, wrong=False) for c in s.candidates]).agreement_ppm, r)
              for s, r in zip(every, full["consensus"], strict=True)]  # fmt: skip
    for label, group in (
        ("at least half", [r for a, r in agreed if a >= 500_000]),
        ("less", [r for a, r in agreed if a < 500_000]),
    ):
        print(f"agreement {label}: {len(group)} problems, {100 * mean(group) if group else 0:.0f} % right")
    crashed = mean(any(o is not None and o.startswith("!") for o in c.outputs) for s in every for c in s.candidates)
    print(f"samples that crash on some input: {100 * crashed:.0f} %; no program: "
          f"{sum(a is None for s in every for a in s.answers)} of {sum(len(s.answers) for s in every)}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("record", "evaluate"), default="evaluate")
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    flags = parser.parse_args()
    asyncio.run(ask(flags.problems) if flags.what == "record" else evaluate(flags.problems))


if __name__ == "__main__":
    main()
