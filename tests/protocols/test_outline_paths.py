"""Outline-guided paths on the world of strategies: 16 ways, some popular, a quarter of which fit a question."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Any, Literal

import pytest

from waggledance import Swarm
from waggledance.consensus import bradley_terry
from waggledance.core import (
    UNIT,
    Budget,
    Call,
    Decision,
    Judgement,
    Message,
    Note,
    Proposal,
    Question,
    RunFailed,
    UsageError,
    Verdict,
)
from waggledance.network import Silent
from waggledance.protocols import AskProtocol, OutlinePaths, Vote
from waggledance.testing import Opinionated, simulate
from waggledance.topology import hashed_ngrams

pytestmark = pytest.mark.usefixtures("stopped_wall_clock")

WAYS = 16
KEYS = tuple("ABCDEF")
Fits = Literal["evenly", "popular"]


class World:
    """Which ways fit a question, how popular they are, and which wrong answer each leads to.

    A way that fits is right with .8, another one with .08. Wrong answers belong to the way (``own_errors``), or are
    any of the five.
    """

    def __init__(self, *, popularity: float = 1.3, fits: Fits = "evenly", own_errors: bool = True) -> None:
        self.popularity, self.fits, self.own_errors = popularity, fits, own_errors

    @lru_cache(maxsize=4)  # noqa: B019 — a world lives as long as its test
    def case(self, number: int) -> tuple[str, list[float], frozenset[int], list[str]]:
        """Return the true key, each way's popularity, the ways that fit, and each way's wrong answer."""
        rng = Random(f"case {number}")
        truth = rng.choice(KEYS)
        popular = [(rank + 1) ** -self.popularity for rank in rng.sample(range(WAYS), WAYS)]
        if self.fits == "evenly":
            fit = frozenset(rng.sample(range(WAYS), WAYS // 4))
        else:
            fit = frozenset(w for w in range(WAYS) if rng.random() < WAYS / 4 * popular[w] / sum(popular))
        wrong = [rng.choice([key for key in KEYS if key != truth]) for _ in range(WAYS)]
        return truth, popular, fit, wrong

    def question(self, number: int) -> Question:
        return Question(text=f"Case {number}", expects="choice", options=KEYS)


class Strategist(Opinionated):
    """Follows the way that its guide names, or one drawn by popularity; writes outlines of ways that are not there."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name)
        self.world = world

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        taken = {_way(m.body.text) for m in material}
        return f"way{self._drawn(call, taken)}"

    async def propose(self, call: Call) -> Proposal:
        truth, _, fit, wrong = self.world.case(int(call.question.text.split()[1]))
        way = _way(call.guide[0].body.text) if call.guide else self._drawn(call, set())
        rng = Random(call.seed + 1)
        error = wrong[way] if self.world.own_errors else rng.choice([key for key in KEYS if key != truth])
        key = truth if rng.random() < (0.8 if way in fit else 0.08) else error
        return Proposal.of(key, f"{key} by way{way}")

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        truth = self.world.case(int(call.question.text.split()[1]))[0]
        knows = Random(call.seed).random() < 0.8
        first = (
            (a.body.key == truth) == knows if truth in (a.body.key, b.body.key) else Random(call.seed).random() < 0.5
        )
        return Verdict((a.id, b.id), (UNIT, 0) if first else (0, UNIT))

    def _drawn(self, call: Call, taken: set[int]) -> int:
        popular = self.world.case(int(call.question.text.split()[1]))[1]
        free = [way for way in range(WAYS) if way not in taken] or list(range(WAYS))
        return Random(call.seed).choices(free, [popular[way] for way in free])[0]


def _way(text: str) -> int:
    return int(text.removeprefix("way"))


class Kept:
    """A journal that keeps the answers of every question."""

    def __init__(self) -> None:
        self.said: dict[str, list[Message[Any]]] = {}

    def append(self, message: Message[Any], raw: bytes, /) -> None:
        self.said.setdefault(message.channel, []).append(message)

    async def flush(self) -> None: ...

    def __len__(self) -> int:
        return 0

    def __contains__(self, channel: str, /) -> bool:
        return False


def measured(protocol: AskProtocol, world: World, questions: int, peers: int = 8) -> tuple[float, float, float]:
    """Return in how many per cent of questions at least one path is right, and the decision; and distinct answers."""
    any_right = decided = distinct = 0
    for number in range(questions):
        kept = Kept()
        swarm = Swarm([Strategist(f"p{i}", world) for i in range(peers)], protocol=protocol, seed=number, log=kept)
        decision = swarm.ask_sync(world.question(number))
        [said] = kept.said.values()
        answers = {m.body.key for m in said if isinstance(m.body, Proposal)}
        truth = world.case(number)[0]
        any_right += truth in answers
        decided += decision.key == truth
        distinct += len(answers)
    return 100 * any_right / questions, 100 * decided / questions, distinct / questions


def test_paths_along_outlines_more_often_hold_a_right_answer_and_lead_to_it() -> None:
    world = World()
    alone, guided = (measured(protocol, world, 200) for protocol in (Vote(), OutlinePaths()))
    assert guided[0] - alone[0] >= 5, (alone, guided)
    assert guided[1] - alone[1] >= 3, (alone, guided)
    assert guided[2] > alone[2]


def test_where_the_favourite_ways_are_the_better_ones_forced_variety_costs_a_majority_much() -> None:
    world = World(fits="popular")
    alone, guided = (measured(protocol, world, 100) for protocol in (Vote(), OutlinePaths()))
    assert alone[1] - guided[1] >= 15, (alone, guided)


def test_handing_outlines_round_without_mending_repeats_changes_nothing() -> None:
    world = World()
    alone, guided = (measured(protocol, world, 400) for protocol in (Vote(), OutlinePaths(redrafts=0)))
    assert abs(guided[0] - alone[0]) < 5, (alone, guided)


@pytest.mark.slow
def test_the_table_of_the_world_of_strategies() -> None:
    n = 600
    one, own = measured(Vote(), World(), n), measured(OutlinePaths(redrafts=2), World(), n)
    assert own[0] - one[0] >= 5
    assert own[1] - one[1] >= 3
    any_alone = measured(Vote(), World(own_errors=False), n)
    any_guided = measured(OutlinePaths(redrafts=2), World(own_errors=False), n)
    assert any_guided[0] - any_alone[0] >= 5
    assert abs(any_guided[1] - any_alone[1]) < 6, "errors of no pattern: a majority gains little by variety"
    even_alone = measured(Vote(), World(popularity=0.0), n)
    even_guided = measured(OutlinePaths(redrafts=2), World(popularity=0.0), n)
    assert -1 < even_guided[0] - even_alone[0] < own[0] - one[0], "nothing is popular: little to gain"
    judged = measured(OutlinePaths(redrafts=2, decide=bradley_terry), World(), n)
    assert judged[1] - own[1] >= 20, "with judges, more right answers become more right decisions"


def run_of(protocol: OutlinePaths, peers: int = 6, **options: Any) -> tuple[Decision, list[Message[Any]]]:
    world = World()
    kept = Kept()
    swarm = Swarm([Strategist(f"p{i}", world) for i in range(peers)], protocol=protocol, seed=5, log=kept)
    decision = swarm.ask_sync(world.question(5), **options)
    return decision, next(iter(kept.said.values()))


def test_each_answer_names_the_one_outline_that_it_was_made_along_and_none_is_used_twice() -> None:
    _, said = run_of(OutlinePaths(redrafts=3))
    notes = {m.id: m for m in said if isinstance(m.body, Note)}
    proposals = [m for m in said if isinstance(m.body, Proposal)]
    followed = [m.body.refs for m in proposals]
    assert all(len(refs) == 1 for refs in followed)
    assert len(set(followed)) == len(proposals) == 6
    assert all(m.body.text.endswith(notes[m.body.refs[0]].body.text) for m in proposals)
    assert sum(notes[m.body.refs[0]].author == m.author for m in proposals) <= 1
    assert len({notes[m.body.refs[0]].body.text for m in proposals}) == 6


def test_the_decision_tells_which_outlines_led_to_which_answer() -> None:
    decision, said = run_of(OutlinePaths())
    led = [note for note in decision.notes if "found along" in note]
    keys = {m.body.key for m in said if isinstance(m.body, Proposal)}
    assert {note.partition(":")[0] for note in led} == keys
    assert any("share" in note and "of their words" in note for note in decision.notes)


def test_a_rule_on_judgements_has_peers_compare_and_needs_that_skill() -> None:
    assert OutlinePaths().skills == {"propose", "note"}
    protocol = OutlinePaths(decide=bradley_terry, comparisons=2)
    assert protocol.skills == {"propose", "note", "compare"}
    decision, said = run_of(protocol)
    judgements = [m for m in said if isinstance(m.body, Judgement)]
    assert len(judgements) == 6
    assert all(len(m.body.verdicts) <= 2 for m in judgements)
    assert {m.id for m in judgements} <= set(decision.used)


class Mute(Strategist):
    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        raise RunFailed("no words")


def test_who_writes_no_outline_answers_in_its_own_way() -> None:
    world, kept = World(), Kept()
    peers = [Mute("p0", world), *(Strategist(f"p{i}", world) for i in range(1, 4))]
    Swarm(peers, protocol=OutlinePaths(), seed=2, log=kept).ask_sync(world.question(1))
    said = next(iter(kept.said.values()))
    mute = next(m.author for m in said if isinstance(m.body, Note) and m.body.lapse == "no words")
    assert [m.body.refs for m in said if isinstance(m.body, Proposal) and m.author == mute] == [()]
    assert all(m.body.refs for m in said if isinstance(m.body, Proposal) and m.author != mute)


def test_with_a_budget_for_one_message_each_nobody_writes_an_outline() -> None:
    decision, said = run_of(OutlinePaths(), budget=Budget(messages=6))
    assert not [m for m in said if isinstance(m.body, Note)]
    assert decision.key is not None
    assert any("6 messages" in note for note in decision.notes)


def test_outlines_can_be_compared_by_meaning() -> None:
    decision, _ = run_of(OutlinePaths(embed=hashed_ngrams, near=0.2))
    assert decision.key is not None


def test_a_silent_peer_costs_one_wait() -> None:
    run = simulate(OutlinePaths(patience_s=30), "2+2?", peers=5, seed=4, faults=[Silent("p3")])
    assert len({decision.id for decision in run.honest}) == 1
    assert run.virtual_s < 61


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"redrafts": -1}, "redrafts=-1"),
        ({"near": 1.5}, "near=1.5"),
        ({"comparisons": 0}, "comparisons=0"),
        ({"embed": 3}, "embed=3"),
        ({"patience_s": -1.0}, "patience"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        OutlinePaths(**options)
