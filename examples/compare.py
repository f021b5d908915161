"""Two arrangements on the same questions at what each costs, with a score of your own; the report is Markdown."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from waggledance import FunctionPeer, Question
from waggledance.lab import Arm, RunLog, Score, Task, compare
from waggledance.protocols import Debate


def sure(question: str) -> str:
    first, second = question.rstrip("?").split(" + ")
    return str(int(first) + int(second))


def unsure(question: str) -> str:
    return sure(question) if len(question) % 2 else "12"


def score(task: Task, run: RunLog) -> Score:
    """How near: every message of the run is in `run.messages`, and what came out in `run.decision`."""
    off = abs(int(run.decision.key or 0) - int(task.key or 0))
    return Score(value=max(0.0, 1 - off / 10), solved=off == 0, raw=float(off))


tasks = [
    Task(family="sums", question=Question(text=f"{n} + {n % 7}?", expects="number"), key=str(n + n % 7))
    for n in range(30)
]
peers = [FunctionPeer("ada", sure), FunctionPeer("ben", unsure), FunctionPeer("cyd", unsure)]
arms = [Arm("vote", peers), Arm("debate", peers, Debate(rounds=1))]
with TemporaryDirectory() as folder:
    report = asyncio.run(compare(arms, tasks, score=score, folder=Path(folder)))
print(report.markdown())
assert [line.arm for line in report.arms][:2] == ["vote", "debate"]
