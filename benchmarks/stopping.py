"""What early stopping of a vote saves, and what it costs: calls and accuracy beside all samples and beside as many.

    python benchmarks/stopping.py [--small] [--json] [--data FOLDER] [--bank FILE --questions SET]

One peer gives its recorded or drawn samples in turn, through the real protocol: all of them; until the vote is settled;
until it is likely, by several thresholds; and a fixed number of samples, the mean of what ``likely`` took, which is
what the same money buys without looking. Differences are paired by question, with the half-width of a 95 % interval.

Samples are drawn from world W1's peers (a question's difficulty, one distractor), 40 of a peer whose ability is drawn
from .35 to .75; taken from recordings of many models, in random order, which is a crowd and not one model; and, with
``--bank``, from the samples of one real model.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from pathlib import Path
from random import Random

import numpy as np

from waggledance import Swarm
from waggledance.core import Call, Message, Proposal
from waggledance.lab import Bank, load
from waggledance.protocols import Vote
from waggledance.testing import Opinionated

Question = tuple[str, Sequence[str | None]]
"""The right answer, and the samples."""
SEED = 42
SURE = (0.9, 0.95, 0.99)
SAMPLES = 40
RECORDED = ("gsm8k-many-models", "math5-many-models", "crux-many-models", "mmlu-pro-many-models")


class Sampler(Opinionated):
    """Gives a question's samples in their order, whatever round asks first."""

    def __init__(self) -> None:
        super().__init__("sampler")
        self.samples: Sequence[str | None] = ()

    async def propose(self, call: Call) -> Proposal:
        return Proposal.of(self.samples[call.round])

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        return mine.body


def drawn(questions: int) -> list[Question]:
    """Return questions of one W1 peer, sampled 40 times each."""
    rng, asked = np.random.default_rng(SEED), list[Question]()
    for _ in range(questions):
        ability = rng.uniform(0.35, 0.75)
        chance = 1 / (1 + np.exp(-(np.log(ability / (1 - ability)) + rng.normal(0, 1.2))))
        truth, *errors = rng.permutation(list("ABCD")).tolist()
        shares = [chance, *(np.array([0.6 + 0.4 / 3, 0.4 / 3, 0.4 / 3]) * (1 - chance))]
        asked.append((truth, rng.choice([truth, *errors], size=SAMPLES, p=shares).tolist()))
    return asked


def crowds(name: str, folder: Path, questions: int) -> list[Question]:
    """Return questions of a recording with every model's first answer, in an order drawn for each question."""
    recorded = load(name, folder)
    asked: list[Question] = []
    for task in recorded.tasks(n=min(questions, len(recorded)), seed=SEED):
        answers = [samples[0].key for _, samples in sorted(recorded.answers.get(task.id, {}).items()) if samples]
        if answers and task.key is not None:
            asked.append((task.key, Random(f"{SEED} {task.id}").sample(answers, len(answers))))
    return asked


def of_bank(bank: Path, name: str, folder: Path | None) -> Mapping[str, list[Question]]:
    """Return, by model of a bank, its questions with as many samples as all of them have."""
    keys = {task.source: task.key for task in load(name, folder).tasks()}
    by_model: dict[str, dict[str, dict[int, str | None]]] = {}
    for answer in Bank.at(bank).answers:
        by_model.setdefault(answer.model, {}).setdefault(answer.question, {})[answer.sample] = answer.answer
    asked: dict[str, list[Question]] = {}
    for model, questions in sorted(by_model.items()):
        most = max(map(len, questions.values()))
        asked[model] = [
            (key, [said[i] for i in sorted(said)])
            for id, said in sorted(questions.items())
            if len(said) == most and (key := keys.get(id)) is not None
        ]
    return asked


async def run(questions: Sequence[Question], protocol: Vote) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    """Return for each question whether it was right, the calls it took, and the answer."""
    sampler = Sampler()
    swarm = Swarm([sampler], protocol=protocol)
    right, calls, keys = list[bool](), list[int](), list[str | None]()
    for number, (truth, samples) in enumerate(questions):
        sampler.samples = samples
        decision = await swarm.ask(f"question {number}")
        right.append(decision.key == truth)
        calls.append(decision.cost.calls)
        keys.append(decision.key)
    return np.array(right, dtype=float), np.array(calls, dtype=float), keys


async def table(title: str, questions: Sequence[Question]) -> list[dict[str, float | int | str]]:
    samples = min(len(said) for _, said in questions)
    arms = {"all": Vote(samples=samples), "settled": Vote(samples=samples, stop="settled")}
    arms |= {f"likely {sure:g}": Vote(samples=samples, stop="likely", sure=sure) for sure in SURE}
    whole_right, _, whole_keys = await run(questions, arms["all"])
    rows: list[dict[str, float | int | str]] = []

    async def add(arm: str, protocol: Vote) -> float:
        right, calls, keys = await run(questions, protocol)
        gap = 100 * (right - whole_right)
        width = 1.96 * float(gap.std(ddof=1)) / sqrt(len(gap))
        same = sum(a == b for a, b in zip(keys, whole_keys, strict=True)) / len(keys)
        rows.append({"samples from": title, "questions": len(questions), "samples": samples, "arm": arm,
                     "calls": float(calls.mean()), "right %": 100 * float(right.mean()), "minus all": float(gap.mean()),
                     "±": width, "same answer %": 100 * same})  # fmt: skip
        return float(calls.mean())

    for arm, protocol in arms.items():
        calls = await add(arm, protocol)
        if arm.startswith("likely"):
            await add(f"fixed {ceil(calls)}", Vote(samples=min(samples, ceil(calls))))
    return rows


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tenth of the questions: does it run at all?")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--data", type=Path, help="folder of recorded sets")
    parser.add_argument("--bank", type=Path, help="a bank with several samples a question")
    parser.add_argument("--questions", default="gsm8k/test", help="the set that the bank's questions are of")
    args = parser.parse_args()
    n = 200 if args.small else 2_000
    rows = await table("W1, one peer", drawn(n))
    for name in RECORDED if args.data else ():
        rows += await table(name, crowds(name, args.data, n // 4))
    if args.bank:
        for model, questions in of_bank(args.bank, args.questions, args.data).items():
            rows += await table(model, questions)
    if args.json:
        print(json.dumps(rows))
        return
    print(
        f"{'samples from':22} {'n':>5} {'k':>3} {'arm':12} {'calls':>6} {'right %':>8} {'minus all':>15} {'same %':>7}"
    )
    for r in rows:
        print(f"{r['samples from']:22} {r['questions']:5} {r['samples']:3} {r['arm']:12} {r['calls']:6.1f} "
              f"{r['right %']:8.1f} {r['minus all']:+8.2f} ± {r['±']:4.2f} {r['same answer %']:7.1f}")  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
