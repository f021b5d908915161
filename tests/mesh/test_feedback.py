"""Feedback: what counts, what is dropped, and what is made of it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import FunctionPeer, Swarm
from waggledance.core import (
    UNIT,
    Body,
    Channel,
    Message,
    MessageId,
    Note,
    PeerId,
    UsageError,
    local_peer_id,
    swarm_id,
)
from waggledance.mesh._directory import Observed
from waggledance.mesh._feedback import Feedback, Settled, counted, edges_of, observed_by, task_of

ADA, BEA, CAL, EVE = (local_peer_id(name) for name in ("ada", "bea", "cal", "eve"))
Q1, Q2 = MessageId(b"1" * 32), MessageId(b"2" * 32)
TASKS = {Q1: Settled(Q1, ADA, frozenset({BEA, CAL})), Q2: Settled(Q2, ADA, frozenset({BEA, ADA}))}


def lobby(*said: tuple[PeerId, Body]) -> list[Message[Any]]:
    desk = Channel(swarm_id("bees"), "lobby")
    return [desk.publish(author, body, [], 0) for author, body in said]


def praise(about: PeerId, task: MessageId = Q1, ppm: int = UNIT) -> Feedback:
    return Feedback(about=about, task=task, outcome_ppm=ppm)


def test_an_edge_weighs_the_sum_of_outcomes_over_tasks() -> None:
    edges = edges_of(lobby((ADA, praise(BEA)), (ADA, praise(BEA, Q2, 400_000)), (ADA, praise(CAL, ppm=1))), TASKS)
    assert edges.weights == {(ADA, BEA): 1_400_000, (ADA, CAL): 1}


@pytest.mark.parametrize(
    ("author", "body"),
    [
        (BEA, praise(CAL)),  # did not ask
        (EVE, praise(BEA)),  # is a stranger to the task
        (ADA, praise(EVE)),  # did not answer
        (ADA, praise(ADA, Q2)),  # about oneself
        (BEA, praise(BEA)),  # the target about itself
        (ADA, praise(BEA, MessageId(b"9" * 32))),  # a task that is not known
        (ADA, Note(about="praise", text="BEA is good")),  # no feedback
    ],
)
def test_what_is_no_verified_feedback_of_another_makes_no_edge(author: PeerId, body: Body) -> None:
    messages = lobby((author, body))
    assert edges_of(messages, TASKS).weights == {}
    assert observed_by(author, messages, TASKS) == {}


def test_repeated_praise_for_one_task_is_one_edge_and_the_latest_word_counts() -> None:
    messages = lobby(*((ADA, praise(BEA, ppm=ppm)) for ppm in (UNIT, UNIT, 300_000)))
    assert edges_of(messages, TASKS).weights == {(ADA, BEA): 300_000}
    assert edges_of(messages[::-1], TASKS).weights == {(ADA, BEA): 300_000}


def test_a_failure_is_observed_and_makes_no_edge() -> None:
    messages = lobby((ADA, praise(BEA, ppm=0)))
    assert edges_of(messages, TASKS).weights == {}
    assert observed_by(ADA, messages, TASKS) == {BEA: Observed(1, 0)}


def test_what_others_observed_is_not_taken_for_ones_own() -> None:
    messages = lobby((ADA, praise(BEA)), (ADA, praise(BEA, Q2, 500_000)))
    assert observed_by(ADA, messages, TASKS) == {BEA: Observed(2, 1_500_000)}
    assert observed_by(CAL, messages, TASKS) == {}


@settings(max_examples=30)
@given(
    said=st.lists(
        st.tuples(st.sampled_from((ADA, BEA, EVE)), st.sampled_from((ADA, BEA, CAL)), st.sampled_from((Q1, Q2)),
                  st.integers(0, UNIT)), max_size=10),
    rng=st.randoms(use_true_random=False),
)  # fmt: skip
def test_the_graph_does_not_depend_on_order_or_repetition(
    said: list[tuple[PeerId, PeerId, MessageId, int]], rng: Random
) -> None:
    messages = lobby(*((author, praise(about, task, ppm)) for author, about, task, ppm in said))
    again = rng.sample(messages, len(messages)) + messages[:2]
    assert edges_of(again, TASKS) == edges_of(messages, TASKS)
    assert counted(again, TASKS) == counted(messages, TASKS)


def test_another_message_that_counts_makes_another_cut_and_one_that_does_not_leaves_it() -> None:
    one = lobby((ADA, praise(BEA)))
    more = lobby((ADA, praise(BEA)), (ADA, praise(CAL)))
    noise = lobby((ADA, praise(BEA)), (EVE, praise(CAL)))
    assert edges_of(one, TASKS).cut != edges_of(more, TASKS).cut
    assert edges_of(one, TASKS).cut == edges_of(noise, TASKS).cut


@pytest.mark.parametrize("bad", [{"about": b"x"}, {"task": b"x"}, {"outcome_ppm": -1}, {"outcome_ppm": UNIT + 1}])
def test_feedback_outside_its_limits_is_not_born(bad: dict[str, Any]) -> None:
    good: dict[str, Any] = {"about": BEA, "task": Q1, "outcome_ppm": 1}
    with pytest.raises(UsageError):
        Feedback(**(good | bad))


# -- tasks from their channels -------------------------------------------------------------------------------------


async def test_a_decided_question_is_a_task_of_its_asker_and_of_those_whose_answers_count() -> None:
    answers = {"a": "4", "b": "4", "c": "5"}
    peers = [FunctionPeer(name, lambda question, answer=answer: answer) for name, answer in answers.items()]
    said = [event async for event in Swarm(peers).watch("2+2?", expects="number") if isinstance(event, Message)]
    task = task_of(said)
    assert task is not None
    assert task.id == said[0].id
    assert task.asker == said[0].author
    assert task.answered == {local_peer_id(name) for name in "abc"}
    assert task_of(said[:-1]) is None  # nothing is decided yet
    assert task_of([]) is None


# -- attacks -------------------------------------------------------------------------------------------------------


def test_attack_d3_praise_among_invented_identities_makes_no_edge_without_a_decided_task() -> None:
    """Card threats, D3: a ring of 50 identities that praise each other for tasks that nobody knows."""
    ring = [local_peer_id(f"sybil {n}") for n in range(50)]
    flood = lobby(*((ring[n], praise(ring[(n + 1) % 50], MessageId(bytes([n]) * 32))) for n in range(50)))
    assert edges_of(flood, TASKS).weights == {}


def test_attack_d9_a_liar_cannot_hide_a_failure_by_withholding_its_own_messages() -> None:
    """Card threats, D9: what the asker saw stands in the asker's chain."""
    messages = lobby((ADA, praise(BEA, ppm=0)), (BEA, praise(BEA)))
    assert observed_by(ADA, [m for m in messages if m.author != BEA], TASKS) == {BEA: Observed(1, 0)}
