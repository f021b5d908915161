"""What a peer of this machine has on its disk about its swarm: read without the network, and while the peer runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waggledance.cli._mesh_commands import peer_meant
from waggledance.core import Log, Message, MessageId, PeerId, UsageError
from waggledance.mesh import (
    LOBBY,
    Feedback,
    Home,
    LocalPeer,
    Membership,
    Settled,
    load_key,
    membership_of,
    peers_here,
    task_of,
)


@dataclass(frozen=True)
class OnDisk:
    """One peer's messages."""

    local: LocalPeer
    me: PeerId
    channels: Mapping[str, tuple[Message[Any], ...]]

    @property
    def lobby(self) -> tuple[Message[Any], ...]:
        """Return what was said in the lobby."""
        return self.channels.get(LOBBY, ())

    @property
    def membership(self) -> Membership:
        """Return who belongs to the swarm, as far as this peer knew."""
        return membership_of(Home().genesis(self.local.swarm), self.lobby)

    def tasks(self) -> dict[MessageId, Settled]:
        """Return the decided questions that this peer holds."""
        settled = (task_of(said) for name, said in self.channels.items() if name != LOBBY)
        return {task.id: task for task in settled if task is not None}


def on_disk(swarm: str | None, key: str | None) -> OnDisk:
    """Return what the peer that is meant has kept.

    Raises:
        UsageError: no such peer is on this machine, or it has kept nothing.
    """
    return _read(peer_meant(swarm, key))


def most_experienced(swarm: str | None) -> OnDisk:
    """Return what that peer of this machine has kept which has given most feedback.

    Raises:
        UsageError: no peer of the swarm is on this machine, or several swarms could be meant.
    """
    meant = peer_meant(swarm, None).swarm
    kept = [_read(local) for local in peers_here(meant) if _log_of(local).exists()]
    if not kept:
        raise UsageError(f"no peer of {meant!r} on this machine has kept anything: ask or join first")
    given = {disk.local.key: sum(isinstance(m.body, Feedback) and m.author == disk.me for m in disk.lobby)
             for disk in kept}  # fmt: skip
    return min(kept, key=lambda disk: (-given[disk.local.key], disk.local.key))


def _read(local: LocalPeer) -> OnDisk:
    home = Home()
    file = _log_of(local)
    if not file.exists():
        raise UsageError(f"{local.key} has kept nothing of swarm {local.swarm!r}: let it join or ask first")
    log = Log(file, "r")
    try:
        channels = {name: log.read(name) for name in log.names()}
    finally:
        log.close()
    return OnDisk(local, load_key(home.known_key_file(local.key)).peer, channels)


def _log_of(local: LocalPeer) -> Path:
    return Home().peer(local.swarm, local.key).log
