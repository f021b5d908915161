"""A history run again with something changed: what depends on the change is asked anew, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from waggledance import FunctionPeer, Question, Swarm
from waggledance._replay import decide_again
from waggledance.core import (
    Body,
    Budget,
    Exchange,
    ForkedFrom,
    Log,
    Message,
    MessageId,
    Note,
    Opening,
    Outcome,
    Peer,
    Proposal,
    RunFailed,
    UnknownName,
    UsageError,
    Witness,
    Words,
    compose,
    encode,
    members_of,
    verify,
)
from waggledance.models import Scripted
from waggledance.network import Crash, Equivocate, Lie, Partition, Silent, Simulated, Slow
from waggledance.peers import Agent
from waggledance.protocols import PROTOCOLS, AskProtocol, Debate, PeerRanking, RoundTable, Vote
from waggledance.safety import (
    Fork,
    Interject,
    MissingRecord,
    Reword,
    SwapModel,
    SwapRule,
    Unsay,
    Unseat,
    compare,
    intervene,
    rerun,
)
from waggledance.testing import Kept, Opinionated, SimulatedMesh, on_virtual_time, simulate

SUM = Question(text="2 + 2?", expects="number")
SHARED = Question(text="What for?", expects="package", options=("a", "b", "c"), spend=1)
AnyMessage = Message[Any]


def opinionated(name: str, model: str) -> Peer:
    return Opinionated(name)


def follower(name: str, first: str) -> FunctionPeer:
    """Return a peer that says `first`, and then what most of those it hears say."""

    def revise(question: str, own: str, heard: list[str]) -> str:
        texts = [own, *heard]
        return max(sorted(set(texts)), key=texts.count)

    return FunctionPeer(name, lambda _: first, revise=revise)


def recorded(*firsts: str, protocol: AskProtocol | None = None) -> tuple[AnyMessage, ...]:
    """Return what peers said who begin with these answers, p0 with the first."""
    kept = Kept()
    swarm = Swarm([follower(f"p{i}", first) for i, first in enumerate(firsts)], log=kept)
    swarm.ask_sync(SUM, protocol=protocol or Debate(rounds=1))
    return tuple(kept.messages)


def simulated(
    protocol: AskProtocol, *, seed: int, faults: Sequence[Any] = (), **network: Any
) -> tuple[AnyMessage, ...]:
    """Return what five peers said who answer as they please, on a network in virtual time."""
    kept = Kept()
    net = Simulated(seed=seed, faults=tuple(faults), **network)
    Swarm([Opinionated(f"p{i}") for i in range(5)], network=net, protocol=protocol, log=kept, seed=seed).ask_sync(SUM)
    return tuple(kept.messages)


def forked(messages: Sequence[AnyMessage], *edits: Any, **how: Any) -> Fork:
    return asyncio.run(rerun(messages, edits, **how))


def said_by(messages: Sequence[AnyMessage], name: str, round: int = 0) -> Message[Proposal]:
    [id] = [m.id for m in members_of(messages) if m.name == name]
    return next(m for m in messages if m.author == id and isinstance(m.body, Proposal) and m.body.round == round)


def asked_again(name: str, model: str) -> Peer:
    return follower(name, model or "9")


# -- nothing changed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - {"nest-site"}))
def test_without_a_change_every_protocol_is_run_again_byte_for_byte_without_a_call(name: str) -> None:
    kind = PROTOCOLS[name]
    if name not in ("plan", "team") and kind.__module__.startswith("waggledance.protocols"):
        run = simulate(kind(), SHARED if name == "bargain" else SUM, seed=3)
        again = forked(run.log, live="never")
        assert again.exact
        assert (again.calls_live, again.changed, again.flipped) == (0, (), False)


def test_what_a_nest_sites_scout_saw_for_itself_is_in_no_message_so_it_is_asked_again() -> None:
    run = simulate(PROTOCOLS["nest-site"](), SUM, seed=3)
    with pytest.raises(MissingRecord, match="asked to critique"):
        forked(run.log, live="never")
    again = forked(run.log, peers=opinionated)
    assert again.exact
    assert {call.skill for call in again.asked} == {"critique"}


@pytest.mark.parametrize("certify", [False, True])
def test_what_members_of_a_mesh_said_is_run_again_without_their_network(certify: bool) -> None:
    async def asked() -> tuple[AnyMessage, ...]:
        async with SimulatedMesh(5, seed=3) as mesh:
            decision = await mesh.ask("2+2?", protocol=PeerRanking(), certify=certify)
            await mesh.settle(decision.channel)
            return mesh.nodes["asker"].channels[decision.channel].copy.messages()

    messages = on_virtual_time(asked())
    assert any(m.kind == "seal/1" for m in messages)
    again = forked(messages, live="never")
    assert again.exact
    assert (again.changed, again.flipped) == ((), False)


@pytest.mark.parametrize(
    "fault",
    [
        Silent("p3"),
        Crash("p1", 0.2),
        Lie("p2", "99"),
        Equivocate("p2"),
        Partition(("p0", "p1"), 0.0, 40.0),
        Slow("p4", extra_s=50),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_reached_whom_under_faults_reaches_the_same_again(fault: Any) -> None:
    log = simulated(Debate(patience_s=30), seed=11, faults=[fault], loss=0.2, duplicate=0.1, reorder=0.2)
    again = forked(log, live="never")
    assert again.exact
    assert again.calls_live == 0


def test_a_hundred_simulated_runs_with_faults_are_run_again_byte_for_byte() -> None:
    kinds: list[AskProtocol] = [
        Vote(samples=2),
        Debate(patience_s=30),
        RoundTable(patience_s=30),
        PeerRanking(patience_s=30),
    ]
    faults = [Silent("p3"), Crash("p1", 0.2), Lie("p2", "99"), Equivocate("p2"), Partition(("p0",), 0.0, 40.0)]
    exact = 0
    for seed in range(100):
        log = simulated(kinds[seed % 4], seed=seed, faults=[faults[seed % 5]], loss=0.05 * (seed % 4), duplicate=0.1)
        again = forked(log, live="never")
        exact += {encode(m) for m in log} == {encode(m) for m in again_in_origin(again)}
    assert exact == 100


def again_in_origin(fork: Fork) -> tuple[AnyMessage, ...]:
    """Return a fork's messages in the name of its origin, with the outcome's own decision."""
    from waggledance.core import Retold, fork_of

    first = fork_of(fork.messages)
    assert first is not None
    retold = Retold(first, fork.messages)
    ended = {m.id: m for m in fork.messages if isinstance(m.body, Outcome)}
    assert fork.before is not None
    assert len(ended) == 1
    return tuple(_restored(m, fork.before.id) if isinstance(m.body, Outcome) else m for m in retold.messages)


def _restored(message: AnyMessage, decision: bytes) -> AnyMessage:
    body: Body = msgspec.structs.replace(message.body, decision=decision)
    return compose(
        message.author, body, message.sequence, message.previous, message.parents, message.lamport, message.wall_ms,
        message.swarm, message.channel,
    )[0]  # fmt: skip


def test_more_heard_than_a_message_names_is_heard_again() -> None:
    kept = Kept()
    Swarm([Opinionated(f"p{i}") for i in range(70)], log=kept, protocol=Debate(rounds=2)).ask_sync(SUM)
    again = forked(kept.messages, live="never")
    assert again.exact


# -- something changed ----------------------------------------------------------------------------------------------


def test_what_is_unsaid_reaches_nobody_and_only_who_heard_it_is_asked_anew() -> None:
    messages = recorded("4", "5", "5")
    fork = forked(messages, Unsay(said_by(messages, "p1").id), peers=asked_again)
    assert [(call.peer, call.round) for call in sorted(fork.asked, key=lambda c: c.peer)] == [("p0", 1), ("p2", 1)]
    assert fork.calls_recorded == 4
    assert all(c.peer != "p1" or c.now is None for c in fork.changed)


def test_another_wording_changes_what_follows_from_it() -> None:
    messages = recorded("4", "5", "5")
    fork = forked(messages, Reword(said_by(messages, "p1").id, "4"), peers=asked_again)
    assert fork.before is not None
    assert (fork.before.key, fork.decision.key, fork.flipped) == ("5", "4", True)
    told = str(fork).splitlines()
    assert told[0].startswith(f"{fork.channel}, a fork of {fork.parent}: ")
    assert told[1] == "decided before: 5; now: 4"
    assert told[-1] == f"{fork.calls_live} calls made anew, {fork.calls_recorded} answered from the record"


def test_one_more_word_is_heard_by_who_heard_the_one_before() -> None:
    messages = recorded("4", "5", "5")
    fork = forked(messages, Interject(said_by(messages, "p0").id, "4"), peers=asked_again)
    assert {call.peer for call in fork.asked} == {"p1", "p2"}
    assert sum(isinstance(m.body, Proposal) for m in fork.messages) == 7


def test_another_rule_takes_no_call() -> None:
    messages = recorded("4", "5", "5")
    fork = forked(messages, SwapRule("confidence"), live="never")
    assert (fork.decision.rule, fork.calls_live, fork.changed) == ("confidence", 0, ())


def test_a_peer_with_another_model_says_all_anew_and_others_what_depends_on_it() -> None:
    messages = recorded("4", "5", "5")
    fork = forked(messages, SwapModel("p1", "4"), peers=asked_again)
    assert sorted((call.peer, call.round) for call in fork.asked) == [("p0", 1), ("p1", 0), ("p1", 1), ("p2", 1)]
    assert fork.decision.key == "4"


def test_a_peer_with_another_model_from_a_moment_on_has_said_before_what_it_said() -> None:
    messages = recorded("4", "5", "5")
    at = max((m for m in messages if isinstance(m.body, Proposal) and m.body.round == 0), key=lambda m: m.id)
    fork = forked(messages, SwapModel("p1", "4"), at=at.id, peers=asked_again)
    assert [(call.peer, call.round) for call in fork.asked] == [("p1", 1)]


def test_a_peer_that_is_taken_away_neither_sits_nor_speaks() -> None:
    messages = recorded("4", "5", "5")
    fork = forked(messages, Unseat("p2"), peers=asked_again)
    assert [m.name for m in members_of(fork.messages)] == ["p0", "p1"]
    assert len(fork.decision.names) == 2


def test_a_peer_without_an_answer_then_is_heard_when_it_thinks_with_another_model() -> None:
    def broken(question: str) -> str:
        raise RunFailed("no model here")

    kept = Kept()
    peers = [follower("p0", "4"), follower("p1", "5"), FunctionPeer("p2", broken)]
    Swarm(peers, log=kept, protocol=Vote()).ask_sync(SUM)
    fork = forked(kept.messages, SwapModel("p2", "5"), peers=asked_again)
    assert (fork.decision.key, fork.calls_live) == ("5", 1)


def test_everything_after_a_moment_can_be_asked_anew_though_nothing_has_changed() -> None:
    log = simulated(Debate(rounds=1), seed=5)
    at = max((m for m in log if isinstance(m.body, Proposal) and m.body.round == 0), key=lambda m: (m.lamport, m.id))
    same = forked(log, at=at.id, live="after", peers=opinionated)
    assert same.exact
    assert same.calls_live == 5


def test_other_draws_can_be_had_of_what_is_asked_anew() -> None:
    log = simulated(Vote(), seed=5)
    opening = next(m for m in log if isinstance(m.body, Opening))
    forks = [forked(log, at=opening.id, live="after", peers=opinionated, seed=seed) for seed in range(6)]
    drawn = {tuple(sorted(str(c.now.body.key) for c in fork.changed if c.now is not None)) for fork in forks}
    assert len(drawn) > 1


def test_dropping_all_first_answers_asks_everybody_anew_and_dropping_all_of_a_vote_leaves_nothing() -> None:
    messages = recorded("4", "5", "5", protocol=Vote())
    fork = forked(messages, *(Unsay(said_by(messages, name).id) for name in ("p0", "p1", "p2")), live="never")
    assert (fork.decision.status, fork.decision.key, fork.flipped) == ("undecided", None, True)


@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - {"vote"}))
def test_every_protocol_survives_the_loss_of_everything_that_was_said_first(name: str) -> None:
    kind = PROTOCOLS[name]
    if not kind.__module__.startswith("waggledance.protocols"):
        return
    run = simulate(kind(), SHARED if name == "bargain" else SUM, seed=3, peers=3)
    first = [m for m in run.log if isinstance(m.body, Proposal | Note) and m.body.round == 0]
    fork = forked(run.log, *(Unsay(m.id) for m in first), peers=opinionated)
    assert fork.decision.status in ("decided", "undecided")


def test_a_change_on_which_nothing_rests_changes_nothing_and_the_fork_says_so() -> None:
    run = simulate(Debate(patience_s=30), SUM, seed=11, faults=[Slow("p4", extra_s=500)])
    heard = {id for m in run.log for id in m.parents}
    [decision] = {d.used for d in [run.decision]}
    late = [m for m in run.log if isinstance(m.body, Proposal) and m.id not in heard and m.id not in decision]
    assert late, "a peer as slow as that was heard by nobody"
    fork = forked(run.log, Reword(late[-1].id, "22"), live="never")
    assert fork.calls_live == 0
    assert not fork.flipped
    assert any("nobody built on" in note for note in fork.notes)


# -- a fork is a channel like any other, and never the original ------------------------------------------------------


def test_a_fork_stands_in_the_log_under_its_own_name_and_can_be_decided_again(tmp_path: Path) -> None:
    async def run() -> tuple[Fork, tuple[AnyMessage, ...], tuple[str, ...]]:
        with Log(tmp_path / "log.db") as log:
            swarm = Swarm([follower(f"p{i}", key) for i, key in enumerate("455")], log=log, protocol=Debate(rounds=1))
            asked = await swarm.ask(SUM)
            dropped = said_by(log.read(asked.channel), "p1").id
            fork = await intervene(log, asked.channel, [Unsay(dropped)], peers=asked_again)
            return fork, log.read(fork.channel), tuple(line.forked_from for line in log.channels())

    fork, messages, parents = asyncio.run(run())
    assert parents == ("", fork.parent)
    assert messages == fork.messages
    assert isinstance(messages[0].body, ForkedFrom)
    assert messages[0].body.edits
    assert decide_again(messages).id == fork.decision.id
    assert verify(tmp_path / "log.db").ok


def test_nobody_of_a_fork_is_anybody_of_the_original() -> None:
    messages = recorded("4", "5", "5")
    fork = forked(messages, live="never")
    assert not {m.author for m in messages} & {m.author for m in fork.messages}
    assert not {m.id for m in messages} & {m.id for m in fork.messages}


@pytest.mark.parametrize("seed", range(6))
def test_a_tie_falls_in_a_fork_as_it_fell(seed: int) -> None:
    kept = Kept()
    peers = [follower(f"p{i}", str(i)) for i in range(4)]
    Swarm(peers, log=kept, protocol=Vote(), name=f"s{seed}", seed=seed).ask_sync(SUM)
    fork = forked(kept.messages, live="never", into=f"somewhere-else-{seed}")
    assert fork.before is not None
    assert fork.decision.key == fork.before.key
    assert decide_again(fork.messages).id == fork.decision.id


def test_a_fork_can_be_forked_and_is_compared_with_what_it_comes_from() -> None:
    messages = recorded("4", "5", "5")
    fork = forked(messages, Reword(said_by(messages, "p1").id, "4"), peers=asked_again)
    same = forked(fork.messages, live="never", into="twice")
    assert same.exact
    assert same.decision.key == "4"
    back = forked(fork.messages, Reword(said_by(fork.messages, "p1").id, "5"), peers=asked_again, into="back")
    assert back.decision.key == "5"
    assert compare(messages, back).flipped is False
    assert "4 → 5" in str(compare(fork.messages, back))


def test_histories_of_two_questions_are_not_compared() -> None:
    one, other = recorded("4", "5", "5"), simulate(Vote(), SUM).log
    with pytest.raises(UsageError, match="do not come from one question"):
        compare(one, forked(other, live="never"))


def test_what_a_live_peer_asks_of_its_model_is_told_as_of_its_stand_in() -> None:
    messages = recorded("4", "5", "5")

    def scripted(name: str, model: str) -> Peer:
        return Agent(name, Scripted(["Answer: 4", "Answer: 4"]))

    told: list[Exchange] = []
    heard: list[Words] = []
    forked(
        messages,
        SwapModel("p1", "4"),
        peers=scripted,
        witness=Witness(exchange=told.append, words=heard.append),
        into="other",
    )
    authors = {m.id for m in members_of(messages)}
    assert told
    assert {exchange.channel for exchange in told} == {"other"}
    assert not {exchange.author for exchange in told} & authors
    assert not {words.peer for words in heard} & authors


# -- bad input ------------------------------------------------------------------------------------------------------


def test_the_first_record_that_is_missing_is_named_and_nobody_is_asked() -> None:
    messages = recorded("4", "5", "5")
    with pytest.raises(MissingRecord, match=r"p[02] answers when it is asked to revise in round 1: it heard something"):
        forked(messages, Unsay(said_by(messages, "p1").id), live="never", peers=_nobody)


def _nobody(name: str, model: str) -> Peer:
    raise AssertionError("a live call was made")


def test_a_needed_call_with_nobody_to_make_it_is_an_error_that_says_so() -> None:
    messages = recorded("4", "5", "5")
    with pytest.raises(UsageError, match="no peers were given"):
        forked(messages, Unsay(said_by(messages, "p1").id))


def test_messages_that_are_not_there_and_those_of_the_asker_are_not_changed() -> None:
    messages = recorded("4", "5", "5")
    with pytest.raises(UsageError, match="no message"):
        forked(messages, Unsay(MessageId(bytes(32))))
    for kind in (Opening, Outcome):
        mine = next(m for m in messages if isinstance(m.body, kind))
        with pytest.raises(UsageError, match="of the asker's"):
            forked(messages, Reword(mine.id, "What else?"))
    with pytest.raises(UsageError, match="changed twice"):
        forked(messages, Unsay(said_by(messages, "p0").id), Reword(said_by(messages, "p0").id, "5"))


def test_peers_and_rules_that_there_are_not_are_named() -> None:
    messages = recorded("4", "5", "5")
    for edit in (Unseat("p9"), SwapModel("p9", "4"), SwapRule("majorty")):
        with pytest.raises(UnknownName):
            forked(messages, edit)
    with pytest.raises(UsageError, match="leave at least one"):
        forked(messages, *(Unseat(f"p{i}") for i in range(3)))


def test_a_log_without_its_protocol_and_one_without_an_opening_cannot_be_run_again() -> None:
    async def mine(seat: Any) -> Any:
        await seat.publish(await seat.propose())
        return await Vote()(seat)

    messages = recorded("4", "5", protocol=mine)
    with pytest.raises(UsageError, match="no protocol 'mine'"):
        forked(messages)
    with pytest.raises(UsageError, match="no opening"):
        forked([m for m in messages if not isinstance(m.body, Opening)])
    with pytest.raises(UsageError, match="no messages"):
        forked([])


def test_a_log_from_a_newer_version_is_refused_by_the_kind_that_is_not_known() -> None:
    from waggledance.core import Unknown
    from waggledance.core._message import decode

    messages = recorded("4", "5", "5")
    last = messages[-1]
    newer = Unknown(kind_name="dance/9", raw=b"\x80")
    strange = msgspec.structs.replace(last, body=newer, sequence=last.sequence + 1, previous=last.id)
    strange = decode(encode(strange))
    with pytest.raises(UsageError, match="'dance/9', which this version does not know"):
        forked([*messages, strange])


def test_an_unfinished_run_is_decided_on_what_is_there_or_goes_on_live() -> None:
    messages = recorded("4", "5", "5")
    cut = [m for m in messages if m.author != messages[0].author or isinstance(m.body, Opening)]
    cut = [m for m in cut if not (isinstance(m.body, Proposal) and m.body.round == 1)]
    never = forked(cut, live="never")
    assert (never.before, never.decision.key, never.calls_live) == (None, "5", 0)
    on = forked(cut, peers=asked_again)
    assert (on.decision.key, on.calls_live) == ("5", 3)


def test_a_judgement_is_not_reworded() -> None:
    log = simulated(PeerRanking(), seed=3)
    judgement = next(m for m in log if m.kind == "judgement/1")
    with pytest.raises(UsageError, match="not made of words"):
        forked(log, Reword(judgement.id, "good"), peers=opinionated)


@pytest.mark.parametrize("make", [lambda: Debate(rounds=1), lambda: PeerRanking()])
def test_the_loop_turns_in_any_order_and_the_fork_is_the_same(make: Callable[[], AskProtocol]) -> None:
    log = simulated(make(), seed=2)
    first = next(m for m in log if isinstance(m.body, Proposal))

    class Slowly(Opinionated):
        async def revise(self, call: Any, mine: Any, heard: Any) -> Proposal:
            for _ in range(call.seed % 50):
                await asyncio.sleep(0)
            return await super().revise(call, mine, heard)

    edit = Reword(first.id, "I say 22", "22")
    quick = forked(log, edit, peers=opinionated)

    def slowly(name: str, model: str) -> Peer:
        return Slowly(name)

    slow = forked(log, edit, peers=slowly)
    assert _words(quick) == _words(slow)


def _words(fork: Fork) -> set[tuple[str, int, str, str]]:
    return {(c.peer, c.round, c.kind, getattr(c.now and c.now.body, "text", "")) for c in fork.changed}


def test_a_fork_has_the_budget_that_its_opening_states(tmp_path: Path) -> None:
    peers = [Agent(f"p{i}", Scripted("Answer: 4", name="m")) for i in range(4)]
    with Log(tmp_path / "log.db") as log:
        swarm = Swarm(peers, log=log, protocol=Debate(rounds=2))
        decision = asyncio.run(swarm.ask(SUM, budget=Budget(calls=6)))
        assert any("budget of 6 calls" in note for note in decision.notes)
        said = next(m for m in log.read(decision.channel) if isinstance(m.body, Proposal))
        edits = [Reword(said.id, "Answer: 5")]

        def live(name: str, model: str) -> Peer:
            return Agent(name, Scripted("Answer: 5", name=model))

        bounded = asyncio.run(intervene(log, decision.channel, edits, peers=live))
        free = asyncio.run(intervene(log, decision.channel, edits, peers=live, budget=Budget()))
    assert bounded.calls_live + bounded.calls_recorded <= 6
    assert bounded.spent.calls < free.spent.calls == 8
