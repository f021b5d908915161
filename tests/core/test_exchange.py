"""What goes on at a seat beside its messages reaches its witness, and nobody else."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from waggledance import Swarm
from waggledance.core import Budget, Exchange, Log, LogDamaged, Message, Opening, RunFailed, Words, repair
from waggledance.models import Completion, Request, Scripted
from waggledance.peers import Agent
from waggledance.protocols import Debate


def agents(*lines: str) -> list[Agent]:
    return [Agent(f"p{number}", Scripted(line, name=f"m{number}")) for number, line in enumerate(lines)]


def test_a_log_keeps_prompt_and_reply_of_every_call_and_names_the_message_they_went_into(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        Swarm(agents("Answer: 4", "Answer: 5"), log=log, protocol=Debate(rounds=1)).ask_sync("2+2?", expects="number")
        [channel] = log.names()
        exchanges = log.exchanges(channel)
        said = {(m.author, m.sequence): m for m in log.read(channel)}
    assert sorted((x.of, x.skill, x.round) for x in exchanges) == [
        ("m0", "propose", 0), ("m0", "revise", 1), ("m1", "propose", 0), ("m1", "revise", 1),
    ]  # fmt: skip
    for exchange in exchanges:
        asked = msgspec.json.decode(exchange.asked, type=Request)
        answered = msgspec.json.decode(exchange.answered, type=Completion)
        message = said[exchange.author, exchange.sequence]
        assert "2+2?" in "".join(turn.text for turn in asked.turns)
        assert message.body.text == answered.text
        assert message.body.round == exchange.round


def test_a_failed_call_is_kept_with_its_reason(tmp_path: Path) -> None:
    peers = [Agent("ada", Scripted(RunFailed("out of order"))), *agents("Answer: 4")]
    with Log(tmp_path / "log.db") as log:
        Swarm(peers, log=log, protocol=Debate(rounds=0)).ask_sync("2+2?", expects="number")
        failed = [x for x in log.exchanges(log.names()[0]) if x.failure]
    assert [(x.failure, x.answered) for x in failed] == [("out of order", "")]


async def test_one_who_watches_closely_hears_words_as_they_come_and_the_others_do_not() -> None:
    swarm = Swarm(agents("I think. Answer: 4"), protocol=Debate(rounds=0))
    closely = [event async for event in swarm.watch("2+2?", expects="number", closely=True)]
    words = [event for event in closely if isinstance(event, Words)]
    assert "".join(event.text for event in words) == "I think. Answer: 4"
    assert {(event.name, event.number) for event in words} == {("p0", 1)}
    assert sum(isinstance(event, Exchange) for event in closely) == 1
    first_word = next(i for i, event in enumerate(closely) if isinstance(event, Words))
    assert isinstance(closely[0], Message)
    assert isinstance(closely[0].body, Opening)
    assert first_word < len(closely) - 2, "words come before the message and the decision"
    from_afar = [event async for event in swarm.watch("2+2?", expects="number")]
    assert not any(isinstance(event, Words | Exchange) for event in from_afar)


def test_exchanges_outlive_a_repair_and_a_reader_sees_them_while_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with Log(path) as log:
        Swarm(agents("Answer: 4"), log=log, protocol=Debate(rounds=0)).ask_sync("2+2?", expects="number")
        [channel] = log.names()
        log.flush_now()
        with Log(path, "r") as reader:
            assert len(reader.exchanges(channel)) == 1
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE messages SET raw = raw || 'x' WHERE kind = 'proposal/1'")
    report = repair(path)
    assert not report.ok
    with Log(path, "r") as log:
        assert [x.of for x in log.exchanges(channel)] == ["m0"]


def test_a_broken_exchange_is_named(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        log.append_exchange(Exchange(channel="q1", author=b"a" * 32, number=1, skill="propose", round=0))  # type: ignore[arg-type]
        log.flush_now()
        log._connection.execute("UPDATE exchanges SET exchange = '{'")
        with pytest.raises(LogDamaged, match="an exchange of channel 'q1'"):
            log.exchanges("q1")
        assert log.exchanges("q2") == ()


def test_a_spent_budget_shows_in_what_was_asked(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        swarm = Swarm(agents("Answer: 4", "Answer: 4", "Answer: 4"), log=log, protocol=Debate(rounds=0))
        asyncio.run(swarm.ask("2+2?", expects="number", budget=Budget(calls=2)))
        assert len(log.exchanges(log.names()[0])) == 2
