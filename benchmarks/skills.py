"""What practised skills save and cost: a stream of tasks from ten patterns, with a book of skills and without.

    python benchmarks/skills.py [--small] [--json]          simulated peers: what the stem-agent card asks for
    python benchmarks/skills.py --model embedded [--tasks N]   one real model at every seat

Simulated: five peers, each right with a given chance, wrong in one of four ways; 200 tasks from ten patterns in random
order, decided by a vote of all. The same draws with and without skills, twenty streams; differences are paired, with a
95 % interval. Then: how a skill goes whose pattern turns against it, what one poisoned success does, what stays in the
book, and whether patterns are told apart. With a model: calls and right answers over one short stream.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import mean
from typing import Any

from blake3 import blake3

from waggledance import Agent, FunctionPeer, Swarm, model
from waggledance.core import AnswerKind, Question
from waggledance.lab import mean_interval
from waggledance.memory import SkillBook, Stage
from waggledance.protocols import Vote
from waggledance.topology import by_meaning, hashed_ngrams

PEERS, TASKS, STREAMS = 5, 200, 20
CHANCES = (0.95, 0.85, 0.7, 0.55)


@dataclass(frozen=True)
class Pattern:
    """A kind of task: its words, its kind of answer, and what is right."""

    words: str
    expects: AnswerKind
    solve: Callable[[int, int], str]

    def task(self, rng: Random) -> tuple[Question, str]:
        a, b = rng.randrange(2, 60), rng.randrange(2, 60)
        return Question(text=self.words.format(a=a, b=b), expects=self.expects), self.solve(a, b)


PATTERNS = (
    Pattern("How much is {a} + {b}?", "number", lambda a, b: str(a + b)),
    Pattern("A box holds {a} eggs. How many eggs are in {b} boxes?", "number", lambda a, b: str(a * b)),
    Pattern("Is {a} larger than {b}?", "yes/no", lambda a, b: "yes" if a > b else "no"),
    Pattern("A train leaves at minute {a} and rides for {b} minutes. At which minute does it arrive?", "number",
            lambda a, b: str(a + b)),
    Pattern("Is the number {a}{b} even?", "yes/no", lambda a, b: "yes" if b % 2 == 0 else "no"),
    Pattern("Ann had {a} coins and gave {b} of a hundred new ones away. How many has she?", "number",
            lambda a, b: str(a + 100 - b)),
    Pattern("Which is the last digit of {a}{b}?", "number", lambda a, b: str(b % 10)),
    Pattern("What is the remainder of {a} divided by 7, with {b} added?", "number", lambda a, b: str(a % 7 + b)),
    Pattern("A garden is {a} metres long and {b} metres wide. How long is the fence around it?", "number",
            lambda a, b: str(2 * (a + b))),
    Pattern("Do {a} cats have more legs than {b} birds?", "yes/no", lambda a, b: "yes" if 4 * a > 2 * b else "no"),
)  # fmt: skip


def stream(tasks: int, seed: int) -> list[tuple[int, Question, str]]:
    """Return tasks as pattern, question and what is right: of each pattern as many, in random order."""
    rng = Random(seed)
    order = [i % len(PATTERNS) for i in range(tasks)]
    rng.shuffle(order)
    return [(i, *PATTERNS[i].task(rng)) for i in order]


class Crowd:
    """Simulated peers, each right with a chance; the same question draws the same for the same peer."""

    def __init__(self, chance: float, seed: int) -> None:
        self.chance, self.seed, self.calls = chance, seed, 0
        self.right: dict[str, str] = {}
        self.wrong_in: set[int] = set()
        """Patterns that nobody is right in, each in their own way."""
        self.poisoned: set[str] = set()
        """Questions that all answer alike, and wrong."""
        self.pattern: dict[str, int] = {}

    def peers(self) -> list[FunctionPeer]:
        return [FunctionPeer(f"p{i}", self._peer(i)) for i in range(PEERS)]

    def _peer(self, i: int) -> Callable[[str], str]:
        def answer(asked: str) -> str:
            self.calls += 1
            question = asked.partition("\n\n")[0]
            right = self.right[question]
            rng = Random(blake3(f"{self.seed} {i} {question}".encode()).digest())
            if question in self.poisoned:
                return _other(right, 1)
            if self.pattern[question] in self.wrong_in:
                return _other(right, i + 1)
            return right if rng.random() < self.chance else _other(right, rng.randrange(1, 5))

        return answer


def _other(right: str, by: int) -> str:
    """Return a wrong answer."""
    return {"yes": "no", "no": "yes"}.get(right) or str(int(right) + by)


@dataclass
class Told:
    """What came of a stream."""

    calls: float
    right: float
    mature: int
    patterns: int
    records: list[int]


async def told(swarm: Swarm, tasks: Sequence[tuple[int, Question, str]], crowd: Crowd, book: SkillBook | None) -> Told:
    """Ask a stream, and count."""
    right, records = 0, list[int]()
    for n, (_, question, answer) in enumerate(tasks, start=1):
        right += (await swarm.ask(question)).key == answer
        if book is not None and n % 50 == 0:
            records.append(len(book.store))
    stages = [skill.stage for _, skill in book.skills()] if book is not None else list[Stage]()
    return Told(crowd.calls / len(tasks), right / len(tasks), stages.count("mature"), len(stages), records)


def crowd_for(tasks: Sequence[tuple[int, Question, str]], chance: float, seed: int) -> Crowd:
    crowd = Crowd(chance, seed)
    crowd.right = {question.text: answer for _, question, answer in tasks}
    crowd.pattern = {question.text: i for i, question, _ in tasks}
    return crowd


async def simulated(chance: float, streams: int) -> dict[str, Any]:
    """Return calls and right answers with and without skills, over many streams of the same draws."""
    rows: list[tuple[Told, Told]] = []
    for seed in range(streams):
        tasks = stream(TASKS, seed)
        pair: list[Told] = []
        for book in (None, SkillBook()):
            crowd = crowd_for(tasks, chance, seed)
            swarm = Swarm(crowd.peers(), protocol=Vote(), seed=seed, skills=book)
            pair.append(await told(swarm, tasks, crowd, book))
        rows.append((pair[0], pair[1]))
    clusters = [str(i) for i in range(len(rows))]
    saved = [100 * (1 - practised.calls / plain.calls) for plain, practised in rows]
    gained = [100 * (practised.right - plain.right) for plain, practised in rows]
    return {
        "chance": chance,
        "calls": mean(plain.calls for plain, _ in rows),
        "calls, practised": mean(practised.calls for _, practised in rows),
        "saved %": mean(saved),
        "saved": mean_interval(saved, clusters),
        "right %": 100 * mean(plain.right for plain, _ in rows),
        "gained": mean_interval(gained, clusters),
        "mature": sorted(practised.mature for _, practised in rows),
        "patterns": sorted(practised.patterns for _, practised in rows),
        "records": [round(mean(counts)) for counts in zip(*(practised.records for _, practised in rows), strict=True)],
    }


async def failing(streams: int) -> list[int]:
    """Return after how many uses a mature skill was gone whose pattern nobody could answer any more."""
    uses: list[int] = []
    for seed in range(streams):
        tasks = [task for task in stream(TASKS * 4, seed) if task[0] == 0]
        crowd, book = crowd_for(tasks, 0.95, seed), SkillBook()
        swarm = Swarm(crowd.peers(), protocol=Vote(), seed=seed, skills=book)
        for _, question, _ in tasks[:40]:
            await swarm.ask(question)
        crowd.wrong_in = {0}
        used = 0
        for _, question, _ in tasks[40:]:
            if book.match(question) is None:
                break
            await swarm.ask(question)
            used += 1
        uses.append(used)
    return uses


async def poisoned(streams: int) -> tuple[int, int]:
    """Return in how many streams one success that all were wrong in committed its pattern, of how many."""
    committed = 0
    for seed in range(streams):
        tasks = [task for task in stream(TASKS, seed) if task[0] == 1]
        crowd, book = crowd_for(tasks, 0.95, seed), SkillBook()
        crowd.poisoned = {tasks[0][1].text}
        await Swarm(crowd.peers(), protocol=Vote(), skills=book, seed=seed).ask(tasks[0][1])
        committed += book.match(tasks[1][1]) is not None
    return committed, streams


def told_apart(embed: Any) -> tuple[int, int]:
    """Return how many patterns a book tells apart, and how many tasks were taken for another pattern's."""
    book, taken = SkillBook(embed=embed), 0
    of: dict[bytes, int] = {}
    for i, question, _ in stream(TASKS, 0):
        pattern = book.pattern(question)
        taken += of.setdefault(pattern, i) != i
    return len(of), taken


async def with_model(name: str, tasks: int) -> dict[str, Any]:
    """Return calls and right answers of one model at every seat, with and without skills."""
    rows: dict[str, Any] = {"model": name, "tasks": tasks}
    thinking = model(name)
    chosen = stream(tasks, 1)
    for label, book in (("plain", None), ("practised", SkillBook())):
        peers = [Agent(f"p{i}", thinking, max_tokens=64, timeout_s=900.0) for i in range(PEERS)]
        swarm = Swarm(peers, protocol=Vote(), skills=book)
        spent = right = short = 0
        for _, question, answer in chosen:
            decision = await swarm.ask(question)
            spent, right = spent + decision.cost.calls, right + (decision.key == answer)
            short += any("nobody else was asked" in note for note in decision.notes)
        rows[label] = {"calls": spent / tasks, "right": right, "short": short}
        if book is not None:
            rows["stages"] = {words: skill.stage for words, skill in book.skills()}
    await thinking.aclose()
    return rows


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="two streams instead of twenty: does it run at all?")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--model", help="a real model at every seat instead of simulated peers, such as embedded")
    parser.add_argument("--tasks", type=int, default=40, help="with --model: how many tasks")
    args = parser.parse_args()
    if args.model:
        print(json.dumps(await with_model(args.model, args.tasks), indent=2))
        return
    streams = 2 if args.small else STREAMS
    rows = [await simulated(chance, streams) for chance in CHANCES]
    uses, (committed, tried) = await failing(streams), await poisoned(streams)
    apart = {embed.__name__: told_apart(embed) for embed in dict.fromkeys((by_meaning(), hashed_ngrams))}
    if args.json:
        print(json.dumps({"rows": rows, "failing": uses, "poisoned": [committed, tried], "told apart": apart}))
        return
    print(f"{'each right':>10} {'calls':>6} {'practised':>10} {'saved % (95 %)':>22} {'right %':>8} {'gained (95 %)':>18} "
          f"{'mature of 10':>13} {'patterns':>9} {'records at 50, 100, 150, 200':>30}")  # fmt: skip
    for r in rows:
        saved, gained = ("{:.1f} to {:.1f}".format(*r[name]) for name in ("saved", "gained"))
        print(f"{r['chance']:10.2f} {r['calls']:6.2f} {r['calls, practised']:10.2f} {r['saved %']:7.1f} ({saved}) "
              f"{r['right %']:8.1f} {gained:>18} {r['mature'][0]:6} to {r['mature'][-1]:3} "
              f"{r['patterns'][0]:4} to {r['patterns'][-1]} {r['records']!s:>30}")  # fmt: skip
    print(f"a mature skill that nobody is right in any more is gone after {min(uses)} to {max(uses)} uses")
    print(f"one poisoned success committed a skill in {committed} of {tried} streams")
    for name, (patterns, taken) in apart.items():
        print(f"{name}: {patterns} patterns of {len(PATTERNS)}, {taken} of {TASKS} tasks taken for another's")


if __name__ == "__main__":
    asyncio.run(main())
