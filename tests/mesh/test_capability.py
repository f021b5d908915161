"""What a record may say, and what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

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
        {"name": "two\nlines"},
        {"name": "\u202eadA"},
        {"name": "A\u200bda"},
        {"policy": ("\x1b[2J",)},
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
