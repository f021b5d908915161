"""The names of questions' channels: each carries the beginning of its asker's key, so that nobody takes its name."""

from __future__ import annotations

from random import Random

from waggledance.core import PeerId

KEY_DIGITS = 16
"""64 bits: nobody finds a key of its own that begins like another's."""
LUCK_DIGITS = 10


def draw_mark(asker: PeerId, rng: Random) -> str:
    """Return the end of a new channel's name: whose it is, and luck, so that names do not come again.

    >>> mark = draw_mark(PeerId(b"a" * 32), Random(1))
    >>> is_named_by(f"q1-{mark}", PeerId(b"a" * 32)), is_named_by(f"q1-{mark}", PeerId(b"b" * 32))
    (True, False)
    """
    return f"{asker.hex()[:KEY_DIGITS]}{rng.getrandbits(4 * LUCK_DIGITS):0{LUCK_DIGITS}x}"


def is_named_by(channel: str, asker: PeerId) -> bool:
    """Say whether a channel has a name that only this peer may give."""
    mark = channel.rpartition("-")[2]
    return len(mark) == KEY_DIGITS + LUCK_DIGITS and mark.startswith(asker.hex()[:KEY_DIGITS])
