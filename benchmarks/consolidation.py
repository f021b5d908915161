"""What a friendly order of calls is worth: 32 questions about 4 documents to the embedded model.

    python benchmarks/consolidation.py [--model NAME] [--threads N] [--small]

The same 32 requests in order of arrival and through `Consolidated`, to a model that holds one conversation and to one
that holds eight; and all at once to the latter, where the engine finds shared beginnings by itself. Also what a token of a prompt (c_p) and one of
an answer (c_d) costs, the two constants of Halo's cost model.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import time

from waggledance.models import Completion, Embedded, Model, Request, Turn
from waggledance.tasks import Consolidated

TOPICS = ("a harbour", "a library", "a mountain railway", "a beekeeper's year")
QUESTIONS = 8


def document(topic: str, sentences: int) -> str:
    """A text about a topic, different in every sentence."""
    return " ".join(
        f"Part {number} of the story of {topic} tells of day {number * 7 % 31}." for number in range(sentences)
    )


def requests(sentences: int) -> list[Request]:
    """Questions in order of arrival: the documents in turn."""
    return [
        Request(
            turns=(
                Turn("system", document(topic, sentences)),
                Turn("user", f"Question {number}: what happened on day {number * 3 + 1}? Answer in one sentence."),
            ),
            max_tokens=8,
            temperature=0.7,
            seed=number,
            timeout_s=600.0,
        )
        for number in range(QUESTIONS)
        for topic in TOPICS
    ]


async def in_turn(model: Model, asked: list[Request], at_once: int) -> list[Completion]:
    """Ask in order of arrival, so many under way."""
    answers: list[Completion | None] = [None] * len(asked)
    waiting = iter(enumerate(asked))

    async def carry() -> None:
        for number, request in waiting:
            answers[number] = await model.complete(request)

    await asyncio.gather(*(carry() for _ in range(at_once)))
    return [answer for answer in answers if answer is not None]


async def timed(name: str, model: Model, asked: list[Request], at_once: int) -> list[Completion]:
    """Ask, and print what it took."""
    await model.complete(Request(turns=(Turn("user", "Hello."),), max_tokens=1))
    began_s, cpu_s = time.perf_counter(), time.process_time()
    answers = await in_turn(model, asked, at_once)
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    computed = sum(answer.evaluated_prompt_tokens or 0 for answer in answers)
    given = sum(answer.prompt_tokens for answer in answers)
    said = sum(answer.completion_tokens for answer in answers)
    print(
        f"{name:44} {took_s:7.1f} s {cpu_s:7.1f} CPU s {computed:7,} of {given:7,} prompt tokens computed, {said} said",
        flush=True,
    )
    await model.aclose()
    return answers


async def constants(name: str, threads: int | None, sentences: int) -> None:
    """Print c_p and c_d, in milliseconds of CPU time a token."""
    model = Embedded(name, slots=1, threads=threads)

    async def cost(text: str, tokens: int) -> tuple[float, Completion]:
        request = Request(turns=(Turn("user", text),), max_tokens=tokens, temperature=0.0, timeout_s=600.0)
        began = time.process_time()
        answer = await model.complete(request)
        return time.process_time() - began, answer

    await cost("Hello.", 1)
    short_s, short = await cost("Tell a long story. " + document(TOPICS[0], sentences // 4), 1)
    long_s, long = await cost("Say a long tale. " + document(TOPICS[1], sentences), 1)
    said_s, said = await cost("Write a long tale. " + document(TOPICS[1], sentences // 4), 49)
    c_p = (long_s - short_s) / ((long.evaluated_prompt_tokens or 0) - (short.evaluated_prompt_tokens or 0))
    c_d = (said_s - short_s - c_p * ((said.evaluated_prompt_tokens or 0) - (short.evaluated_prompt_tokens or 0))) / (
        said.completion_tokens - 1
    )
    print(
        f"c_p {c_p * 1e3:.2f} ms, c_d {c_d * 1e3:.2f} ms of CPU a token: one of an answer costs {c_d / c_p:.1f} of a prompt"
    )
    await model.aclose()


async def main() -> None:
    """Ask four ways, and compare what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int, help="CPU threads of the model; all cores by default")
    parser.add_argument("--small", action="store_true", help="documents of a quarter of the length")
    chosen = parser.parse_args()
    sentences = 8 if chosen.small else 32
    asked = requests(sentences)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {chosen.model}, {len(asked)} calls over {len(TOPICS)} documents"
    )
    await constants(chosen.model, chosen.threads, sentences)

    def embedded(slots: int) -> Embedded:
        return Embedded(chosen.model, slots=slots, threads=chosen.threads)

    one = await timed("one slot, in order of arrival", embedded(1), asked, 1)
    ways: dict[str, list[Completion]] = {}
    for name, model, at_once in (
        ("one slot, consolidated", Consolidated(embedded(1), at_once=1), len(asked)),
        ("eight slots, in order of arrival", embedded(8), 8),
        ("eight slots, all at once", embedded(8), len(asked)),
        ("eight slots, consolidated", Consolidated(embedded(8), at_once=8), len(asked)),
    ):
        ways[name] = await timed(name, model, asked, at_once)
    for name, answers in ways.items():
        same = sum(mine.text == plain.text for mine, plain in zip(answers, one, strict=True))
        print(f"{name}: {same} of {len(asked)} answers are byte for byte those of one after another")


if __name__ == "__main__":
    asyncio.run(main())
