"""Records: what they may hold, what they are called, and who may see them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Message, PeerFault, PeerId, RunFailed, Seat, UsageError, encode, local_peer_id
from waggledance.core._message import decode_body
from waggledance.memory import PRIVATE, TEAM, Record, Recorded, RecordId, may_see, publish, shared
from waggledance.protocols import Debate
from waggledance.testing import simulate

ADA, BEN = local_peer_id("ada"), local_peer_id("ben")
SOME = RecordId(b"s" * 32)


def test_the_same_content_has_the_same_id_and_each_field_changes_it() -> None:
    record = Record.of("finding", "key", "text")
    others = [
        Record.of("goal", "key", "text"),
        Record.of("finding", "other", "text"),
        Record.of("finding", "key", "other"),
        Record.of("finding", "key", "text", scope=TEAM),
        Record.of("finding", "key", "text", links=[("serves", SOME)]),
    ]
    assert record.id == Record.of("finding", "key", "text").id
    assert len({r.id for r in [record, *others]}) == 6


@given(key=st.text(min_size=1, max_size=400), text=st.text(max_size=200))
@settings(max_examples=60)
def test_loose_words_of_any_kind_make_a_record_that_travels_or_are_refused_as_empty(key: str, text: str) -> None:
    try:
        record = Record.of("finding", key, text, scope=TEAM)
    except UsageError:
        assert not " ".join(key.split()).strip()
        return
    body = Recorded(record=record)
    raw = msgspec.msgpack.Encoder(order="sorted").encode(body)
    assert decode_body("record/1", raw) == body


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "No Name"},
        {"key": ""},
        {"key": "two\nlines"},
        {"key": "k" * 201},
        {"key": "e\u0301"},
        {"text": "t" * 8_001},
        {"blob": b"short"},
        {"scope": ""},
        {"links": (("to", SOME),) * 2},
        {"links": (("to", b"short"),)},
        {"links": (("No Name", SOME),)},
        {"sources": (b"short",)},
        {"sources": (b"m" * 32,) * 2},
    ],
)
def test_a_record_that_breaks_a_limit_is_not_born(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        msgspec.structs.replace(Record.of("finding", "key"), **wrong)


def test_a_private_record_cannot_be_said_and_is_refused_when_it_comes_off_the_wire() -> None:
    private = Record.of("finding", "my salary")
    with pytest.raises(UsageError, match="private"):
        Recorded(record=private)
    said = Recorded(record=shared(private, TEAM))
    raw = msgspec.msgpack.Encoder(order="sorted").encode(said)
    forged = raw.replace(b"\xa4team", b"\xa7private")
    assert forged != raw
    with pytest.raises(PeerFault):
        decode_body("record/1", forged)


def test_sharing_drops_links_to_what_readers_do_not_have() -> None:
    goal = Record.of("goal", "a goal", scope=TEAM)
    secret = Record.of("experience", "a secret")
    record = Record.of("finding", "key", links=[("serves", goal.id), ("from", secret.id)])
    assert shared(record, TEAM, {goal.id}).links == (("serves", goal.id),)
    with pytest.raises(UsageError, match="channel"):
        shared(record, PRIVATE)


@pytest.mark.parametrize(
    ("scope", "reader", "channels", "sees"),
    [
        (PRIVATE, ADA, (), True),
        (PRIVATE, BEN, ("q1",), False),
        (TEAM, BEN, ("q1",), True),
        (TEAM, BEN, (), False),
        ("q1", BEN, ("q1", "q2"), True),
        ("q1", BEN, ("q2",), False),
    ],
)
def test_who_may_see_a_record_follows_from_its_scope_its_author_and_who_asks(
    scope: str, reader: PeerId, channels: tuple[str, ...], sees: bool
) -> None:
    assert may_see(Record.of("finding", "key", scope=scope), ADA, reader, channels) is sees


class SaysRecords(Debate):
    """A debate in which every seat first tries to say all it knows, whatever its scope."""

    async def __call__(self, seat: Seat, /) -> Any:
        for record in (
            Record.of("finding", f"{seat.name} private 4711"),
            Record.of("finding", f"{seat.name} team 4712", scope=TEAM),
            Record.of("finding", f"{seat.name} elsewhere 4713", scope="another-channel"),
        ):
            try:
                await publish(seat, record)
            except (UsageError, RunFailed):
                continue
        return await super().__call__(seat)


def test_a_private_record_is_in_no_message_of_a_channel_and_a_shared_one_is() -> None:
    run = simulate(SaysRecords(), "2+2?", peers=3, seed=1)
    wire = b"".join(encode(message) for message in run.log)
    assert b"4711" not in wire
    assert b"4713" not in wire
    assert wire.count(b"team 4712") == 3
    assert sum(isinstance(m.body, Recorded) for m in run.log if isinstance(m, Message)) == 3
