"""Group chat: when the gate speaks, who answers an open question, and what the scrub lets through.

- gate      sixty moments of chats, written by hand, half of which ask for words; rules and likeness alone, no model.
            Tokens are words of the last turns that the large model would be sent, at every turn of every chat.
- peers     eighty questions to eight peers with records; who answers, and whether the best one is among them
- scrub     200 made-up details of eight kinds, five seeds, in sentences, beside harmless sentences full of numbers;
            and in the bytes that reach a loopback server which speaks OpenAI's protocol
- speed     the scrub and the gate, beside one pass of `hashlib.sha256` over the same text and one embedding, same run

    python benchmarks/group_chat.py
"""

import asyncio
import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

from waggledance.lab import wilson
from waggledance.models import OpenAI, Request, Turn
from waggledance.protocols import ByMeaning, ByRecords, ByRules, Gates, Heard, Speak
from waggledance.safety import HARD, Scrubbed
from waggledance.testing import HARMLESS, private_details
from waggledance.testing._chat_windows import MOMENTS, PRACTICE, Moment
from waggledance.testing._record_questions import ASKED, RECORDS
from waggledance.topology import Embed, by_meaning, hashed_ngrams

SEEDS = range(5)


def window(moment: Moment) -> list[Heard]:
    return [Heard(name, words, name == "swarm") for name, words in moment.lines]


async def f1(gate: Gates, moments: Sequence[Moment]) -> tuple[int, int, int]:
    spoke = [isinstance(await gate.decide(window(moment)), Speak) for moment in moments]
    right = sum(s and bool(m.reason) for s, m in zip(spoke, moments, strict=True))
    return right, sum(spoke) - right, sum(bool(m.reason) for m in moments) - right


async def share_of_tokens(gate: Gates) -> float:
    always = sent = 0
    for moment in MOMENTS:
        turns = window(moment)
        for i in range(1, len(turns) + 1):
            words = sum(len(turn.text.split()) for turn in turns[:i])
            always += words
            sent += words * isinstance(await gate.decide(turns[:i]), Speak)
    return sent / always


async def gates(embed: Embed) -> None:
    row = Gates((ByRules("swarm"), ByMeaning(embed=embed)))
    for name, moments in (("60 to be measured by", MOMENTS), ("24 that settings were chosen by", PRACTICE)):
        right, early, missed = await f1(row, moments)
        share = 2 * right / (2 * right + early + missed)
        print(f"| {embed.__name__} | {name} | {right} | {early} | {missed} | {share:.2f} |")
    print(f"tokens to the large model with {embed.__name__}, of always: {await share_of_tokens(row):.2f}")


async def peers(embed: Embed) -> None:
    right = answered = most = asked = 0
    for best, questions in ASKED.items():
        for question in questions:
            window = [Heard("asker", question)]
            who = [n for n in RECORDS if isinstance(await ByRecords(n, RECORDS, embed=embed).decide(window), Speak)]
            right, answered, asked = right + (best in who), answered + len(who), asked + 1
            most = max(most, len(who))
    low, high = wilson(right, asked)
    mean = answered / asked
    print(f"| {embed.__name__} | {right}/{asked} = {right / asked:.3f} | {low:.2f}–{high:.2f} | {mean:.2f} | {most} |")


def scrub() -> None:
    found = taken = right = n = 0
    for seed in SEEDS:
        for detail in private_details(200, seed):
            start, end = (at := detail.sentence.index(detail.text)), at + len(detail.text)
            spans = HARD.clean(detail.sentence).spans
            found += any(span.start <= start and span.end >= end for span in spans)
            right += sum(span.start < end and span.end > start for span in spans)
            taken += len(spans)
            n += 1
        taken += sum(len(HARD.clean(text).spans) for text in HARMLESS)
    (low, _), (floor, _) = wilson(found, n), wilson(right, taken)
    print(
        f"recall {found}/{n} = {found / n:.4f} (≥ {low:.3f}), precision {right}/{taken} = {right / taken:.4f} (≥ {floor:.3f})"
    )


async def leaving() -> None:
    received = bytearray()
    body = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip
    raw = json.dumps(body).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        received.extend(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(raw), raw))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    details = private_details(200, 5)
    for wrapped in (False, True):
        received.clear()
        model = Scrubbed(OpenAI("m", base_url=url)) if wrapped else OpenAI("m", base_url=url)
        for i in range(0, 200, 20):
            await model.complete(Request(turns=tuple(Turn("user", d.sentence) for d in details[i : i + 20])))
        await model.aclose()
        sent = received.decode()
        left = sum(d.text in sent or json.dumps(d.text)[1:-1] in sent for d in details)
        print(f"{'scrubbed' if wrapped else 'bare'}: {left} of 200 details in the {len(received):,} bytes that arrived")
    server.close()
    await server.wait_closed()


def each(work: Callable[[], object], times: int) -> float:
    """Return the least microseconds of one call, of five rounds."""
    best = float("inf")
    for _ in range(5):
        began = perf_counter()
        for _ in range(times):
            work()
        best = min(best, (perf_counter() - began) / times)
    return best * 1e6


def speed() -> None:
    prompt = "\n".join([*HARMLESS, *(d.sentence for d in private_details(16))])[:4_000]
    plain = ("The scouts fly out in the morning and come back to dance for what they have found. " * 50)[:4_000]
    row, loop = Gates((ByRules("swarm"), ByMeaning())), asyncio.new_event_loop()
    turns = window(MOMENTS[5])
    reference = each(lambda: hashlib.sha256(plain.encode()).digest(), 2_000)
    embed = by_meaning()
    embedding = each(lambda: embed([turns[-1].text]), 200)
    print(f"sha256 of 4,000 characters {reference:.0f} µs; one embedding {embedding:.0f} µs")
    for name, text in (("numbers and details", prompt), ("plain prose", plain)):
        took = each(partial(HARD._find, text), 50)
        print(f"scrub of 4,000 characters of {name}: {took:.0f} µs, {took / reference:.0f} × sha256")
    gate = each(lambda: loop.run_until_complete(row.decide(turns)), 50)
    print(f"gate, one turn: {gate:.0f} µs, {gate / embedding:.1f} × one embedding")
    loop.close()


async def main() -> None:
    print(f"python {platform.python_version()}, {os.cpu_count()} cores\n\n## gate")
    for embed in (by_meaning(), hashed_ngrams):
        await gates(embed)
    print("\n## peers")
    for embed in (by_meaning(), hashed_ngrams):
        await peers(embed)
    print("\n## scrub")
    scrub()
    await leaving()


if __name__ == "__main__":
    os.environ.setdefault("OPENAI_API_KEY", "sk-of-the-benchmark")
    asyncio.run(main())
    print("\n## speed")
    speed()
