"""Seats at one channel in this process, for coroutines that are no protocol."""

from __future__ import annotations

from collections.abc import Sequence

from waggledance.core import (
    UNIT,
    Budget,
    Channel,
    LoopClock,
    Meter,
    Peer,
    Question,
    Seat,
    Table,
    local_peer_id,
)
from waggledance.peers import FunctionPeer


def seats_at(channel: Channel, peers: Sequence[str | Peer], *, seed: int = 0) -> list[Seat]:
    """Return a seat for each peer, all with a vote, in the order given. Call it on a running loop.

    Args:
        channel: where they sit.
        peers: the peers; a name stands for one that says nothing.
        seed: of the table: same seed, same draws.
    """
    seated = [FunctionPeer(peer, lambda _: "") if isinstance(peer, str) else peer for peer in peers]
    ids = [local_peer_id(peer.name) for peer in seated]
    names = dict(zip(ids, (peer.name for peer in seated), strict=True))
    table = Table(Question(text=channel.name), tuple(ids), names, dict.fromkeys(ids, UNIT), seed)
    clock = LoopClock()
    meter = Meter(Budget(), clock)
    return [
        Seat(me=id, peer=peer, table=table, channel=channel, clock=clock, meter=meter)
        for id, peer in zip(ids, seated, strict=True)
    ]
