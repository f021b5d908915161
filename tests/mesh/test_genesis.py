"""How a swarm is founded: one id for one founding, in any order, and nothing senseless is founded."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, Budget, Key, Member, PeerId, SwarmId, UsageError
from waggledance.mesh import Genesis, Limits, genesis_from_json, load_genesis, open_genesis

KEYS = [Key(bytes([n]) * 32) for n in range(1, 8)]
IDENTITY = PeerId(bytes([1]) + bytes(31))


def members(number: int = 3, **how: Any) -> tuple[Member, ...]:
    return tuple(Member(key.peer, f"founder-{n}", **how) for n, key in enumerate(KEYS[:number]))


def test_the_order_of_founders_does_not_change_the_swarm() -> None:
    first = Genesis(name="bees", members=members(7))
    shuffled = list(members(7))
    Random(3).shuffle(shuffled)
    assert Genesis(name="bees", members=tuple(shuffled)) == first
    assert Genesis(name="bees", members=tuple(shuffled)).swarm == first.swarm


@pytest.mark.parametrize(
    "change",
    [
        {"name": "wasps"},
        {"members": members(2)},
        {"members": members(3, weight=2 * UNIT)},
        {"admission": "closed"},
        {"quorum": "crash"},
        {"limits": Limits(members=7)},
    ],
)
def test_any_other_founding_is_another_swarm(change: dict[str, Any]) -> None:
    genesis = Genesis(name="bees", members=members())
    assert msgspec.structs.replace(genesis, **change).swarm != genesis.swarm


def test_the_id_is_the_hash_that_the_specification_names() -> None:
    genesis = Genesis(name="bees", members=members())
    assert genesis.swarm == blake3(b"waggle/genesis/1\0" + genesis.canonical()).digest()[:16]
    assert list(msgspec.msgpack.decode(genesis.canonical())) == sorted(msgspec.msgpack.decode(genesis.canonical()))


def test_a_genesis_survives_json_and_people_can_read_keys_in_it() -> None:
    genesis = Genesis(name="bees", members=members(), admission="quorum", quorum="crash", limits=Limits(tokens=9))
    text = genesis.to_json()
    assert genesis_from_json(text) == genesis
    assert KEYS[0].peer.hex() in text
    assert json.loads(text)["swarm"] == genesis.swarm.hex()


def test_a_genesis_that_a_person_wrote_needs_names_and_keys_only() -> None:
    rows = [{"key": key.peer.hex(), "name": f"founder-{n}"} for n, key in enumerate(KEYS[:3])]
    text = json.dumps({"waggle_genesis": 1, "name": "bees", "members": rows})
    assert genesis_from_json(text) == Genesis(name="bees", members=members())


@settings(max_examples=80)
@given(where=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_changed_file_is_refused_or_still_the_same_founding(where: float, byte: int) -> None:
    genesis = Genesis(name="bees", members=members())
    text = bytearray(genesis.to_json().encode())
    text[int(where * len(text))] = byte
    with suppress(UsageError):
        assert genesis_from_json(bytes(text)).swarm == genesis.swarm


def test_a_genesis_is_taken_from_anyone_and_only_the_right_one() -> None:
    genesis, other = (Genesis(name=name, members=members()) for name in ("bees", "wasps"))
    assert open_genesis(genesis.canonical(), genesis.swarm) == genesis
    with pytest.raises(UsageError, match="another one"):
        open_genesis(other.canonical(), genesis.swarm)
    longer = genesis.canonical() + b"\0"
    with pytest.raises(UsageError):
        open_genesis(longer, genesis.swarm)


def test_a_genesis_of_a_later_version_is_not_half_understood() -> None:
    fields = msgspec.msgpack.decode(Genesis(name="bees", members=members()).canonical())
    raw = msgspec.msgpack.encode({**fields, "shards": 4}, order="sorted")
    swarm = blake3(b"waggle/genesis/1\0" + raw).digest(16)
    with pytest.raises(UsageError, match="newer version"):
        open_genesis(raw, SwarmId(swarm))
    text = Genesis(name="bees", members=members()).to_json().replace('"waggle_genesis": 1', '"waggle_genesis": 2')
    with pytest.raises(UsageError, match=r"version 2.*update it"):
        genesis_from_json(text)


def test_attack_d14_the_identity_point_founds_nothing() -> None:
    with pytest.raises(UsageError, match="not a key that signatures can be told by"):
        Genesis(name="bees", members=(*members(), Member(IDENTITY, "eve")))


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"members": ()}, "no founder .* has a vote"),
        ({"members": members(weight=0)}, "no founder .* has a vote"),
        ({"members": members(weight=-1)}, "weights are 0 to"),
        ({"members": members(weight=2**63)}, "weights are 0 to"),
        ({"members": (*members(), Member(KEYS[5].peer, "FOUNDER-1"))}, "names that look alike"),
        ({"members": (*members(), Member(KEYS[0].peer, "again"))}, "a key stands twice"),
        ({"members": (Member(KEYS[0].peer, ""),)}, "1 to 64 visible characters"),
        ({"members": (Member(KEYS[0].peer, "ada\x1b[2J"),)}, "visible characters"),
        ({"members": (Member(KEYS[0].peer, "ada#1f2e"),)}, "no '#'"),
        ({"members": (Member(PeerId(b"short"), "ada"),)}, "not a key"),
        ({"name": ""}, "a swarm's name"),
        ({"name": "../bees"}, "a swarm's name"),
        ({"name": "B" * 49}, "a swarm's name"),
        ({"limits": Limits(members=2)}, "3 founders are more than the limit of 2"),
    ],
)
def test_a_senseless_founding_is_refused_with_a_reason(how: dict[str, Any], says: str) -> None:
    asked: dict[str, Any] = {"name": "bees", "members": members(), **how}
    with pytest.raises(UsageError, match=says):
        Genesis(**asked)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"waggle_genesis": 1}', '{"waggle_genesis": 1, "name": 3, "members": []}', "\ud800",
     '{"waggle_genesis": 1, "name": "bees", "members": [{"key": "xyz", "name": "ada"}]}',
     '{"waggle_genesis": 1, "name": "bees", "members": [{"key": "00", "name": "ada", "weight": NaN}]}',
     '{"waggle_genesis": 1, "name": "bees", "members": [], "limits": {"members": 0}}',
     '{"waggle_genesis": 1, "name": "bees", "members": [], "surprise": 1}', " " * 300_000, '{"a": ' + "[" * 100_000],
)  # fmt: skip
def test_what_is_no_genesis_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UsageError):
        genesis_from_json(text)


def test_a_genesis_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.json cannot be read: no such file"):
        load_genesis(tmp_path / "nowhere.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UsageError, match=r"bad\.json"):
        load_genesis(tmp_path / "bad.json")


def test_a_budget_is_cut_to_the_ceilings_and_never_raised() -> None:
    limits = Limits(tokens=100, calls=None, seconds=60)
    assert limits.capped(Budget(tokens=500, seconds=1.5, usd=2.0)) == Budget(tokens=100, seconds=1.5, usd=2.0)
    assert limits.capped(Budget()) == Budget(tokens=100, seconds=60)
    assert Limits().capped(Budget(calls=3)) == Budget(tokens=200_000, calls=3)
