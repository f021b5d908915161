"""Real peers on a real network, with no server: transport, identity, membership, repair, discovery, roll-out."""

from waggledance.mesh._key_file import KeyInUse as KeyInUse
from waggledance.mesh._key_file import KeyRefused as KeyRefused
from waggledance.mesh._key_file import hold_key as hold_key
from waggledance.mesh._key_file import load_key as load_key
from waggledance.mesh._key_file import new_key as new_key
from waggledance.mesh._key_file import secret_text as secret_text
from waggledance.mesh._swim import Swim as Swim
from waggledance.mesh._swim_roll import MemberState as MemberState
from waggledance.mesh._transport import MAX_DATAGRAM_BYTES as MAX_DATAGRAM_BYTES
from waggledance.mesh._transport import Presence as Presence
from waggledance.mesh._transport import Receive as Receive
from waggledance.mesh._transport import Transport as Transport

__all__ = [
    "MAX_DATAGRAM_BYTES",
    "KeyInUse",
    "KeyRefused",
    "MemberState",
    "Presence",
    "Receive",
    "Swim",
    "Transport",
    "hold_key",
    "load_key",
    "new_key",
    "secret_text",
]
