"""Which answer words would count as: read as from a peer, by the kind of answer that a channel's question expects."""

from __future__ import annotations

from waggledance.core import UsageError
from waggledance.peers import parse
from waggledance.studio._archive import Archive
from waggledance.studio._shapes import Reading

CHARS_AT_MOST = 100_000
"""Longer ones lose their middle when a peer says them, too."""


def reading(archive: Archive, name: str, text: str) -> Reading:
    """Return the answer that words count as in a channel.

    Args:
        archive: the log.
        name: the channel's.
        text: the words, at most 100,000 characters.

    Raises:
        UnknownName: the log has no such channel.
        UsageError: nobody asks anything there, or the words are too many.
    """
    if len(text) > CHARS_AT_MOST:
        raise UsageError(f"a message has at most {CHARS_AT_MOST:,} characters, got {len(text):,}")
    opening = archive.opening(name)
    if opening is None:
        raise UsageError(f"nobody has asked anything in {name!r}, so words count as no answer there")
    proposal = parse(text, opening.question)
    return Reading(proposal.key, proposal.lapse)
