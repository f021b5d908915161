from __future__ import annotations

from itertools import product
from math import prod
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import SameComputation, verifiers
from waggledance.core import UNIT, Message, MessageId, PeerId, Proposal, UsageError, local_peer_id, swarm_id
from waggledance.core._message import compose

CLAIM = " ".join(f"word{i}" for i in range(150))
OTHER = " ".join(f"word{i}" for i in range(1000, 1150))
RULE = SameComputation()


def said(name: str, text: str, round: int, *, sequence: int = 1) -> Message[Proposal]:
    message, _ = compose(
        author=local_peer_id(name), body=Proposal(key=text[-7:] or None, text=text, round=round), sequence=sequence,
        previous=None if sequence == 1 else MessageId(bytes(32)), parents=(), lamport=1, wall_ms=0,
        swarm=swarm_id("test"), channel="q",
    )  # fmt: skip
    return message


def case(*reruns: str) -> list[Message[Proposal]]:
    return [said("claimant", CLAIM, 0), *(said(f"v{i}", text, 1) for i, text in enumerate(reruns))]


@pytest.mark.parametrize(
    ("reruns", "status", "note"),
    [
        ((CLAIM, CLAIM, CLAIM), "decided", "accepted: 3 of 3"),
        ((CLAIM, OTHER, CLAIM), "decided", "accepted: 2 of 3"),
        ((CLAIM, CLAIM), "decided", "accepted: 2 of 3"),
        ((CLAIM, OTHER, OTHER), "conflict", "rejected: 1 of 3"),
        ((OTHER, OTHER), "conflict", "rejected: 0 of 3"),
        ((CLAIM, OTHER), "undecided", "not verified: 1 of 3"),
        ((CLAIM,), "undecided", "not verified: 1 of 3"),
        ((), "undecided", "not verified: 0 of 3"),
        (("", "", ""), "undecided", "not verified: 0 of 3"),
    ],
)
def test_most_of_three_verifiers_decide(reruns: tuple[str, ...], status: str, note: str) -> None:
    decision = RULE(case(*reruns), (), {})
    assert decision.status == status
    assert decision.notes[0].startswith(note)
    assert decision.key == (CLAIM[-7:] if status == "decided" else None)
    assert decision.support == {"same": UNIT * reruns.count(CLAIM), "different": UNIT * reruns.count(OTHER)}
    assert {d.peer for d in decision.dissent} == {local_peer_id(f"v{i}") for i, r in enumerate(reruns) if r == OTHER}


def test_a_verifier_that_differs_in_few_words_is_the_same_up_to_the_bound() -> None:
    near = CLAIM.replace("word3 ", "another ")
    assert RULE(case(near, near, near), (), {}).status == "decided"
    assert SameComputation(distance_max=0)(case(near, near, near), (), {}).status == "conflict"


@given(reruns=st.lists(st.sampled_from([CLAIM, OTHER, ""]), max_size=5), rng=st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(reruns: list[str], rng: Random) -> None:
    messages = case(*reruns)
    shuffled = rng.choices(messages, k=3) + rng.sample(messages, k=len(messages))
    assert RULE(shuffled, (), {}) == RULE(messages, (), {})


def test_who_verifies_itself_or_twice_or_weighs_nothing_adds_nothing() -> None:
    own = said("claimant", CLAIM, 1, sequence=2)
    twice = said("v0", CLAIM, 1, sequence=2)
    decision = RULE([*case(CLAIM, CLAIM), own, twice], (), {local_peer_id("v1"): 0})
    assert decision.support["same"] == UNIT


@pytest.mark.parametrize("claims", [0, 2])
def test_no_claim_or_two_are_not_verified(claims: int) -> None:
    messages = [said(f"claimant {i}", CLAIM, 0) for i in range(claims)]
    decision = RULE([*messages, said("v", CLAIM, 1)], (), {})
    assert decision.status == "undecided"
    assert decision.notes == (f"not verified: there are {claims} claims, not one",)
    assert RULE((), (), {}).status == "undecided"


def test_everybody_else_is_called_in_an_order_that_the_claim_and_the_seed_draw() -> None:
    peers = [local_peer_id(f"p{i}") for i in range(6)]
    claims = [MessageId(i.to_bytes(32)) for i in range(300)]
    orders = [verifiers(1, claim, peers, peers[0]) for claim in claims]
    assert all(set(order) == set(peers[1:]) for order in orders)
    assert verifiers(1, claims[0], reversed(peers), peers[0]) == orders[0] != verifiers(2, claims[0], peers, peers[0])
    first = [order[0] for order in orders]
    assert all(30 <= first.count(peer) <= 90 for peer in peers[1:])


def survey(liars: float, verifier_count: int) -> tuple[float, float]:
    """Return the shares of all claims that are cheats accepted, and honest ones rejected.

    20 % of claimants return a cheaper model's text. Liars know who cheats: they say what makes the decision wrong.
    """
    rule, claim = SameComputation(verifier_count), said("claimant", CLAIM, 0)
    reruns = {(i, text): said(f"v{i}", text, 1) for i in range(verifier_count) for text in (CLAIM, OTHER)}
    passed = refused = 0.0
    for lies in product((False, True), repeat=verifier_count):
        chance = prod(liars if lie else 1 - liars for lie in lies)
        for cheats in (False, True):
            # An honest verifier comes out like an honest claim and unlike a cheat, a liar the other way round.
            messages = [claim, *(reruns[i, OTHER if lie != cheats else CLAIM] for i, lie in enumerate(lies))]
            accepted = rule(messages, (), {}).status == "decided"
            passed += 0.2 * chance * (cheats and accepted)
            refused += 0.8 * chance * (not cheats and not accepted)
    return passed, refused


def test_one_lying_verifier_in_ten_lets_few_cheats_pass_and_rejects_few_honest_claims() -> None:
    passed, refused = survey(0.1, 3)
    assert passed < 0.01
    assert refused < 0.03
    assert abs(passed + refused - 0.028) < 1e-9
    assert abs(sum(survey(0.1, 7)) - 0.0027) < 1e-4


@pytest.mark.parametrize(("verifier_count", "distance_max"), [(0, 10), (-1, 10), (3, 65), (3, -1)])
def test_numbers_out_of_range_are_refused(verifier_count: int, distance_max: int) -> None:
    with pytest.raises(UsageError):
        SameComputation(verifier_count, distance_max)


def test_a_claimant_that_sits_alone_has_no_verifier() -> None:
    assert verifiers(1, MessageId(bytes(32)), [PeerId(b"a")], PeerId(b"a")) == ()
