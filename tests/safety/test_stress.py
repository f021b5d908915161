"""The search for what breaks a contract: it finds what was planted and shrinks it, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import pytest

from waggledance.consensus import majority
from waggledance.core import Call, Decision, Proposal, Seat, Tool, UnknownName, UsageError, after, everyone
from waggledance.models import Completion, Request, Scripted
from waggledance.network import Constant, Slow, SlowLink
from waggledance.peers import Agent
from waggledance.protocols import Debate, Vote
from waggledance.safety import Duplicated, Perturbation, Reordered, Reworded, Stress, Swapped, ToolFails, contract, each
from waggledance.testing import Opinionated


@dataclass(frozen=True)
class Hasty:
    """A vote with a planted fault: who hears p4 before p1 and before p2 is so struck that it votes twice."""

    name: ClassVar[str] = "hasty"
    patience_s: float = 2.0

    async def __call__(self, seat: Seat, /) -> Decision:
        await seat.publish(await seat.propose())
        seen: set[str] = set()
        with seat.listen() as news:
            while "p4" not in seen and (heard := await news.next(within_s=self.patience_s)):
                seen |= {seat.table.names.get(m.author, "") for m in heard if isinstance(m.body, Proposal)}
        if seat.name == "p0" and "p4" in seen and not seen & {"p1", "p2"}:
            await seat.publish(await seat.propose())
        said = await seat.collect(Proposal, 0, until=everyone | after(self.patience_s))
        return majority(said, (), seat.weights)


def test_it_finds_the_planted_order_within_five_hundred_runs_and_shrinks_it() -> None:
    stress = Stress(Hasty(), network={"delay": Constant(0.05)}, seed=3)
    found = stress.search(500)
    assert found.perturbations is not None
    assert found.runs <= 500
    assert 1 <= len(found.perturbations) <= 3
    assert found.violations[0].contract == "vote-once"
    assert {v.contract for v in found.violations} == {"vote-once"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_finds_the_planted_order_from_every_one_of_twenty_seeds() -> None:
    runs = list[int]()
    for seed in range(20):
        found = Stress(Hasty(), network={"delay": Constant(0.05)}, seed=seed).search(500)
        assert found.perturbations is not None, f"seed {seed}"
        assert len(found.perturbations) <= 3
        runs.append(found.runs)
    print(f"runs to find: median {sorted(runs)[10]}, most {max(runs)}")  # noqa: T201


def test_the_same_seed_searches_alike_and_what_is_found_can_be_played_again() -> None:
    one, other = (Stress(Hasty(), network={"delay": Constant(0.05)}, seed=3).search(60) for _ in range(2))
    assert one == other
    if one.perturbations is not None:
        run = Stress(Hasty(), network={"delay": Constant(0.05)}, seed=3).play(one.perturbations)
        assert any(m.id == one.violations[0].at for m in run.log)


def test_a_sound_protocol_is_not_broken() -> None:
    found = Stress(Debate(rounds=1, patience_s=1)).search(60, most=3)
    assert found.perturbations is None
    assert found.runs == 60


def test_perturbations_can_be_drawn_otherwise() -> None:
    def only_slow(rng: Random, names: Sequence[str], lasts_s: float) -> Perturbation:
        return Slow(rng.choice(names), rng.uniform(0, 9 * lasts_s))

    found = Stress(Hasty(), network={"delay": Constant(0.05)}, draw=only_slow).search(200)
    assert found.perturbations is not None
    assert sorted(each.peer for each in found.perturbations if isinstance(each, Slow)) == ["p1", "p2"]


def test_what_breaks_without_any_perturbation_is_said_at_once() -> None:
    quiet = contract("quiet", each("proposal/1", lambda message, past: "said something" if message.body.text else None))
    found = Stress(Vote(), contracts=[quiet]).search(10)
    assert (found.perturbations, found.runs, found.way) == ((), 1, "none")
    assert found.violations


def test_words_of_others_other_peers_and_failing_tools_are_perturbations() -> None:
    said = Stress(Debate(rounds=1)).play([Reworded("p1", 1, "so I say")]).log
    assert [m.body.text for m in said if m.kind == "proposal/1"].count("so I say") == 1
    plain, swapped = (
        {m.author: m.body.text for m in Stress(Vote(), peers=[Says("a"), Says("b")]).play(some).log
         if m.kind == "proposal/1"}
        for some in ([], [Swapped("a", "b")])
    )  # fmt: skip
    assert sorted(plain.values()) == ["I am a", "I am b"]
    assert sorted(swapped.values()) == ["I am b", "I am b"]
    agents = [Agent("a", Scripted(_asks_a_tool), tools=[Box()])]
    works, fails = (Stress(Vote(), "40 + 2?", peers=agents).play(some) for some in ([], [ToolFails("a", "a*")]))
    assert (works.decision.key, fails.decision.key) == ("42", "0")


class Says(Opinionated):
    async def propose(self, call: Call) -> Proposal:
        return Proposal.of("4", f"I am {self.name}")


class Box:
    async def tools(self) -> list[Tool]:
        return [Tool("add", "Adds.")]

    async def call(self, name: str, arguments: str) -> str:
        return "42"


def _asks_a_tool(request: Request) -> Completion | str:
    from waggledance.core import ToolCall

    results = [turn.text for turn in request.turns if turn.role == "tool"]
    if not results:
        call = (ToolCall("c", "add", "{}"),)
        return Completion(text="", prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.0, calls=call)
    return f"Answer: {results[0] if results[0] == '42' else 0}"


async def _never(seat: Seat, /) -> Decision:
    if len(seat.said(Proposal)) == 0:
        await seat.publish(await seat.propose())
    said = await seat.collect(Proposal, 0, until=everyone)
    return majority(said, (), seat.weights)


def test_a_run_that_waits_for_ever_is_found_too() -> None:
    found = Stress(_never, seed=1).search(200)
    assert found.perturbations is not None
    assert len(found.perturbations) == 1
    assert "waits for" in found.failure


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"most": 0}])
def test_a_search_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least one run"):
        Stress(Vote()).search(**wrong)
    with pytest.raises(UsageError, match="at least one peer"):
        Stress(Vote(), peers=[])


def test_a_perturbation_of_somebody_else_is_refused() -> None:
    for some in ([Reworded("nobody", 0)], [Swapped("p0", "nobody")], [SlowLink("nobody", "p1")]):
        with pytest.raises(UnknownName, match="nobody"):
            Stress(Vote()).play(some)


def test_doubled_and_reordered_mail_breaks_nothing() -> None:
    run = Stress(Debate(rounds=1), seed=2).play([Duplicated(1.0), Reordered(0.7)])
    assert run.decision.key is not None


def test_a_single_peer_can_be_stressed() -> None:
    assert Stress(Vote(patience_s=1), peers=1, contracts=()).search(5).perturbations is None
