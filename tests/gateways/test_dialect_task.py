"""One task, shared by agents that have only the neutral form in common: rules, a language model, a line protocol.

Source: the acceptance of Ioannides et al. 2025, "MOD-X", arXiv:2507.04376, as we read it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from waggledance import FunctionPeer, Log, Swarm
from waggledance._replay import decide_again
from waggledance.core import Proposal, Question, Turn
from waggledance.gateways import Host, Hosted, Neutral, Order, Piece, dialect, translate
from waggledance.models import Request, Scripted
from waggledance.protocols import Debate

QUESTION = "How much is 17 - 8?"
Foreign = Callable[[bytes], Awaitable[bytes]]
"""An agent of elsewhere: takes a message in its own dialect and answers in it."""


async def by_rules(raw: bytes) -> bytes:
    """A calculator that speaks ACP, with nothing of ours: it reads JSON and subtracts."""
    said = json.loads(raw)["parts"][0]["content"]
    left, right = re.findall(r"\d+", said)[:2]
    part = {"content_type": "text/plain", "content": f"Answer: {int(left) - int(right)}"}
    return json.dumps({"role": "agent/calculator", "parts": [part]}).encode()


async def by_model(raw: bytes) -> bytes:
    """A language model behind OpenAI's chat messages."""
    message = json.loads(raw)
    told = Scripted(lambda request: f"Let me see: {request.turns[-1].text[:20]}… Answer: 9")
    completion = await told.complete(Request(turns=(Turn(message["role"], message["content"]),)))
    return json.dumps({"role": "assistant", "content": completion.text}).encode()


@asynccontextmanager
async def line_server() -> AsyncGenerator[tuple[str, int]]:
    """A program of old on a port of this machine: a line comes in, a line goes out; it follows those it hears."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode()
        heard = re.findall(r"Answer: (\d+)", line)
        writer.write(f"Answer: {max(heard, key=heard.count) if heard else 8}\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]


def by_line(place: tuple[str, int]) -> Foreign:
    async def asked(raw: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*place)
        writer.write(raw.replace(b"\n", b" ") + b"\n")
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return answer.rstrip(b"\n")

    return asked


def speaking(name: str, id: str, agent: Foreign) -> FunctionPeer:
    """Seat a foreign agent: all that passes between it and the swarm goes through the neutral form."""

    async def ask(words: str) -> str:
        said, _ = dialect(id).write(Neutral(role="user", pieces=(Piece(text=words),)))
        return translate(await agent(said), id, "plain/1").raw.decode()

    async def again(question: str, mine: str, heard: list[str]) -> str:
        return await ask("\n".join((question, mine, *heard)))

    return FunctionPeer(name, ask, revise=again)


@asynccontextmanager
async def the_three(log: Log | None = None) -> AsyncGenerator[Swarm]:
    async with line_server() as place:
        peers = [
            speaking("rules", "acp/0.2", by_rules),
            speaking("model", "openai-chat/1", by_model),
            speaking("lines", "plain/1", by_line(place)),
        ]
        yield Swarm(peers, protocol=Debate(rounds=1), log=log)


def moved(_question: str, _mine: str, _heard: list[str]) -> str:
    return "9"


async def test_agents_of_three_kinds_finish_one_task_as_natives_do(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        async with the_three(log) as swarm:
            decision = await swarm.ask(QUESTION, expects="number")
        (channel,) = (row.channel for row in log.channels())
        said = [(m.body.round, m.body.key) for m in log.read(channel) if isinstance(m.body, Proposal)]
    natives = [FunctionPeer(n, lambda _, a=a: a, revise=moved) for n, a in zip("abc", "998", strict=True)]
    native = await Swarm(natives, protocol=Debate(rounds=1)).ask(QUESTION, expects="number")
    assert (decision.key, decision.support) == (native.key, native.support)
    assert decision.key == "9"
    assert sorted(said) == [(0, "8"), (0, "9"), (0, "9"), (1, "9"), (1, "9"), (1, "9")], "who began elsewhere was moved"


async def test_who_comes_late_replays_from_any_position_to_the_state_of_who_was_there(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        async with the_three(log) as swarm:
            host = Host({"default": Hosted(swarm)}, log)
            running = host.start(Order(swarm="default", question=Question(text=QUESTION, expects="number")))
            there = [event async for event in running.events()]
            decision = await running.decision()
            for position in range(len(there) + 1):
                assert [event async for event in running.events(after=position)] == there[position:]
        messages = log.read(running.channel)
    for position in range(len(messages)):  # what is new is heard first, what was before is read from the log
        assert decide_again([*messages[position:], *messages[:position]]).id == decision.id


@pytest.mark.parametrize("agent", [by_rules, by_model])
async def test_an_agent_is_asked_in_its_own_dialect_and_answers_in_it(agent: Foreign) -> None:
    id = "acp/0.2" if agent is by_rules else "openai-chat/1"
    raw = translate(QUESTION.encode(), "plain/1", id).raw
    assert dialect(id).read(await agent(raw)).role == "assistant"
