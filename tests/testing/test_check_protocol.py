"""The laws hold for ours, and each is broken by a protocol that breaks it."""

import random

import pytest

from waggledance.consensus import majority
from waggledance.core import Decision, Proposal, Seat, after, everyone
from waggledance.protocols import Debate
from waggledance.testing import LawBroken, check_protocol


def test_a_debate_keeps_the_laws() -> None:
    check_protocol(Debate(rounds=1, patience_s=30), seeds=(1, 2))


def test_a_wait_without_a_time_breaks_the_first_law() -> None:
    async def patient(seat: Seat) -> Decision:
        await seat.publish(await seat.propose())
        return majority(await seat.collect(Proposal, until=everyone), (), seat.weights)

    with pytest.raises(LawBroken, match=r"every question ends.*silent.*p1 waits for proposal/1 round 0"):
        check_protocol(patient, seeds=(1,))


def test_luck_from_elsewhere_breaks_the_second_law() -> None:
    async def careless(seat: Seat) -> Decision:
        await seat.publish(Proposal(key=str(random.random())))  # noqa: TID251 — that is the point
        return majority(await seat.collect(Proposal, until=everyone | after(9)), (), seat.weights)

    with pytest.raises(LawBroken, match="same seed, same bytes"):
        check_protocol(careless, seeds=(1,))


def test_a_decision_of_ones_own_breaks_the_third_law() -> None:
    async def stubborn(seat: Seat) -> Decision:
        mine = await seat.publish(await seat.propose())
        said = await seat.collect(Proposal, until=everyone | after(9))
        return majority(said, (), {**seat.weights, mine.author: 10**9})

    with pytest.raises(LawBroken, match="equal sets, equal decisions"):
        check_protocol(stubborn, seeds=(1,))
