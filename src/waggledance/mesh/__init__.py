"""Real peers on a real network, with no server: transport, identity, membership, repair, discovery, roll-out."""

from waggledance.mesh._transport import MAX_DATAGRAM_BYTES as MAX_DATAGRAM_BYTES
from waggledance.mesh._transport import Presence as Presence
from waggledance.mesh._transport import Receive as Receive
from waggledance.mesh._transport import Transport as Transport

__all__ = ["MAX_DATAGRAM_BYTES", "Presence", "Receive", "Transport"]
