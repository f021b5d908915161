"""The peers that live on this machine, by the files that they keep: read without the network, running or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from waggledance.core import LoopClock
from waggledance.mesh._home import Home
from waggledance.mesh._status import STALE_SECONDS, Status, read_status


@dataclass(frozen=True)
class LocalPeer:
    """A peer of this machine: its swarm, its key's name, and what it last told; None when it does not run."""

    swarm: str
    key: str
    file: Path
    status: Status | None

    @property
    def age_s(self) -> float:
        """How long ago it told, seconds by this machine's clock."""
        return 0.0 if self.status is None else (LoopClock().wall_ms() - self.status.at_ms) / 1000

    @property
    def runs(self) -> bool:
        """Whether it told something of late."""
        return self.status is not None and self.age_s < STALE_SECONDS


def peers_here(swarm: str | None = None) -> list[LocalPeer]:
    """Return the peers of this machine, of one swarm or of all.

    Raises:
        UsageError: there is no such swarm here, or a peer's status cannot be read.
    """
    home = Home()
    names = home.swarms() if swarm is None else (home.genesis(swarm).name,)
    found: list[LocalPeer] = []
    for name in names:
        for key in home.ids():
            folder = home.peer(name, key)
            if folder.folder.exists():
                found.append(LocalPeer(name, key, folder.status, read_status(folder.status)))
    return found
