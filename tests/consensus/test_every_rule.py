"""The laws that every rule keeps; a new rule is one more line in `ARRANGEMENTS` and inherits them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import NamedTuple, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import (
    RULES,
    CalibratedLogOdds,
    Judgements,
    LearntVote,
    Merged,
    Numeric,
    PeerRanked,
    Proposals,
    Rule,
    Table,
    borda,
    bradley_terry,
    condorcet,
    confidence_vote,
    majority,
    name_of,
    needs_of,
    win_rate,
)
from waggledance.core import (
    UNIT,
    Body,
    Judgement,
    Message,
    MessageId,
    PeerId,
    Proposal,
    Verdict,
    local_peer_id,
    swarm_id,
)
from waggledance.core._message import compose

B = TypeVar("B", bound=Body)

PEERS = tuple(f"p{i}" for i in range(7))
RENAMED = {name: f"someone else {name}" for name in PEERS}
RELABELLED = {"A": "C", "B": "A", "C": "D", "D": "B"}

RECORD = Table.fit([(c, (i * c // UNIT + i) % 3 > 0) for i in range(9) for c in range(0, UNIT + 1, UNIT // 20)])
RECORDS = {local_peer_id(name): RECORD for name in (*PEERS, *RENAMED.values())}

ARRANGEMENTS: dict[str, Rule] = {
    **RULES,
    "log-odds with records": CalibratedLogOdds(RECORDS),
    "learnt with records": LearntVote(dict.fromkeys(RECORDS, 0.5)),
    **{f"{name_of(rule)} merging numeric(0.0, 0.0)": Merged(rule, Numeric()) for rule in (majority, confidence_vote)},
    **{f"{name_of(rule)} on proposals": replace(rule, unit="proposal")
       for rule in (borda, condorcet, bradley_terry, win_rate)},
}  # fmt: skip
JUDGING = {name: rule for name, rule in ARRANGEMENTS.items() if isinstance(rule, PeerRanked)}

NEED_NOTHING = ("majority", "centroid", "learnt with records")

every_rule = pytest.mark.parametrize("rule", ARRANGEMENTS.values(), ids=ARRANGEMENTS)
every_judging_rule = pytest.mark.parametrize("rule", JUDGING.values(), ids=JUDGING)


class Voice(NamedTuple):
    """One peer: what it answers, how sure, its weight, and its verdicts as lists of peers with scores."""

    key: str | None
    confidence_ppm: int | None
    weight: int
    verdicts: tuple[tuple[tuple[int, int], ...], ...]


class Case(NamedTuple):
    proposals: Proposals
    judgements: Judgements
    weights: Mapping[PeerId, int]


def verdicts(n: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    subjects = st.lists(st.integers(0, n - 1), min_size=1, max_size=4, unique=True)
    scores = st.sampled_from([0, UNIT // 4, UNIT // 2, UNIT])
    return subjects.flatmap(lambda peers: st.tuples(*(st.tuples(st.just(peer), scores) for peer in peers)))


@st.composite
def voices(draw: st.DrawFn, *, weights: tuple[int, ...] = (0, UNIT // 2, UNIT, 2 * UNIT)) -> list[Voice]:
    n = draw(st.integers(1, len(PEERS)))
    one = st.builds(
        Voice,
        st.sampled_from(["A", "B", "C", "D", None]),
        st.none() | st.integers(0, 20).map(lambda step: step * UNIT // 20),
        st.sampled_from(weights),
        st.lists(verdicts(n), max_size=4).map(tuple),
    )
    return draw(st.lists(one, min_size=n, max_size=n))


def write(body: B, name: str, channel: str, sequence: int) -> Message[B]:
    message, _ = compose(
        author=local_peer_id(name), body=body, sequence=sequence,
        previous=None if sequence == 1 else MessageId(bytes(32)),
        parents=(), lamport=1, wall_ms=0, swarm=swarm_id("test"), channel=channel,
    )  # fmt: skip
    return message


def case_of(
    said: list[Voice],
    *,
    names: Callable[[str], str] = str,
    keys: Mapping[str, str] | None = None,
    channel: str = "q",
    without: frozenset[int] = frozenset(),
) -> Case:
    """Write down what peers said, under other names, with other answers, or without some of them."""
    proposals: dict[int, Message[Proposal]] = {}
    judgements: list[Message[Judgement]] = []
    weights: dict[PeerId, int] = {}
    for i, voice in enumerate(said):
        key = None if voice.key is None else (keys or {}).get(voice.key, voice.key)
        body = Proposal(key=key, confidence_ppm=voice.confidence_ppm)
        proposals[i] = write(body, names(PEERS[i]), channel, 1)
        weights[local_peer_id(names(PEERS[i]))] = voice.weight
    for i, voice in enumerate(said):
        given = tuple(
            Verdict(tuple(proposals[peer].id for peer, _ in verdict), tuple(score for _, score in verdict))
            for verdict in voice.verdicts
        )
        if given and i not in without:
            judgements.append(write(Judgement(verdicts=given), names(PEERS[i]), channel, 2))
    return Case(tuple(m for i, m in proposals.items() if i not in without), tuple(judgements), weights)


@every_rule
@given(said=voices(), rng=st.randoms(use_true_random=False))
def test_order_and_repetition_of_messages_change_nothing(rule: Rule, said: list[Voice], rng: Random) -> None:
    case = case_of(said)
    proposals = rng.choices(case.proposals, k=3) + rng.sample(case.proposals, k=len(case.proposals))
    judgements = rng.choices(case.judgements, k=2) if case.judgements else []
    judgements += rng.sample(case.judgements, k=len(case.judgements))
    weights = dict(rng.sample(sorted(case.weights.items()), k=len(case.weights)))
    assert rule(proposals, judgements, weights) == rule(*case)


@every_rule
@given(said=voices())
def test_renaming_peers_changes_neither_answer_nor_support(rule: Rule, said: list[Voice]) -> None:
    named, renamed = rule(*case_of(said)), rule(*case_of(said, names=RENAMED.__getitem__))
    assert (named.key, named.support, named.status) == (renamed.key, renamed.support, renamed.status)


@every_rule
@given(said=voices())
def test_renaming_answers_permutes_support(rule: Rule, said: list[Voice]) -> None:
    plain, relabelled = rule(*case_of(said)), rule(*case_of(said, keys=RELABELLED))
    assert {RELABELLED[key]: score for key, score in plain.support.items()} == relabelled.support
    if sorted(plain.support.values())[-1:] != sorted(plain.support.values())[-2:-1] and plain.key is not None:
        assert relabelled.key == RELABELLED[plain.key]


@every_rule
@given(said=voices(weights=(UNIT // 2, UNIT, 2 * UNIT)))
def test_what_all_who_answer_say_is_decided(rule: Rule, said: list[Voice]) -> None:
    alike = [voice._replace(key=voice.key and "A") for voice in said]
    assert rule(*case_of(alike)).key == ("A" if any(voice.key for voice in said) else None)


@every_rule
@given(said=voices())
def test_support_is_of_given_answers_in_whole_numbers_and_the_winner_has_most(rule: Rule, said: list[Voice]) -> None:
    decision = rule(*case_of(said))
    assert set(decision.support) == {voice.key for voice in said if voice.weight and voice.key is not None}
    assert all(type(score) is int and score >= 0 for score in decision.support.values())
    assert 0 <= decision.confidence <= 1
    if decision.key is not None:
        assert decision.support[decision.key] == max(decision.support.values())


@every_rule
@given(said=voices())
def test_a_peer_of_weight_0_is_as_if_absent(rule: Rule, said: list[Voice]) -> None:
    silent = frozenset(i for i, voice in enumerate(said) if voice.weight == 0)
    heard, absent = rule(*case_of(said)), rule(*case_of(said, without=silent))
    assert (heard.key, heard.support, heard.winner, heard.status) == (
        absent.key, absent.support, absent.winner, absent.status
    )  # fmt: skip


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@given(said=voices())
def test_a_peer_gains_nothing_by_saying_it_all_again(rule: Rule, said: list[Voice]) -> None:
    case = case_of(said)
    loud = local_peer_id(PEERS[0])
    proposals = [*case.proposals, *(write(m.body, PEERS[0], "q", 3) for m in case.proposals if m.author == loud)]
    judgements = [*case.judgements, *(write(m.body, PEERS[0], "q", 4) for m in case.judgements if m.author == loud)]
    again, once = rule(proposals, judgements, case.weights), rule(*case)
    assert again.support.keys() == once.support.keys()
    assert all(abs(again.support[key] - once.support[key]) <= 10 for key in once.support)  # crumbs of rounding, in ppm


@every_rule
def test_nothing_said_is_undecided(rule: Rule) -> None:
    decision = rule((), (), {})
    assert (decision.status, decision.key, decision.support) == ("undecided", None, {})


@every_rule
@given(said=voices())
def test_who_gave_no_answer_never_wins_and_is_named_as_dissent(rule: Rule, said: list[Voice]) -> None:
    decision = rule(*case_of(said))
    mute = {local_peer_id(PEERS[i]) for i, voice in enumerate(said) if voice.key is None}
    assert mute <= {dissent.peer for dissent in decision.dissent}
    if all(voice.key is None for voice in said):
        assert decision.status == "undecided"


@every_rule
def test_ties_favour_no_answer_over_many_channels(rule: Rule) -> None:
    circle = (((0, UNIT), (1, 0)), ((1, UNIT), (2, 0)), ((2, UNIT), (0, 0)))
    tied = [Voice(key, UNIT // 2, UNIT, circle) for key in ("A", "B", "C")]
    winners = [rule(*case_of(tied, channel=f"channel {i}")).key for i in range(300)]
    assert all(70 <= winners.count(key) <= 130 for key in ("A", "B", "C")), winners  # 100 ± 3.7 s.d.


@every_judging_rule
@given(order=st.permutations(range(5)), others=st.sampled_from(["A", "B"]))
def test_the_favourite_of_all_judges_wins_against_the_majority(rule: Rule, order: list[int], others: str) -> None:
    ranking = tuple((peer, UNIT - 1000 * place) for place, peer in enumerate(order))
    keys = ["A", "B", "C", "D", "E"]
    said = [Voice(keys[i], None, UNIT, (ranking,)) for i in range(5)]
    said += [Voice(others, None, UNIT, (ranking,)) for _ in range(2)]
    assert rule(*case_of(said)).key == keys[order[0]]


@every_judging_rule
def test_without_judgements_it_is_majority_and_says_so(rule: Rule) -> None:
    decision = rule(*case_of([Voice(key, None, UNIT, ()) for key in "AAB"]))
    assert (decision.key, decision.support["A"]) == ("A", 2 * UNIT)
    assert "no judgement of two different answers counts: decided by plain majority" in decision.notes


@pytest.mark.parametrize(("name", "rule"), ARRANGEMENTS.items())
def test_a_rule_says_what_it_is_and_needs(name: str, rule: Rule) -> None:
    assert name.removesuffix(" with records") == name_of(rule) == rule((), (), {}).rule
    judging = isinstance(rule, PeerRanked)
    plain = name.partition(" merging ")[0] in NEED_NOTHING
    expected = {"judgements"} if judging else set[str]() if plain else {"confidence"}
    assert needs_of(rule) == expected
