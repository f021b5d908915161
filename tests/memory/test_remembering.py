"""Peers with a memory: what they look up, what they keep, and what never leaves."""

from __future__ import annotations

from typing import Any

import pytest

from waggledance import Agent, FunctionPeer, Swarm
from waggledance.core import Decision, Message, Question, UsageError, encode
from waggledance.memory import Record, RecordStore, Remembering, Where
from waggledance.models import Request, Scripted
from waggledance.protocols import Debate, Vote
from waggledance.testing import SimulatedMesh, on_virtual_time, simulate

ASKED = "Where is the spare key of the office?"


def model(request: Request) -> str:
    return "Answer: porter" if "blue envelope" in request.turns[-1].text else "Answer: unknown"


def with_key() -> RecordStore:
    store = RecordStore()
    store.put(Record.of("finding", "The spare key of the office", "It is in a blue envelope."))
    return store


def ask(store: RecordStore, question: str = ASKED, **options: Any) -> tuple[str | None, list[Message[Any]], Scripted]:
    scripted = Scripted(model)
    peers = [Remembering(Agent(f"p{i}", scripted), store, **options) for i in range(3)]
    run = simulate(Debate(rounds=0), question, peers=peers, seed=1)
    return run.decision.key, list(run.log), scripted


def test_a_peer_that_remembers_knows_what_one_without_does_not() -> None:
    assert ask(with_key())[0] == "porter"
    assert ask(RecordStore())[0] == "unknown"


def test_what_is_remembered_stands_fenced_in_the_prompt_and_in_no_message() -> None:
    _, log, scripted = ask(with_key())
    prompt = scripted.requests[0].turns[-1].text
    fence = prompt[prompt.index("\nbegin ") : prompt.index("\nend ")]
    assert "> - I noted: The spare key of the office: It is in a blue envelope." in fence
    assert all(b"blue envelope" not in encode(message) for message in log)


def test_a_record_that_is_not_near_or_does_not_count_is_not_told() -> None:
    assert ask(with_key(), "How tall is the church?")[0] == "unknown"
    assert ask(with_key(), where=Where(sorts=("goal",)))[0] == "unknown"
    assert ask(with_key(), least_ppm=1_000_000)[0] == "unknown"


def test_what_was_decided_is_kept_privately_with_the_winning_message() -> None:
    store = with_key()
    _, log, _ = ask(store)
    [kept] = store.records(Where(sorts=("decision",)))
    assert kept.record.key == ASKED
    assert kept.record.text.startswith("decided: porter")
    assert kept.record.scope == "private"
    assert set(kept.record.sources) <= {message.id for message in log}
    assert ask(store, "where would the office's spare key be?")[0] == "porter"


def test_nothing_is_kept_where_nothing_was_decided() -> None:
    store = RecordStore()
    peers = [Remembering(FunctionPeer(f"p{i}", lambda _: "no number at all"), store) for i in range(2)]
    for peer in peers:
        peer.remember(Question(text="2 + 2?"), Decision(status="undecided", key=None))
        peer.remember(Question(text="2 + 2?"), Decision(status="conflict", key="4"))
    assert len(store) == 0


def test_a_full_memory_costs_no_decision(caplog: pytest.LogCaptureFixture) -> None:
    store = RecordStore(limit=1)
    store.put(Record.of("finding", "The spare key of the office", "It is in a blue envelope."))
    assert ask(store)[0] == "porter"
    assert "does not remember" in caplog.text


def test_it_passes_on_every_other_skill() -> None:
    peer = FunctionPeer("p", lambda _: "4", compare=lambda _q, _a, _b: 1.0, critique=lambda _q, _a: 0.5)
    assert Remembering(peer, RecordStore()).skills == peer.skills
    assert Remembering(peer, RecordStore()).name == "p"


@pytest.mark.parametrize("wrong", [{"k": 0}, {"least_ppm": -1}, {"least_ppm": 1_000_001}])
def test_senseless_numbers_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Remembering(FunctionPeer("p", lambda _: "4"), RecordStore(), **wrong)  # pyright: ignore[reportArgumentType]


def test_a_seat_tells_only_peers_that_have_a_memory() -> None:
    question = Question(text="2+2?")
    told: list[str | None] = []

    class Keeps(FunctionPeer):
        def remember(self, asked: Question, decision: Any) -> None:
            assert asked == question
            told.append(decision.key)

    peers = [Keeps("p0", lambda _: "4"), FunctionPeer("p1", lambda _: "4")]
    Swarm(peers, protocol=Debate(rounds=0)).ask_sync(question)
    assert told == ["4"]


def test_a_member_of_a_mesh_remembers_what_its_own_seat_decided() -> None:
    store = RecordStore()

    async def main() -> str | None:
        async with SimulatedMesh(4) as mesh:
            sitting = mesh.sittings["p0"]
            sitting.peer = Remembering(sitting.peer, store)
            decision = await mesh.ask("2+2?", protocol=Vote(patience_s=3))
            await mesh.settle(decision.channel)
            return decision.key

    key = on_virtual_time(main())
    [kept] = store.records()
    assert kept.record.key == "2+2?"
    assert kept.record.text.startswith(f"decided: {key}")
