"""Where a machine keeps its keys and its swarms.

    ids/NAME.key                      a secret key; see `new_key`
    swarms/SWARM/genesis.json         a swarm's genesis, to read and to mail
    swarms/SWARM/NAME/state.json      what one key's peer remembers of it: its lives, endpoints that worked
    swarms/SWARM/NAME/log.sqlite      what was said in it, as that peer holds it
    swarms/SWARM/NAME/quotas.json     what each asker has left of its hour there

A peer's log and state lie under its key's name, so that several peers of one swarm can live on one machine. The folder
is the user's data folder, or ``WAGGLEDANCE_HOME``. Files are written whole or not at all.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec

from waggledance.core import UnknownName, UsageError
from waggledance.mesh._genesis import Genesis, load_genesis
from waggledance.mesh._key_file import sync_folder
from waggledance.mesh._names import check_file_name, is_file_name

HOME_VARIABLE = "WAGGLEDANCE_HOME"

MAX_ENDPOINTS_KEPT = 64


class PeerState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a peer remembers of a swarm from one life to the next."""

    incarnation: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0
    """Which life this is; 0 before the first. Grows with every start: what is said of an earlier life is old."""
    endpoints: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_ENDPOINTS_KEPT)] = ()
    """Where other members were reached, those that worked last first."""


class PeerFolder:
    """One peer's folder in one swarm's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def log(self) -> Path:
        """The log's file, there or not."""
        return self.folder / "log.sqlite"

    @property
    def status(self) -> Path:
        """The file that a running peer tells in how it is doing, there or not."""
        return self.folder / "status.json"

    @property
    def quotas(self) -> Path:
        """The file of what askers have left of their hour here, there or not."""
        return self.folder / "quotas.json"

    def state(self) -> PeerState:
        """Return what is remembered; the state before the first life when nothing is.

        Raises:
            UsageError: the file is damaged; says what is lost by removing it.
        """
        file = self.folder / "state.json"
        try:
            return msgspec.json.decode(file.read_bytes(), type=PeerState)
        except FileNotFoundError:
            return PeerState()
        except (msgspec.DecodeError, UnicodeDecodeError) as why:
            raise UsageError(
                f"{file} is damaged ({why}). Remove it: this peer then forgets known endpoints, and others may take it "
                "for gone until it contradicts them"
            ) from why

    def begin_life(self) -> PeerState:
        """Count one more life, on the disk before this returns; return the state with it."""
        state = self.state()
        state = msgspec.structs.replace(state, incarnation=state.incarnation + 1)
        self._save(state)
        return state

    def remember(self, endpoints: tuple[str, ...], *, incarnation: int = 0) -> None:
        """Keep where others were reached, before those that are kept already, at most 64; and how far a life came."""
        state = self.state()
        known = tuple(dict.fromkeys((*endpoints, *state.endpoints)))[:MAX_ENDPOINTS_KEPT]
        after = msgspec.structs.replace(state, endpoints=known, incarnation=max(state.incarnation, incarnation))
        if after != state:
            self._save(after)

    def _save(self, state: PeerState) -> None:
        write_whole(self.folder / "state.json", msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")


class Home:
    """A machine's keys and swarms.

    Args:
        folder: where they are; by default ``WAGGLEDANCE_HOME``, else ``waggledance`` in the user's data folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else _default_folder()

    def ids(self) -> tuple[str, ...]:
        """Return the names of the keys that are kept here, sorted."""
        return tuple(sorted(file.stem for file in (self.folder / "ids").glob("*.key") if is_file_name(file.stem)))

    def key_file(self, name: str) -> Path:
        """Return the file of a key, there or not.

        Raises:
            UsageError: no key can have this name.
        """
        return self.folder / "ids" / f"{check_file_name('key', name)}.key"

    def known_key_file(self, name: str) -> Path:
        """Return the file of a key that is here.

        Raises:
            UnknownName: there is none of this name; says the nearest.
        """
        file = self.key_file(name)
        if not os.path.lexists(file):
            raise UnknownName("key", name, self.ids())
        return file

    def swarms(self) -> tuple[str, ...]:
        """Return the names of the swarms that are known here, sorted."""
        found = (self.folder / "swarms").glob("*/genesis.json")
        return tuple(sorted(file.parent.name for file in found if is_file_name(file.parent.name)))

    def genesis(self, swarm: str) -> Genesis:
        """Return a swarm's genesis.

        Raises:
            UnknownName: no swarm of this name is known here; says the nearest.
            UsageError: its file is damaged.
        """
        file = self._genesis_file(swarm)
        if not file.exists():
            raise UnknownName("swarm", swarm, self.swarms())
        return load_genesis(file)

    def keep_genesis(self, genesis: Genesis) -> Path:
        """Keep a swarm's genesis; return its file. Keeping the same one again changes nothing.

        Raises:
            UsageError: another swarm of this name is known here.
        """
        file = self._genesis_file(genesis.name)
        if file.exists():
            there = load_genesis(file).swarm
            if there != genesis.swarm:
                raise UsageError(
                    f"another swarm called {genesis.name!r} is known here ({there.hex()}, and this one is "
                    f"{genesis.swarm.hex()}). Rename the folder {file.parent}, or keep this one elsewhere with "
                    f"{HOME_VARIABLE}"
                )
            return file
        write_whole(file, genesis.to_json().encode())
        return file

    def peer(self, swarm: str, key: str) -> PeerFolder:
        """Return the folder of a key's peer in a swarm, there or not."""
        return PeerFolder(self._genesis_file(swarm).parent / check_file_name("key", key))

    def _genesis_file(self, swarm: str) -> Path:
        return self.folder / "swarms" / check_file_name("swarm", swarm) / "genesis.json"


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that whoever reads it, after a crash too, finds the old content or the new, and nothing between.

    Raises:
        OSError: the disk is full or read-only; the old content stays.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with beside.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def _default_folder() -> Path:
    if chosen := os.environ.get(HOME_VARIABLE):
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("waggledance", appauthor=False)
