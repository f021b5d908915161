"""The health of swarms on the network, as the peers that live on this machine tell it."""

from __future__ import annotations

from waggledance.core import UsageError
from waggledance.mesh import LocalPeer, peers_here
from waggledance.studio._shapes import MeshMember, MeshShown, MeshSwarm


def mesh() -> MeshShown:
    """Return how every peer of this machine sees its swarm; nothing where none is known or a file is damaged."""
    try:
        return MeshShown(tuple(_swarm(peer) for peer in peers_here()))
    except UsageError:
        return MeshShown(())


def _swarm(peer: LocalPeer) -> MeshSwarm:
    status = peer.status
    seen = () if status is None else status.members
    return MeshSwarm(
        name=peer.swarm,
        peer=peer.key,
        runs=peer.runs,
        age_ms=None if status is None else round(peer.age_s * 1000),
        members=tuple(MeshMember(member.name, member.weight, member.state, member.rtt_ms) for member in seen),
        refused={} if status is None else dict(status.refused),
        channels=0 if status is None else status.channels,
        alarms=() if status is None else status.alarms,
    )
