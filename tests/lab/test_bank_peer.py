from pathlib import Path

import pytest

from waggledance import Swarm
from waggledance.core import UNIT, Proposal, Question, RunFailed, UnknownName, UsageError
from waggledance.lab import Arm, RunLog, Score, Task, compare
from waggledance.lab._bank import Bank, digest_of
from waggledance.lab._bank_peer import BankCrowd, BankPeer
from waggledance.lab._due import RecordPlan
from waggledance.lab._overheard import a_call, as_message
from waggledance.lab._record import record
from waggledance.models import Request, Scripted
from waggledance.protocols import PeerRanking, Vote

QUESTIONS = {f"q{i}": Question(text=f"How many legs do {i} dogs have?", expects="number") for i in range(8)}


def says(request: Request) -> str:
    if "Better:" in request.turns[2].text:
        return "Better: Second" if request.seed % 4 else "Hm."
    return f"Answer: {4 + request.seed % 3}\nConfidence: 70%"


@pytest.fixture
async def bank(tmp_path: Path) -> Bank:
    models = {name: (lambda name=name: Scripted(says, name=name)) for name in ("m", "n")}
    await record(models, QUESTIONS, RecordPlan(samples=6, judged=6, judged_samples=3), tmp_path / "bank.jsonl")
    return Bank.at(tmp_path / "bank.jsonl")


async def test_a_peer_says_what_was_recorded_at_its_price(bank: Bank) -> None:
    question = QUESTIONS["q3"]
    call = a_call(question, 99)
    said = await BankPeer("p", bank, "n", [4]).propose(call)
    line = bank.answer(digest_of(question), "n", 4)
    assert line is not None
    assert (said.key, said.confidence_ppm) == (line.answer, 700_000)
    assert said.text == line.completion.text
    assert call.cost.tokens == line.completion.prompt_tokens + line.completion.completion_tokens > 0


async def test_a_vote_over_a_bank_counts_the_recorded_answers(bank: Bank) -> None:
    question = QUESTIONS["q1"]
    peers = [BankPeer(f"{model}{k}", bank, model, [k]) for model in ("m", "n") for k in range(3)]
    decision = await Swarm(peers).ask(question, protocol=Vote())
    recorded = [bank.answer(digest_of(question), model, k) for model in ("m", "n") for k in range(3)]
    keys = [line.answer for line in recorded if line is not None]
    assert decision.support == {key: keys.count(key) * UNIT for key in set(keys)}


async def test_peers_of_a_bank_rank_each_other_with_recorded_verdicts(bank: Bank) -> None:
    peers = [BankPeer(f"{model}{k}", bank, model, [k]) for model in ("m", "n") for k in range(3)]
    for id in list(QUESTIONS)[:6]:
        decision = await Swarm(peers).ask(QUESTIONS[id], protocol=PeerRanking())
        assert decision.key in {"4", "5", "6"}


async def test_a_verdict_is_the_recorded_one_whichever_way_round_it_is_asked(bank: Bank) -> None:
    lines = [line for line in bank.comparisons if line.scores is not None]
    assert lines
    for line in lines:
        assert line.scores is not None
        if bank.verdict(line.digest, line.model, line.second_answer, line.first_answer) is not None:
            continue  # recorded both ways: each way has its own verdict
        a, b = (as_message(key, "x", Proposal(key=key)) for key in (line.first_answer, line.second_answer))
        judge, call = BankPeer("j", bank, line.model, [0]), a_call(QUESTIONS[line.question], 0)
        there, back = await judge.compare(call, a, b), await judge.compare(call, b, a)
        assert (there.subjects, there.scores) == ((a.id, b.id), line.scores)
        assert (back.subjects, back.scores) == ((b.id, a.id), line.scores[::-1])


async def test_what_was_not_recorded_fails_with_what_is_missing(bank: Bank) -> None:
    peer, call = BankPeer("p", bank, "m", [9]), a_call(QUESTIONS["q0"], 0)
    with pytest.raises(RunFailed, match="answer 9 of m"):
        await peer.propose(call)
    a, b, none = (as_message(key or "-", "x", Proposal(key=key)) for key in ("4", "77", None))
    with pytest.raises(RunFailed, match="a comparison of 4 and 77 by m is not in the bank"):
        await peer.compare(call, a, b)
    with pytest.raises(RunFailed, match="without an answer"):
        await peer.compare(call, a, none)
    unread = next(line for line in bank.comparisons if line.scores is None)
    a, b = (as_message(key, "x", Proposal(key=key)) for key in (unread.first_answer, unread.second_answer))
    with pytest.raises(RunFailed, match="no verdict"):
        await BankPeer("p", bank, unread.model, [0]).compare(a_call(QUESTIONS[unread.question], 0), a, b)
    with pytest.raises(UsageError, match="cannot revise"):
        await peer.revise(call, a, [b])


async def test_a_peer_that_has_no_more_samples_abstains_and_costs_nothing(bank: Bank) -> None:
    decision = await Swarm([BankPeer("p", bank, "m", [0, 1])]).ask(QUESTIONS["q0"], protocol=Vote(samples=4))
    lines = [bank.answer(digest_of(QUESTIONS["q0"]), "m", k) for k in (0, 1)]
    assert [d.reason for d in decision.dissent if d.key is None] == [
        "peer 'p' has 2 recorded answers and was asked for more"
    ] * 2
    assert decision.cost.tokens == sum(
        line.completion.prompt_tokens + line.completion.completion_tokens for line in lines if line is not None
    )


async def test_seats_of_one_model_never_give_the_same_sample(bank: Bank) -> None:
    crowd = BankCrowd(bank, ["m", "n", "m", "m"])
    assert list(crowd.models.items()) == [("m/1", "m"), ("n", "n"), ("m/2", "m"), ("m/3", "m")]
    task = Task(family="dogs", question=QUESTIONS["q0"])
    firsts: set[int] = set()
    for repeat in range(20):
        peers = [peer for peer in crowd.seat(task, repeat) if isinstance(peer, BankPeer)]
        dealt = [number for peer in peers if peer.model == "m" for number in peer.samples]
        assert sorted(dealt) == list(range(6))
        assert peers[0].samples == next(p.samples for p in crowd.seat(task, repeat) if isinstance(p, BankPeer))
        firsts.add(peers[0].samples[0])
    assert len(firsts) > 3
    assert (crowd.samples("m"), crowd.samples("n"), crowd.alone("m").samples("m")) == (2, 6, 6)


async def test_a_crowd_of_strangers_of_nobody_or_of_too_many_is_refused(bank: Bank) -> None:
    with pytest.raises(UnknownName, match="model in the bank"):
        BankCrowd(bank, ["o"])
    with pytest.raises(UsageError, match="at least one"):
        BankCrowd(bank, [])
    with pytest.raises(UsageError, match="sits 7 times and has 6"):
        BankCrowd(bank, ["m"] * 7)


async def test_nothing_is_claimed_of_an_arm_that_asks_for_what_a_bank_does_not_hold(bank: Bank, tmp_path: Path) -> None:
    tasks = [Task(family="dogs", question=question, key="4") for question in QUESTIONS.values()]
    crowd = BankCrowd(bank, ["m", "m", "n", "n"])
    arms = [Arm(name, crowd, name) for name in ("vote", "peer-ranking")]  # judged were six of the eight
    report = await compare(arms, tasks, score=right, folder=tmp_path / "lab")
    (against,) = report.against_first
    assert against.verdict == "left out"
    assert against.why.startswith("in 1 of 8 runs the bank lacks answers or judgements")
    assert "- peer-ranking is left out of claims: in 1 of 8 runs" in report.markdown()
    assert not [arm.name for arm in report.about.arms if arm.name == "vote" and arm.left_out]


async def test_what_was_judged_is_what_is_answered_in_the_first_repeat(tmp_path: Path) -> None:
    models = {name: (lambda name=name: Scripted(says, name=name)) for name in ("m", "n", "o")}
    await record(models, QUESTIONS, RecordPlan(samples=6, judged=8, judged_samples=1), tmp_path / "bank.jsonl")
    crowd = BankCrowd(Bank.at(tmp_path / "bank.jsonl"))
    tasks = [Task(family="dogs", question=question, key="4") for question in QUESTIONS.values()]
    arms = [Arm(name, crowd, name) for name in ("vote", "peer-ranking")]
    (against,) = (await compare(arms, tasks, score=right, folder=tmp_path / "lab")).against_first
    assert against.verdict != "left out"


def right(task: Task, run: RunLog) -> Score:
    return Score.of(run.decision.key == task.key)
