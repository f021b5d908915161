"""Which record is in force, and how long it counts."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Body, Message, PeerId, UsageError, local_peer_id, swarm_id
from waggledance.core._message import compose
from waggledance.mesh._capability import Capability
from waggledance.mesh._records import records_of

ADA, BEA = local_peer_id("ada"), local_peer_id("bea")


def said(author: PeerId, body: Body, sequence: int = 1) -> Message[Any]:
    previous = None if sequence == 1 else open_id(bytes([sequence]) * 32)
    return compose(author, body, sequence, previous, (), sequence, 0, swarm_id("bees"), "lobby")[0]


def open_id(raw: bytes) -> Any:
    return raw


def test_a_higher_version_replaces_a_lower_one_also_when_it_came_first() -> None:
    old, new = said(ADA, Capability(ver=1, name="old")), said(ADA, Capability(ver=2, name="new"), 2)
    for order in ([old, new], [new, old]):
        assert records_of(order).by_author[ADA].capability.name == "new"


def test_a_version_with_two_contents_is_a_fault_and_nothing_of_its_author_is_in_force() -> None:
    faces = [said(ADA, Capability(ver=3, name=name), n + 2) for n, name in enumerate(("cheap", "dear"))]
    records = records_of([said(ADA, Capability(ver=2, name="before")), *faces, said(BEA, Capability(ver=1, name="b"))])
    assert list(records.by_author) == [BEA]
    (fault,) = records.faults
    assert (fault.author, fault.ver, set(fault.messages)) == (ADA, 3, {m.id for m in faces})


def test_a_higher_version_ends_a_fault_that_stays_listed() -> None:
    faces = [said(ADA, Capability(ver=3, name=name), n + 1) for n, name in enumerate(("cheap", "dear"))]
    records = records_of([*faces, said(ADA, Capability(ver=4, name="clean"), 3)])
    assert records.by_author[ADA].capability.name == "clean"
    assert [fault.ver for fault in records.faults] == [3]


def test_the_same_content_under_one_version_is_no_fault() -> None:
    again = [said(ADA, Capability(ver=1, name="a"), n) for n in (1, 2)]
    records = records_of(again)
    assert records.faults == ()
    assert records.by_author[ADA].message == min(m.id for m in again)


@settings(max_examples=30)
@given(
    said_by=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.sampled_from("xyz")), max_size=12),
    rng=st.randoms(use_true_random=False),
)
def test_the_records_in_force_do_not_depend_on_order_or_repetition(
    said_by: list[tuple[str, int, str]], rng: Random
) -> None:
    messages = [said(local_peer_id(who), Capability(ver=ver, name=name), n + 1)
                for n, (who, ver, name) in enumerate(said_by)]  # fmt: skip
    shuffled = rng.sample(messages, len(messages)) + (messages[:3] if messages else [])
    assert records_of(shuffled) == records_of(messages)
    assert list(records_of(shuffled).by_author) == sorted(records_of(messages).by_author)


def test_of_no_message_no_record_is_made() -> None:
    assert records_of([]).by_author == {}


# -- leases --------------------------------------------------------------------------------------------------------


def test_a_record_counts_until_its_lease_ends_and_counts_again_when_its_author_is_heard() -> None:
    records = records_of([said(ADA, Capability(ver=1, name="a", lease_s=60))])
    assert [r.author for r in records.live({ADA: 100.0}, 159.9)] == [ADA]
    assert records.live({ADA: 100.0}, 160.0) == ()
    assert [r.author for r in records.live({ADA: 160.0}, 160.0)] == [ADA]


@pytest.mark.parametrize("heard", [{}, {BEA: 0.0}, {ADA: float("nan")}, {ADA: float("inf")}, {ADA: float("-inf")}])
def test_a_record_of_a_peer_that_was_not_heard_does_not_count(heard: dict[PeerId, float]) -> None:
    assert records_of([said(ADA, Capability(ver=1, name="a"))]).live(heard, 0.0) == ()


@pytest.mark.parametrize("now", [float("nan"), float("inf")])
def test_a_lease_needs_a_time(now: float) -> None:
    with pytest.raises(UsageError, match="finite"):
        records_of([]).live({}, now)
