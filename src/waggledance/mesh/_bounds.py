"""How much others may make one node do: what authors send, what requests bring out, what strangers are told."""

from __future__ import annotations

from waggledance.mesh._allowance import Allowance
from waggledance.mesh._genesis import Limits
from waggledance.network import MAX_BATCH_BYTES

ASKS_SECOND = 50
"""So often a second somebody may make us ask for a channel that we do not know."""
GENESIS_BYTES_SECOND = 256 * 1024
"""So much a second goes out to whoever asks for the genesis, in all: they need not be who they say."""
CATCH_UP = 10
"""So many times what an author may push may come in of it by repair: old messages come fast, floods do not."""
REPLIES_SECOND = 500
"""So many payloads a second one member's requests may make us send back, and twice its own bytes a second."""


class Bounds:
    """The allowances of one node, by peer.

    Args:
        limits: the swarm's.
    """

    def __init__(self, limits: Limits) -> None:
        messages_s, bytes_s = limits.messages_s, limits.bytes_s
        self.pushed = Allowance(messages_s=messages_s, bytes_s=bytes_s)
        """What comes in of an author by push."""
        self.given = Allowance(messages_s=CATCH_UP * messages_s, bytes_s=CATCH_UP * bytes_s)
        """What comes in of an author by repair."""
        self.asks = Allowance(messages_s=ASKS_SECOND, bytes_s=1)
        """How often somebody makes us ask for a channel."""
        self.told = Allowance(messages_s=ASKS_SECOND, bytes_s=GENESIS_BYTES_SECOND)
        """What goes out to whoever asks for the genesis."""
        self.replies = Allowance(messages_s=REPLIES_SECOND, bytes_s=max(2 * bytes_s, MAX_BATCH_BYTES))
        """What a member's requests bring out."""
