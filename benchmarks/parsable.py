"""How many of a model's answers, preferences and grades can be read, and how many answers are right.

An agent proposes on each GSM8K question twice, compares the two proposals and grades the first. The questions are a
gzipped file of JSON lines with "question" and "answer".

    python benchmarks/parsable.py --questions test.jsonl.gz                      # the embedded model, 30 questions
    python benchmarks/parsable.py --questions test.jsonl.gz --model embedded:qwen2.5-coder-0.5b
"""

import argparse
import asyncio
import gzip
import json
from pathlib import Path
from time import perf_counter

from blake3 import blake3

from waggledance.core import (
    Budget,
    Call,
    LoopClock,
    Message,
    MessageId,
    Meter,
    Proposal,
    Question,
    RunFailed,
    Verdict,
    local_peer_id,
    swarm_id,
)
from waggledance.models import model
from waggledance.peers import Agent, parse


def a_call(question: Question, meter: Meter, seed: int) -> Call:
    return Call(
        question=question, round=0, me=local_peer_id("p"), names={}, draw_seed=lambda _: seed, number=1, meter=meter
    )


def a_message(said: Proposal, seed: int) -> Message[Proposal]:
    id = MessageId(blake3(f"{seed}/{said.text}".encode()).digest())
    return Message(id, local_peer_id(str(seed)), said, 1, None, (), 1, 0, swarm_id("parsable"), "q1")


async def verdict_or_none(judging: "asyncio.Future[Verdict]") -> Verdict | None:
    try:
        return await judging
    except RunFailed:
        return None


async def measure(spec: str, path: Path, count: int, seed: int) -> None:
    thinking, meter = model(spec), Meter(Budget(), LoopClock())
    agent = Agent("p", thinking, timeout_s=1200)
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for _, line in zip(range(count), lines, strict=False)]
    questions = [Question(text=row["question"], expects="number") for row in rows]
    truth = [parse(str(row["answer"]), question).key for row, question in zip(rows, questions, strict=True)]
    started = perf_counter()
    said: list[Proposal] = []
    for draw in range(2):
        said += await asyncio.gather(*(agent.propose(a_call(q, meter, seed + draw)) for q in questions))
    heard = [a_message(p, i) for i, p in enumerate(said)]
    judgings = [agent.compare(a_call(q, meter, seed), heard[i], heard[i + count]) for i, q in enumerate(questions)]
    preferred = await asyncio.gather(*(verdict_or_none(asyncio.ensure_future(j)) for j in judgings))
    gradings = [agent.critique(a_call(q, meter, seed), heard[i]) for i, q in enumerate(questions)]
    graded = await asyncio.gather(*(verdict_or_none(asyncio.ensure_future(g)) for g in gradings))
    right = sum(p.key == key for p, key in zip(said, truth * 2, strict=True))
    print(f"model {thinking.name}, {count} questions, seed {seed}, {perf_counter() - started:.0f} s, {meter.cost}")
    print(f"answers read      {sum(p.key is not None for p in said):>4}/{len(said)}")
    print(f"confidence stated {sum(p.confidence_ppm is not None for p in said):>4}/{len(said)}")
    print(f"answers right     {right:>4}/{len(said)}")
    print(f"preferences read  {sum(v is not None for v in preferred):>4}/{count}")
    print(f"  for the first   {sum(v is not None and v.scores[0] > v.scores[1] for v in preferred):>4}")
    print(f"  for the second  {sum(v is not None and v.scores[0] < v.scores[1] for v in preferred):>4}")
    print(f"grades read       {sum(v is not None for v in graded):>4}/{count}")
    await thinking.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="embedded", help="as in waggle ask --model")
    parser.add_argument("--questions", type=Path, required=True, help="gzipped JSON lines")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(measure(given.model, given.questions, given.count, given.seed))


if __name__ == "__main__":
    main()
