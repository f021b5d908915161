"""What members tell an asker of what they are saying, while they say it: hints, which nobody keeps or counts.

These travel as datagrams. Whoever asks signs for it, and draws a number for each member; a member repeats it with every
piece, unsigned, for a signature on each would cost more than the words. So a stranger who reads the wire could slip
words in, and a peer that guesses cannot. What counts is the message that comes when the words are said.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

WORDS_NONCE_BYTES = 16
PIECE_CHARS = 2_000
"""Of one piece at most."""
MAX_SPEECHES = 10_000
"""So many calls of one seat have numbers here."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Nonce = Annotated[bytes, msgspec.Meta(min_length=WORDS_NONCE_BYTES, max_length=WORDS_NONCE_BYTES)]


class AskWords(msgspec.Struct, frozen=True, array_like=True, tag="words?", gc=False):
    """For the next seconds, tell me what you say in this channel of mine, with this number on it."""

    ch: _Name
    nonce: _Nonce


class TellWords(msgspec.Struct, frozen=True, array_like=True, tag="words", gc=False):
    """A piece of what the sender is saying."""

    ch: _Name
    nonce: _Nonce
    number: Annotated[int, msgspec.Meta(ge=1, le=MAX_SPEECHES)]
    """The seat's call; see `Words.number`."""
    at: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    """How many characters of the same call came before."""
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=PIECE_CHARS)]
