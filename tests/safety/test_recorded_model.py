"""Prompts and replies that a peer kept answer what no message does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from waggledance import Question, Swarm
from waggledance.core import Exchange, Log, Peer, Proposal, WaggleError
from waggledance.models import Completion, Request
from waggledance.peers import Agent
from waggledance.protocols import AskProtocol, Debate, NestSite
from waggledance.safety import Fork, Intervention, MissingRecord, Reword, SwapModel, intervene

SUM = Question(text="2 + 2?", expects="number")
T = TypeVar("T")


class Counting:
    """A model that grades answers and gives one, and counts how often it is asked."""

    def __init__(self, name: str = "counting", answer: str = "4") -> None:
        self.name, self.answer, self.asked = name, answer, 0

    async def complete(self, request: Request) -> Completion:
        self.asked += 1
        grades = "How good is this answer" in request.turns[-1].text
        text = f"Grade: {3 + request.seed % 7}" if grades else f"Answer: {self.answer}"
        return Completion(text=text, prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.25)

    async def aclose(self) -> None: ...


def agents(model: Counting) -> Callable[[str, str], Peer]:
    return lambda name, other: Agent(name, Counting(other) if other else model)


async def asked(log: Log, protocol: AskProtocol) -> str:
    answers = {"p0": "4", "p1": "5", "p2": "4", "p3": "5"}
    peers = [Agent(name, Counting(answer=answer)) for name, answer in answers.items()]
    return (await Swarm(peers, log=log, protocol=protocol).ask(SUM)).channel


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def forked(file: Path, protocol: AskProtocol, *edits: Intervention, model: Counting, live: str = "needed") -> Fork:
    async def run() -> Fork:
        with Log(file) as log:
            channel = await asked(log, protocol)
            return await intervene(
                log, channel, edits, live="never" if live == "never" else "needed", peers=agents(model)
            )

    return asyncio.run(run())


@pytest.mark.parametrize("live", ["never", "needed"])
def test_what_a_scout_saw_for_itself_comes_from_its_own_record(file: Path, live: str) -> None:
    model = Counting()
    fork = forked(file, NestSite(rounds=4), model=model, live=live)
    assert fork.exact
    assert (model.asked, fork.calls_live) == (0, 0)
    assert fork.calls_recorded > 4


def test_without_that_record_it_is_named_as_missing(file: Path) -> None:
    async def run() -> Fork:
        with Log(file) as log:
            channel = await asked(log, NestSite(rounds=4))
            return await intervene(log, channel, live="never")

    with pytest.raises(MissingRecord, match="asked to critique"):
        asyncio.run(run())


def test_a_prompt_that_a_change_alters_is_asked_and_counted_as_live(file: Path) -> None:
    async def run() -> tuple[Fork, Counting]:
        model = Counting(answer="7")
        with Log(file) as log:
            channel = await asked(log, Debate(rounds=1))
            first = next(m for m in log.read(channel) if isinstance(m.body, Proposal))
            return await intervene(log, channel, [Reword(first.id, "Answer: 9")], peers=agents(model)), model

    fork, model = asyncio.run(run())
    assert model.asked == fork.calls_live == 4


def test_never_means_never_though_a_model_is_there(file: Path) -> None:
    async def run() -> Counting:
        model = Counting()
        with Log(file) as log:
            channel = await asked(log, Debate(rounds=1))
            first = next(m for m in log.read(channel) if isinstance(m.body, Proposal))
            with pytest.raises(WaggleError, match=r"it heard something else then|its earlier answer was another"):
                await intervene(log, channel, [Reword(first.id, "Answer: 9")], live="never", peers=agents(model))
        return model

    assert asyncio.run(run()).asked == 0


def test_another_model_remembers_nothing_of_what_the_first_was_asked(file: Path) -> None:
    for name in ("other", "counting"):  # a model may go by the same name and be another
        fork = forked(file.with_name(f"{name}.db"), Debate(rounds=0), SwapModel("p0", name), model=Counting())
        assert [(call.peer, call.skill) for call in fork.asked] == [("p0", "propose")]


def test_what_is_asked_in_a_fork_is_kept_with_it(file: Path) -> None:
    from waggledance.core import Witness

    async def run() -> tuple[Fork, tuple[Exchange, ...]]:
        with Log(file) as log:
            channel = await asked(log, Debate(rounds=0))
            witness = Witness(exchange=log.append_exchange)
            edit = SwapModel("p0", "other")
            fork = await intervene(log, channel, [edit], peers=agents(Counting()), witness=witness)
            return fork, log.exchanges(fork.channel)

    fork, exchanges = asyncio.run(run())
    assert [exchange.of for exchange in exchanges] == ["other"]
    assert {exchange.author for exchange in exchanges} <= set(fork.decision.names)
