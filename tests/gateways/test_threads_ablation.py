"""A weak planner whose workers may object does better: the card's ablation, with coins in place of models.

Of Ren, Forder, Zang et al. 2025, "Anemoi", arXiv:2508.17068: a small planner hurts less where others talk about its
plan. Here a plan is right with p = 0.4, and each of four workers notices a wrong one with p = 0.5.
"""

from __future__ import annotations

import asyncio
from random import Random

from waggledance.core import Say
from waggledance.gateways._threads_desk import Desk
from waggledance.gateways._threads_filter import short
from waggledance.gateways._threads_place import LocalThreads
from waggledance.testing import on_virtual_time

RIGHT, NOTICES = 0.4, 0.5
WORKERS = [f"worker{i}" for i in range(4)]
DRAFTS = 5
"""So often the planner plans at most: its budget."""
WINDOW_S = 10.0
RUNS = 300


async def planner(desk: Desk, channel: str, rng: Random, *, listens: bool) -> bool:
    """Plan until nobody objects in time, let the others work, and answer; return whether the plan is right."""
    right = False
    for _ in range(DRAFTS):
        right = rng.random() < RIGHT
        await desk.say(channel, f"plan: {'right' if right else 'wrong'}", mentions=WORKERS)
        if not listens or await desk.wait(channel=channel, mention=True, within_s=WINDOW_S) is None:
            break
    await desk.say(channel, "go ahead", mentions=WORKERS)
    for worker in WORKERS:
        await desk.wait(channel=channel, author=worker)
    await desk.say(channel, "answer: " + ("solved" if right else "not solved"))
    return right


async def worker(desk: Desk, channel: str, rng: Random, *, objects: bool) -> None:
    """Look at plans, object to a wrong one that was noticed if nobody has yet, and do a part when told to."""
    while (heard := await desk.wait(channel=channel, author="planner", within_s=60)) is not None:
        assert isinstance(heard.message.body, Say)
        if heard.message.body.text == "go ahead":
            await desk.say(channel, f"{desk.name} has done its part")
            return
        if heard.message.body.text == "plan: wrong" and rng.random() < NOTICES and objects:
            await asyncio.sleep(rng.random() * WINDOW_S / 2)
            if not any(heard.message.id in m.body.refs for m in desk.thread(channel).said):
                await desk.say(channel, "this is wrong", mentions=["planner"], reply_to=short(heard.message.id))


async def task(seed: int, *, talk: bool) -> tuple[bool, int]:
    """Return whether the task is solved, and how many messages that took."""
    threads = LocalThreads(["planner", *WORKERS])
    desks = [Desk(threads.at(name)) for name in ("planner", *WORKERS)]
    channel = desks[0].open("a task", WORKERS).channel
    draws = [Random(f"{seed} {desk.name}") for desk in desks]
    at_work = [worker(desk, channel, rng, objects=talk) for desk, rng in zip(desks[1:], draws[1:], strict=True)]
    working = asyncio.gather(*at_work)
    solved = await planner(desks[0], channel, draws[0], listens=talk)
    await working
    return solved, len(threads.copies[channel])


def shares(*, talk: bool) -> tuple[float, float]:
    """Return the share of tasks that were solved, and the mean number of messages of one."""

    async def main() -> list[tuple[bool, int]]:
        return [await task(seed, talk=talk) for seed in range(RUNS)]

    ended = on_virtual_time(main(), limit_s=1e9)
    return sum(solved for solved, _ in ended) / RUNS, sum(messages for _, messages in ended) / RUNS


def test_workers_who_may_object_repair_a_weak_plan_at_less_than_twice_the_messages() -> None:
    alone, few = shares(talk=False)
    together, more = shares(talk=True)
    assert 0.33 <= alone <= 0.47
    assert together >= 0.8
    assert more < 2 * few, f"{together:.2f} against {alone:.2f} at {more / few:.2f} times the messages"
