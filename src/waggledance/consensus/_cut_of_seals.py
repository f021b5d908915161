"""A cut: up to which message of each author a decision looks, made from what several members say they held.

The cut of several seals is the element-wise maximum by sequence. Two seals that name different messages for one author
and number show a fork, and that author is left out; whether both messages exist is for the reader to check, because a
seal can name what is not there. Source: the project's network specification, §5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from waggledance.core import Message, MessageId, PeerId

Head = tuple[PeerId, int, MessageId]
"""An author, the number of a message of theirs from 1, and its id: it and all before it."""
Heads = tuple[Head, ...]
"""At most one an author, sorted by author."""


def cut_of_seals(seals: Iterable[Heads]) -> Heads:
    """Return the furthest message of every author that any seal names, without authors of whom two seals contradict.

    Blind to order and repeats; of no seals the empty cut.
    """
    cut, _ = cut_and_forks(seals)
    return cut


def cut_and_forks(seals: Iterable[Heads]) -> tuple[Heads, frozenset[PeerId]]:
    """Return the same cut, and the authors who were left out of it."""
    furthest: dict[PeerId, Head] = {}
    forked: set[PeerId] = set()
    named: dict[tuple[PeerId, int], MessageId] = {}
    for heads in seals:
        for head in heads:
            author, sequence, id = head
            if named.setdefault((author, sequence), id) != id:
                forked.add(author)
            best = furthest.get(author)
            if best is None or sequence > best[1]:
                furthest[author] = head
    cut = tuple([furthest[author] for author in sorted(furthest) if author not in forked])
    return cut, frozenset(forked)


def messages_of_cut(cut: Heads, find: Callable[[MessageId], Message[Any] | None]) -> tuple[Message[Any], ...] | None:
    """Return the messages of a cut, sorted by id: each author's chain back from its head; None while one is missing.

    Args:
        cut: the heads.
        find: returns a message by its id, such as `Channel.get`. A message that is not the author's, or has another
            number than the cut says, counts as missing.
    """
    found: list[Message[Any]] = []
    for author, last, id in cut:
        wanted: MessageId | None = id
        for sequence in range(last, 0, -1):
            message = None if wanted is None else find(wanted)
            if message is None or message.author != author or message.sequence != sequence:
                return None
            found.append(message)
            wanted = message.previous
    return tuple(sorted(found, key=lambda m: m.id))
