"""The door to rooms as `waggle serve` opens it: one room, with every swarm that is served in it."""

from __future__ import annotations

from pathlib import Path
from random import Random

from waggledance.core import Log
from waggledance.gateways import ChatGateway, Host, Room, Speaker
from waggledance.gateways._host import DEFAULT
from waggledance.mesh import Blobs
from waggledance.protocols import ByMeaning, ByRules, Gates

LOBBY = "lobby"
SWARM = "swarm"
"""What the default swarm is called in a room."""
MEDIA_BYTES = 256 * 1024 * 1024
"""What rooms keep of media at most."""


def chat_door(host: Host, seed: int = 0) -> ChatGateway:
    """Return a door to the room ``lobby``, in which each of the host's swarms is a speaker under its own name.

    Raises:
        UsageError: two swarms have names that look alike.
    """
    names = {SWARM if name == DEFAULT else name: name for name in host.swarms}
    room = Room(LOBBY, list(names), host.log)
    speakers = [
        Speaker(room, name, host, swarm, _gate(name, host.swarms[swarm].about), Random(f"{seed}/{LOBBY}/{name}"))
        for name, swarm in names.items()
    ]
    return ChatGateway({LOBBY: room}, speakers, media_of(host.log))


def media_of(log: Log | None) -> Blobs | None:
    """Return where media are kept: beside the log; nowhere without one."""
    return None if log is None else Blobs(_beside(log.path), limit_bytes=MEDIA_BYTES)


def _beside(log: Path) -> Path:
    return log.with_name(f"{log.name}.media")


def _gate(name: str, about: str) -> Gates:
    return Gates((ByRules(name), ByMeaning(about=(about,) if about else ())))
