"""Finding out why a run came out wrong: the culprit is found by changing it, and nobody innocent is convicted."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from waggledance import Agent, FunctionPeer, Question, Swarm
from waggledance.core import UNIT, Log, Message, Peer, Proposal, UsageError, members_of
from waggledance.lab import Diagnosis, Suspect, debug
from waggledance.models import Completion, Request
from waggledance.protocols import Debate, PeerRanking, Vote
from waggledance.safety import Fork, Intervention, Reword, Violation
from waggledance.testing import Opinionated

KINDS = ("wrong instruction", "dropped fact", "stale memory", "wrong tool argument", "early stop")
SUM = Question(text="What do the two come to?", expects="number")
AnyMessage = Message[Any]


# -- a small team whose runs fail in a known way ---------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """A planner, two who know a number each, one with a tool, a writer, perhaps a bystander; and what goes wrong."""

    a: int
    b: int
    adds: bool
    faults: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def drawn(cls, seed: int, *faults: str) -> Job:
        rng = Random(seed)
        names = [f"p{i}" for i in range(5 + seed % 2)]
        rng.shuffle(names)
        return cls(rng.randrange(20, 50), rng.randrange(2, 20), rng.random() < 0.5, faults, tuple(names))

    @property
    def result(self) -> int:
        return self.a + self.b if self.adds else self.a - self.b

    def says(self, role: int, heard: Sequence[str], round: int, *, faulty: bool = True) -> str:
        """Return what a role says in a round, having heard texts; with its fault, or without."""
        fault = frozenset(self.faults if faulty else ())
        known = " ".join(heard)
        if round == 2:
            done = [text for text in heard if text.startswith("done")]
            found = re.findall(r"= (-?\d+)", " ".join(done) or known)
            return f"Answer: {found[-1] if found else 'unknown'}"
        match role:
            case 0:
                adds = self.adds != ("wrong instruction" in fault)
                return f"plan: {'add' if adds else 'subtract'} the two"
            case 1:
                return f"fact: a is {self.a + (7 if 'stale memory' in fault else 0)}"
            case 2:
                return "fact: nothing known" if "dropped fact" in fault else f"fact: b is {self.b}"
            case 3 if round == 1:
                facts = dict(re.findall(r"fact: ([ab]) is (-?\d+)", known))
                a, b = (int(facts.get(name, 1)) for name in "ab")
                b += 5 if "wrong tool argument" in fault else 0
                adds = "plan: add" in known
                return f"tool: {'add' if adds else 'subtract'}({a}, {b}) = {a + b if adds else a - b}"
            case 4 if round == 1:
                return f"done: as far as I see = {self.a}" if "early stop" in fault else "waiting for the tool"
            case _:
                return "waiting" if role in (3, 4) else "good to see you all"

    def role_of(self, name: str) -> int:
        return self.names.index(name)

    def peer(self, name: str, model: str = "") -> FunctionPeer:
        role, job = self.role_of(name), self

        def revise(question: str, own: str, heard: list[str]) -> str:
            round = 2 if any(text.startswith("tool:") for text in (own, *heard)) else 1
            if round == 1 and role < 3:
                return own
            return job.says(role, (own, *heard), round)

        return FunctionPeer(name, lambda question: job.says(role, (), 0), revise=revise)

    def progress(self, fork: Fork) -> int:
        """Return how many of the milestones a history reaches: plan, both facts, tool, answer."""
        texts = " ".join(m.body.text for m in fork.messages if isinstance(m.body, Proposal) and m.body.round < 2)
        right = "add" if self.adds else "subtract"
        reached = [
            f"plan: {right}" in texts,
            f"a is {self.a}" in texts,
            f"b is {self.b}" in texts,
            f"tool: {right}({self.a}, {self.b})" in texts,
            fork.decision.key == str(self.result),
        ]
        return UNIT * sum(reached) // len(reached)

    async def mend(self, suspect: Suspect, messages: Sequence[AnyMessage]) -> Sequence[Intervention]:
        """Propose what the role would say without a fault; of what is right already, the same in other words."""
        message = next(m for m in messages if m.id == suspect.id)
        if message.body.text.startswith("waiting"):
            return ()
        heard = [m.body.text for m in messages if m.id in message.parents and isinstance(m.body, Proposal)]
        better = self.says(self.role_of(suspect.peer), heard, suspect.round, faulty=False)
        return [Reword(suspect.id, better if better != message.body.text else f"{better}, indeed")]

    def culprits(self, messages: Sequence[AnyMessage]) -> set[bytes]:
        """Return the messages in which faults show first."""
        by_role = {self.role_of(member.name): member.id for member in members_of(messages)}
        where = {"wrong instruction": (0, 0), "stale memory": (1, 0), "dropped fact": (2, 0),
                 "wrong tool argument": (3, 1), "early stop": (4, 1)}  # fmt: skip
        at = {(by_role[where[fault][0]], where[fault][1]) for fault in self.faults}
        return {m.id for m in messages if isinstance(m.body, Proposal) and (m.author, m.body.round) in at}


@dataclass(frozen=True)
class Grounded:
    """A tool is called with numbers that were told, and nobody is done before a tool was called."""

    name: str = "grounded"
    scope: str = "proposal/1"

    def start(self) -> tuple[str, ...]:
        return ()

    def step(self, state: tuple[str, ...], message: AnyMessage, past: Any) -> tuple[str, ...] | Violation:
        text = message.body.text
        if text.startswith("tool:"):
            told = set(re.findall(r"is (-?\d+)", " ".join(state))) | {"1"}
            if not set(re.findall(r"\((-?\d+), (-?\d+)\)", text)[0]) <= told:
                return Violation(why="a number that nobody told")
        if text.startswith("done") and not any(t.startswith("tool:") for t in state):
            return Violation(why="done before any tool was called")
        return (*state, text)


async def diagnosed(folder: Path, job: Job, **how: Any) -> tuple[Diagnosis, tuple[AnyMessage, ...]]:
    with Log(folder / f"{len(list(folder.iterdir()))}.db") as log:
        swarm = Swarm([job.peer(name) for name in sorted(job.names)], log=log, protocol=Debate(rounds=2))
        asked = await swarm.ask(SUM)
        assert asked.key != str(job.result), "the run fails"
        messages = log.read(asked.channel)
        found = await debug(
            log, asked.channel, str(job.result), peers=job.peer, mend=job.mend, contracts=[Grounded()],
            progress=job.progress, **how,
        )  # fmt: skip
    return found, messages


# -- the card's acceptance -------------------------------------------------------------------------------------------


def test_of_sixty_planted_failures_the_culprit_is_found_in_most_and_never_acquitted(tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    for seed in range(60):
        fault = KINDS[seed % 5]
        diagnosis, messages = asyncio.run(diagnosed(tmp_path, Job.drawn(seed, fault)))
        culprits = Job.drawn(seed, fault).culprits(messages)
        found[fault] += any(s.id in culprits for tried in diagnosis.of("validated") for s in tried.suspects)
        refuted = {s.id for tried in diagnosis.of("refuted") for s in tried.suspects}
        assert not refuted & culprits, f"seed {seed}: the culprit ({fault}) was acquitted"
        assert diagnosis.replays <= 6
        assert diagnosis.control.turned == 0
    assert sum(found.values()) >= 48, found
    assert min(found[kind] for kind in KINDS) >= 6, found


@pytest.mark.parametrize("seed", range(6))
def test_of_two_faults_each_repair_helps_partly_and_both_together_turn_the_outcome(tmp_path: Path, seed: int) -> None:
    job = Job.drawn(2 * seed, "wrong instruction", "stale memory")
    diagnosis, messages = asyncio.run(diagnosed(tmp_path, job, replays=8))
    culprits = job.culprits(messages)
    partly = {s.id for tried in diagnosis.of("partly") for s in tried.suspects}
    assert culprits <= partly
    [both] = diagnosis.of("validated")
    assert {s.id for s in both.suspects} == culprits
    assert len(both.edits) == 2


# -- the pieces ------------------------------------------------------------------------------------------------------


def test_a_flip_that_comes_without_the_repair_as_well_is_luck(tmp_path: Path) -> None:
    """The peers have changed their minds since: asked anew, they answer right whatever is changed."""
    diagnosis = asyncio.run(_changed_minds(tmp_path))
    assert diagnosis.control.turned == 1
    assert not diagnosis.of("validated")
    assert any("luck" in tried.why for tried in diagnosis.of("inconclusive"))


async def _changed_minds(folder: Path) -> Diagnosis:
    def then(name: str) -> FunctionPeer:
        return FunctionPeer(name, lambda _: "Answer: 5", revise=lambda question, own, heard: "Answer: 5")

    def now(name: str, model: str) -> Peer:
        return FunctionPeer(name, lambda _: "Answer: 4", revise=lambda question, own, heard: "Answer: 4")

    with Log(folder / "log.db") as log:
        asked = await Swarm([then(f"p{i}") for i in range(3)], log=log, protocol=Debate(rounds=1)).ask(SUM)
        return await debug(log, asked.channel, "4", peers=now)


def test_without_a_seed_the_control_has_other_luck_than_the_original(tmp_path: Path) -> None:
    """A model that is wrong with the original's luck only: a control with the same would say that nothing is luck."""
    model = WrongAtFirst()

    def seated(name: str, _: str = "") -> Peer:
        return Agent(name, model)

    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([seated(f"p{i}") for i in range(3)], log=log, protocol=Debate(rounds=1))
        asked = swarm.ask_sync(SUM)
        model.later = True
        diagnosis = asyncio.run(debug(log, asked.channel, "4", peers=seated))
    assert asked.key == "5"
    assert diagnosis.control.turned == 1
    assert not diagnosis.of("validated")


class WrongAtFirst:
    """A model whose answer is a matter of luck alone: 5 with the seeds of its first run, 4 with all others."""

    name = "scripted:luck"

    def __init__(self) -> None:
        self.later, self._unlucky = False, set[int]()

    async def complete(self, request: Request) -> Completion:
        if not self.later:
            self._unlucky.add(request.seed)
        text = f"Answer: {5 if request.seed in self._unlucky else 4}"
        return Completion(text=text, prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.0)

    async def aclose(self) -> None:
        """Do nothing."""


def test_a_diagnosis_is_a_tree_in_words_and_in_json(tmp_path: Path) -> None:
    diagnosis, _ = asyncio.run(diagnosed(tmp_path, Job.drawn(3, "wrong tool argument")))
    text = str(diagnosis)
    assert "control" in text
    assert "validated" in text
    assert all(fork.channel in text for tried in diagnosis.tried for fork in tried.forks)
    plain = msgspec.json.decode(msgspec.json.encode(diagnosis.to_plain()))
    assert plain["tried"][0]["verdict"] in ("validated", "partly", "refuted", "inconclusive")
    assert plain["control"]["forks"][0]["channel"]


def test_the_first_violation_of_a_contract_is_the_first_suspect(tmp_path: Path) -> None:
    diagnosis, messages = asyncio.run(diagnosed(tmp_path, Job.drawn(8, "wrong tool argument")))
    [first] = diagnosis.tried[0].suspects
    assert "breaks" in first.why or "break the contract" in first.why
    assert first.id in Job.drawn(8, "wrong tool argument").culprits(messages)


def test_replays_by_several_draws_each_count(tmp_path: Path) -> None:
    diagnosis, _ = asyncio.run(diagnosed(tmp_path, Job.drawn(1, "dropped fact"), runs=2, replays=8))
    assert len(diagnosis.control.forks) == 2
    assert all(len(tried.forks) == 2 for tried in diagnosis.tried)
    assert diagnosis.replays <= 8


def asked_in(folder: Path, answers: Sequence[str]) -> tuple[Log, str]:
    log = Log(folder / "log.db")
    peers = [FunctionPeer(f"p{i}", _saying(text)) for i, text in enumerate(answers)]
    return log, Swarm(peers, log=log, protocol=Vote()).ask_sync(SUM).channel


def _saying(text: str) -> Callable[[str], str]:
    return lambda _: f"Answer: {text}"


def test_a_run_that_came_out_right_is_not_debugged(tmp_path: Path) -> None:
    log, channel = asked_in(tmp_path, "445")
    with log, pytest.raises(UsageError, match="came out right"):
        asyncio.run(debug(log, channel, "4", peers=lambda name, _: Opinionated(name)))


def test_a_control_and_one_repair_are_the_least(tmp_path: Path) -> None:
    log, channel = asked_in(tmp_path, "555")
    with log:
        for replays, runs in ((1, 1), (5, 3), (2, 0)):
            with pytest.raises(UsageError, match="a control and one repair"):
                asyncio.run(
                    debug(log, channel, "4", peers=lambda name, _: Opinionated(name), replays=replays, runs=runs)
                )


def test_where_nobody_hears_anybody_only_the_outcome_itself_can_turn(tmp_path: Path) -> None:
    log, channel = asked_in(tmp_path, "554")
    with log:
        found = asyncio.run(debug(log, channel, "4", peers=lambda name, _: FunctionPeer(name, _saying("5"))))
    assert not found.of("validated")


def test_a_claim_that_its_judges_reject_is_suspected(tmp_path: Path) -> None:
    from waggledance.lab import suspects
    from waggledance.protocols import Refinement

    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([Opinionated(f"p{i}") for i in range(5)], log=log, protocol=Refinement(), seed=14)
        messages = log.read(swarm.ask_sync(Question(text="2 + 2?", expects="number")).channel)
    assert any("judges reject" in s.why for s in suspects(messages, lambda key: key == "4"))


def test_suspects_are_the_same_in_any_order_of_the_messages(tmp_path: Path) -> None:
    from waggledance.lab import suspects

    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([Opinionated(f"p{i}") for i in range(5)], log=log, protocol=PeerRanking(), seed=5)
        messages = log.read(swarm.ask_sync(Question(text="2 + 2?", expects="number")).channel)
    shuffled = Random(1).sample(messages, k=len(messages))
    assert suspects(messages, lambda key: False) == suspects(shuffled, lambda key: False)
