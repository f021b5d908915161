"""What a record may say, which record is in force, and how long it counts."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Body, Message, PeerFault, PeerId, UsageError, local_peer_id, open_frame, swarm_id
from waggledance.core import frame as frame_of
from waggledance.core._message import KINDS, MAX_BODY_BYTES, compose, decode_body
from waggledance.mesh._capability import (
    MAX_ITEMS,
    MAX_LEASE_S,
    MAX_SKILLS,
    Capability,
    Capacity,
    ModelClaim,
    Price,
    Skill,
    ToolClaim,
    records_of,
)

ADA, BEA = local_peer_id("ada"), local_peer_id("bea")


def said(author: PeerId, body: Body, sequence: int = 1) -> Message[Any]:
    previous = None if sequence == 1 else open_id(bytes([sequence]) * 32)
    return compose(author, body, sequence, previous, (), sequence, 0, swarm_id("bees"), "lobby")[0]


def open_id(raw: bytes) -> Any:
    return raw


def test_a_record_comes_off_the_wire_as_it_was_put_on() -> None:
    record = Capability(
        ver=2,
        name="Ada",
        desc="übersetzt",
        skills=(Skill(id="t", name="translate", tags=("fr",), takes=("text/plain",), gives=("text/plain",)),),
        models=(ModelClaim(name="small", hash=bytes(32), ctx=4_096, tok_s=30, origin="here"),),
        tools=(ToolClaim(name="calculator", hash=b"1" * 32),),
        protocols=("debate/1",),
        cost=Price(micro_usd_1k=120, joule_1k=3),
        limits=Capacity(parallel=2, max_tokens=500),
        policy=("eu-only",),
        where=("tcp/a.example:7447",),
        parent=BEA,
        attest=b"\x00\xff",
        lease_s=60,
    )
    message = said(ADA, record)
    assert open_frame(frame_of(message)).body == record


def test_inputs_and_outputs_are_called_in_and_out_on_the_wire() -> None:
    skill = msgspec.msgpack.decode(msgspec.msgpack.encode(Skill(id="t", name="t", takes=("a",), gives=("b",))))
    assert (skill["in"], skill["out"]) == (["a"], ["b"])


def test_the_largest_record_of_plain_words_fits_a_message() -> None:
    skills = tuple(
        Skill(id=f"s{i}", name="n" * 128, desc="d" * 500, tags=("t" * 20,) * 16, examples=("e" * 150,) * 4)
        for i in range(MAX_SKILLS)
    )
    record = Capability(ver=1, name="n", desc="d" * 2_000, skills=skills)
    assert len(msgspec.msgpack.encode(record)) < MAX_BODY_BYTES
    said(ADA, record)


GOOD: dict[str, Any] = {"ver": 1, "name": "Ada"}


@pytest.mark.parametrize(
    "bad",
    [
        {"name": ""},
        {"name": " \n"},
        {"name": "n" * 129},
        {"desc": "d" * 2_001},
        {"name": "cafe\u0301"},
        {"ver": 0},
        {"ver": 2**53},
        {"lease_s": 0},
        {"lease_s": MAX_LEASE_S + 1},
        {"policy": ("",)},
        {"policy": ("x",) * (MAX_ITEMS + 1)},
        {"where": ("w" * 257,)},
        {"parent": b"short"},
        {"attest": bytes(4_097)},
        {"skills": (Skill(id="a", name="a"), Skill(id="a", name="b"))},
        {"skills": tuple(Skill(id=f"s{i}", name="s") for i in range(MAX_SKILLS + 1))},
        {"models": (ModelClaim(name="m"),) * (MAX_ITEMS + 1)},
    ],
)
def test_a_record_outside_its_limits_is_not_born_and_not_let_in(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Capability(**(GOOD | bad))
    plain = msgspec.to_builtins(Capability(**GOOD), builtin_types=(bytes,)) | msgspec.to_builtins(
        bad, builtin_types=(bytes,)
    )
    raw = msgspec.msgpack.Encoder(order="sorted").encode(plain)
    with pytest.raises(PeerFault, match="malformed"):
        decode_body("capability/1", raw)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Skill(id="", name="x"),
        lambda: Skill(id="x", name="x", tags=("",)),
        lambda: Skill(id="x", name="x", examples=("e" * 501,)),
        lambda: ModelClaim(name="x", hash=b"short"),
        lambda: ModelClaim(name="x", ctx=-1),
        lambda: ToolClaim(name=" "),
        lambda: Price(micro_usd_1k=-1),
        lambda: Price(joule_1k=-1),
        lambda: Capacity(parallel=-1),
        lambda: Capacity(max_tokens=2**53),
    ],
)
def test_a_part_of_a_record_outside_its_limits_is_not_born(make: Any) -> None:
    with pytest.raises(UsageError):
        make()


def test_a_record_is_known_by_its_kind() -> None:
    assert KINDS["capability/1"] is Capability


# -- which record is in force --------------------------------------------------------------------------------------


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


@settings(max_examples=30, deadline=None)
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
