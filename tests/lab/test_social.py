from collections.abc import Sequence
from random import Random

import pytest

from waggledance import Swarm
from waggledance.core import Call, Message, Proposal, UsageError
from waggledance.lab import (
    NO_CONFORMITY,
    Conformity,
    conformity,
    consistency,
    flips,
    majority_of,
    strategy_tree,
    trace_of,
    wavering,
    win_tie,
)
from waggledance.protocols import Society
from waggledance.testing import W1, Opinionated, simulate

TRACE = [["A", "A", "C"], ["A", "A", "A"]]


def test_a_third_peer_that_takes_over_the_two_others_answer_conforms_in_both_versions() -> None:
    for version, tt in ((1, 0), (2, 2)):
        seen = conformity(TRACE, "A", version=version)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert seen.events == {"tt": tt, "tf": 0, "ft": 1, "ff": 0}
        assert seen.chances == seen.events


def test_events_are_typed_by_truth_before_and_after() -> None:
    assert conformity(TRACE, "C").events["tf"] == 1
    assert conformity(TRACE, "B").events["ff"] == 1
    kept = conformity([["A", "A", "C"], ["A", "A", "C"]], "A")
    assert (kept.events["ft"], kept.chances["ft"], kept.rate("ft")) == (0, 1, 0.0)
    assert kept.rate("tt") is None, "a peer that keeps A against A and C has heard no majority"


def test_where_no_answer_has_more_than_half_nobody_can_conform() -> None:
    for trace in ([["A", "B", "C"], ["A", "A", "A"]], [[None] * 3, ["A"] * 3], [["A"], ["B"]], [], [["A", "B"]]):
        assert conformity(trace, "A") == NO_CONFORMITY
    assert majority_of([None, None, "A"]) is None


def test_counts_of_several_questions_add_up() -> None:
    both = conformity(TRACE, "A") + conformity(TRACE, "C")
    assert both == Conformity({"tt": 0, "tf": 1, "ft": 1, "ff": 0}, {"tt": 0, "tf": 1, "ft": 1, "ff": 0})


def test_a_peer_that_comes_back_wavers_and_one_that_only_leaves_flips() -> None:
    assert (flips([["A"], ["B"], ["C"]]), wavering([["A"], ["B"], ["C"]])) == (2, 0)
    assert (flips([["A"], ["B"], ["A"]]), wavering([["A"], ["B"], ["A"]])) == (2, 1)
    assert (flips([["A"], ["A"], ["A"]]), wavering([["A"], ["A"], ["A"]])) == (0, 0)
    assert (flips([["A"], [None], ["A"]]), wavering([["A"], [None], ["A"]])) == (2, 1)


def test_a_trace_with_unequal_rounds_is_refused() -> None:
    for measure in (flips, wavering, consistency):
        with pytest.raises(UsageError, match="rounds are unequal"):
            measure([["A", "B"], ["A"]])
    with pytest.raises(UsageError, match="rounds are unequal"):
        conformity([["A", "B"], ["A"]], "A")
    with pytest.raises(UsageError, match="versions 1 and 2, got 3"):
        conformity(TRACE, "A", version=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_ties_are_no_losses_in_a_comparison_of_strategies() -> None:
    table = win_tie({"000": [1, 0, 1, 1], "111": [1, 1, 0, 0]})
    assert table["000", "111"] == 0.75
    assert table["111", "000"] == 0.5


@pytest.mark.parametrize("scores", [{}, {"0": [], "1": []}, {"0": [1.0], "1": [1.0, 0.0]}, {"0": [float("nan")]}])
def test_scores_that_cannot_be_compared_are_refused(scores: dict[str, list[float]]) -> None:
    with pytest.raises(UsageError):
        win_tie(scores)


def test_a_trace_is_what_a_channel_says_round_by_round() -> None:
    run = simulate(Society("001"), "2+2?", peers=3)
    trace = trace_of(run.log)
    assert [len(answers) for answers in trace] == [3] * 4
    last = {m.author: m.body.key for m in run.log if isinstance(m.body, Proposal) and m.body.round == 3}
    assert trace[-1] == tuple(last[peer] for peer in sorted(last))
    assert trace_of([]) == ()


# -- W1 with traits: peers that adopt the others' majority with a chance of their own ----------------------------------

ADOPTS = {"easy-going": 0.8, "overconfident": 0.2}
CHANGES_ALONE = 0.3


class Social(Opinionated):
    """Says what a world's peer says; takes over a majority by its trait, and changes at random when left alone."""

    def __init__(self, world: W1, index: int, trait: str) -> None:
        super().__init__(f"peer-{index}")
        self.world, self.index, self.adopts = world, index, ADOPTS[trait]

    async def propose(self, call: Call) -> Proposal:
        return await self.world.seats()[self.index].propose(call)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        rng, most = Random(call.seed), majority_of([m.body.key for m in heard])
        if not heard and rng.random() < CHANGES_ALONE:
            return Proposal.of(rng.choice("ABCD"))
        return Proposal.of(most if most is not None and rng.random() < self.adopts else mine.body.key)


async def traces(
    strategies: Sequence[str], easy_going: int, questions: int
) -> dict[str, list[tuple[str, list[list[str | None]]]]]:
    world = W1(peers=3, seed=9)
    peers = [Social(world, i, "easy-going" if i < easy_going else "overconfident") for i in range(3)]
    seen: dict[str, list[tuple[str, list[list[str | None]]]]] = {strategy: [] for strategy in strategies}
    for number in range(questions):
        case = world.case(number)
        tree = await strategy_tree(peers, case.question, letters=len(strategies[0]), seed=number)
        for strategy in strategies:
            seen[strategy].append((case.truth, [list(answers) for answers in tree.traces[strategy]]))
    return seen


async def test_debate_brings_opinions_together_and_reflection_wavers() -> None:
    seen = await traces(["000", "111"], easy_going=2, questions=120)
    left = [sum(consistency(trace)[round] for _, trace in seen["000"]) for round in range(4)]
    assert left == sorted(left, reverse=True)
    assert left[0] > 1.1 * left[-1]
    wavers = {strategy: sum(wavering(trace) for _, trace in runs) for strategy, runs in seen.items()}
    flipped = {strategy: sum(flips(trace) for _, trace in runs) for strategy, runs in seen.items()}
    assert wavers["111"] > 5 * wavers["000"]
    assert flipped["111"] > 2 * flipped["000"]


async def test_peers_that_do_not_know_the_truth_conform_to_right_and_wrong_majorities_alike() -> None:
    for easy_going, adopts in ((3, 0.8), (0, 0.2)):
        seen = await traces(["00"], easy_going, questions=250)
        total = sum((conformity(trace, truth) for truth, trace in seen["00"]), NO_CONFORMITY)
        rates = [total.rate("tf"), total.rate("ft")]
        for kind, rate in zip(("tf", "ft"), rates, strict=True):
            assert rate is not None
            error = (adopts * (1 - adopts) / total.chances[kind]) ** 0.5  # type: ignore[index]  # pyright: ignore
            assert abs(rate - adopts) < 2.5 * error


async def test_eight_strategies_of_three_letters_cost_fourteen_rounds_and_give_what_each_gives_alone() -> None:
    asked: list[tuple[str, int]] = []

    class Counted(Opinionated):
        async def propose(self, call: Call) -> Proposal:
            asked.append((self.name, 0))
            return await super().propose(call)

        async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
            asked.append((self.name, call.round))
            return await super().revise(call, mine, heard)

    tree = await strategy_tree([Counted(f"p{i}") for i in range(3)], "2+2?")
    assert tree.rounds == 14
    assert tree.calls == len(asked) == 3 * 15
    assert len(tree.decisions) == 8
    assert all(decision.cost.calls == 3 * 4 for decision in tree.decisions.values())
    assert tree.traces["010"][:3] == tree.traces["011"][:3]
    for strategy in ("000", "011", "101"):
        alone = await Swarm([Opinionated(f"p{i}") for i in range(3)], protocol=Society(strategy)).ask("2+2?")
        assert (tree.decisions[strategy].key, tree.decisions[strategy].support) == (alone.key, alone.support)


@pytest.mark.parametrize("letters", [0, 9])
async def test_a_tree_too_small_or_too_large_is_refused(letters: int) -> None:
    with pytest.raises(UsageError, match=f"got letters={letters}"):
        await strategy_tree([Opinionated("ada")], "2+2?", letters=letters)
