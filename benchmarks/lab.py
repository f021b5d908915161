"""What a comparison costs: ten arms on 500 recorded questions, beside a loop that only tallies the same votes.

    python benchmarks/lab.py [--small] [--json]

The recording is planted: 12 models, one answer each to 500 questions with ten answers. Times are wall and CPU seconds of
this process. `loop` does by hand what the arms' decisions come to (a Counter a question and arm); `swarms` asks the same
swarms one after the other without the lab, so without logs, references, resampling and reports.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from waggledance import Swarm
from waggledance.consensus import confidence_bins, confidence_vote
from waggledance.core import Question
from waggledance.lab import Arm, Comparison, QuestionSet, RecordedCrowd, Said, Task
from waggledance.lab._estimators import em
from waggledance.lab._keep import keep

MODELS = 12


def planted(questions: int) -> QuestionSet:
    """Twelve models right between 35 % and 75 % of the time; errors fall on the other nine answers alike."""
    rng = Random(0)
    tasks: list[Task] = []
    answers: dict[str, dict[str, tuple[Said]]] = {}
    for i in range(questions):
        key = rng.randrange(10)
        task = Task(family="planted", question=Question(text=f"question {i}?", expects="number"), key=str(key))
        tasks.append(task)
        answers[task.id] = {
            f"m{m}": (
                Said(
                    str(key if rng.random() < 0.35 + 0.4 * m / MODELS else (key + rng.randrange(1, 10)) % 10),
                    confidence_ppm=rng.randrange(300_000, 1_000_000),
                    chars=rng.randrange(100, 900),
                ),
            )
            for m in range(MODELS)
        }
    return QuestionSet("planted", "0", tasks, answers)


def arms(recorded: QuestionSet) -> list[Arm]:
    """Ten arms: five conversations of twelve or seven peers, decided in ten ways."""
    everybody, seven = RecordedCrowd(recorded.answers), RecordedCrowd(recorded.answers, size=7)
    return [
        Arm("vote", everybody),
        Arm("confidence", everybody, rule=confidence_vote),
        Arm("bins", everybody, rule=confidence_bins),
        Arm("em", everybody, weigh=em),
        Arm("seven", seven),
        Arm("seven, confidence", seven, rule=confidence_vote),
        Arm("seven, em", seven, weigh=em),
        Arm("debate", seven, "debate(rounds=1)"),
        Arm("debate of two rounds", seven, "debate(rounds=2)"),
        Arm("round table", seven, "round-table(rounds=2)"),
    ]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="50 questions")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    recorded = planted(50 if asked.small else 500)
    tasks = recorded.tasks()

    def loop() -> None:
        for _ in range(10):
            for task in tasks:
                by = recorded.answers[task.id]
                Counter(said[0].key for said in by.values()).most_common(1)

    async def ask() -> None:
        for arm in arms(recorded):
            for task in tasks:
                await Swarm(arm.crowd.seat(task, 0), protocol=arm.runs).ask(task.question)

    def compared() -> None:
        with tempfile.TemporaryDirectory() as folder:
            comparison = Comparison(arms(recorded), tasks, recorded.score, Path(folder))
            asyncio.run(comparison.run())
            keep(comparison.report(), Path(folder))

    results = {"loop": timed(loop), "swarms": timed(lambda: asyncio.run(ask())), "lab": timed(compared)}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if asked.json:
        print(json.dumps({"machine": machine, "questions": len(tasks), **results}))
        return
    print(f"{machine}; 10 arms on {len(tasks)} recorded questions; load {os.getloadavg()[0]:.1f}")
    print(f"{'':8}{'wall s':>10}{'cpu s':>10}{'cpu ÷ swarms':>16}")
    for name, (wall, cpu) in results.items():
        print(f"{name:8}{wall:10.2f}{cpu:10.2f}{cpu / results['swarms'][1]:16.2f}")


if __name__ == "__main__":
    main()
