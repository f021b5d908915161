"""Where a machine keeps its keys and swarms: found again, never half-written, never one swarm for another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from waggledance.core import Key, Member, UnknownName, UsageError
from waggledance.mesh import Genesis, Home, PeerState, new_key
from waggledance.mesh._home import write_whole

ADA, BEN = (Key(bytes([n]) * 32) for n in (1, 2))
GENESIS = Genesis(name="night-bees", members=(Member(ADA.peer, "ada"),))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_environment_says_where_home_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAGGLEDANCE_HOME", str(tmp_path / "there"))
    assert Home().folder == tmp_path / "there"
    monkeypatch.delenv("WAGGLEDANCE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Home().folder.name == "waggledance"


def test_an_empty_home_has_nothing_and_is_not_made_by_looking(home: Home) -> None:
    assert (home.ids(), home.swarms(), home.peer("bees", "me").state()) == ((), (), PeerState())
    assert not home.folder.exists()


def test_keys_are_found_by_name_and_other_files_are_not_keys(home: Home) -> None:
    new_key(home.key_file("me"))
    new_key(home.key_file("alice-2"))
    (home.folder / "ids" / "Not A Name.key").touch()
    (home.folder / "ids" / "me.key.lock").touch()
    assert home.ids() == ("alice-2", "me")
    with pytest.raises(UnknownName, match="did you mean 'alice-2'"):
        home.known_key_file("alice-3")


@pytest.mark.parametrize("name", ["", "..", "../me", "a/b", "Me", "me\n", "-me", "me-", "m" * 49, "ä", "nul\0"])
def test_a_name_that_is_no_files_name_is_refused(home: Home, name: str) -> None:
    with pytest.raises(UsageError, match="lower-case letters"):
        home.key_file(name)
    with pytest.raises(UsageError, match="lower-case letters"):
        home.peer(name, "me")
    with pytest.raises(UsageError, match="lower-case letters"):
        home.peer("bees", name)


def test_a_genesis_is_kept_once_and_read_again(home: Home) -> None:
    file = home.keep_genesis(GENESIS)
    before = file.stat().st_mtime_ns
    assert home.keep_genesis(GENESIS) == file
    assert file.stat().st_mtime_ns == before
    assert home.genesis("night-bees") == GENESIS
    assert home.swarms() == ("night-bees",)
    with pytest.raises(UnknownName, match="did you mean 'night-bees'"):
        home.genesis("night-bee")


def test_another_swarm_of_the_same_name_is_refused(home: Home) -> None:
    home.keep_genesis(GENESIS)
    with pytest.raises(UsageError, match="another swarm called 'night-bees'"):
        home.keep_genesis(Genesis(name="night-bees", members=(Member(BEN.peer, "ben"),)))
    assert home.genesis("night-bees") == GENESIS


def test_every_life_has_a_higher_number_and_each_peer_its_own(home: Home) -> None:
    me, other = home.peer("night-bees", "me"), home.peer("night-bees", "alice")
    assert [me.begin_life().incarnation for _ in range(3)] == [1, 2, 3]
    assert home.peer("night-bees", "me").state().incarnation == 3
    assert other.begin_life().incarnation == 1
    assert me.log != other.log


def test_endpoints_that_worked_last_stand_first_and_are_not_without_end(home: Home) -> None:
    me = home.peer("night-bees", "me")
    me.begin_life()
    me.remember(("tcp/a", "tcp/b"))
    me.remember(("tcp/b", "tcp/c"))
    assert me.state() == PeerState(1, ("tcp/b", "tcp/c", "tcp/a"))
    me.remember(tuple(f"tcp/{n}" for n in range(100)))
    assert len(me.state().endpoints) == 64


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"incarnation": -1}', b'{"incarnation": 1e400}'])
def test_a_damaged_state_says_what_removing_it_costs(home: Home, content: bytes) -> None:
    me = home.peer("night-bees", "me")
    me.begin_life()
    (me.folder / "state.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"state\.json is damaged.*Remove it"):
        me.begin_life()


def test_a_write_that_fails_leaves_the_old_content_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "genesis.json"
    write_whole(file, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]
