"""Words looked for in all messages of a log: every row is looked at, newest first, until there is enough.

The bytes of a message hold its texts as UTF-8, so most rows are passed over without being decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

from waggledance.core import Message, PeerId, Proposal, UsageError
from waggledance.studio._archive import Archive
from waggledance.studio._conversation import opened
from waggledance.studio._log_window import Row
from waggledance.studio._message import name_of, plain
from waggledance.studio._shapes import Hit, Hits

HITS_AT_MOST = 100
SECONDS_AT_MOST = 2.0
WORDS_AT_MOST = 200
"""Characters that may be looked for."""
ROWS_AT_ONCE = 2_000
AROUND = 70
"""Characters shown on either side of what was found."""


def hits_of(archive: Archive, wanted: str, channel: str | None = None) -> Hits:
    """Return the messages in which words stand, in any case of letters, newest first.

    Args:
        archive: the log.
        wanted: what to look for, 1 to 200 characters.
        channel: look only there; everywhere when None.

    Raises:
        UsageError: nothing to look for, or too much.
        UnknownName: there is no such channel.
    """
    wanted = " ".join(wanted.split())
    if not 1 <= len(wanted) <= WORDS_AT_MOST:
        raise UsageError(f"1 to {WORDS_AT_MOST} characters can be looked for, got {len(wanted):,}")
    if channel is not None:
        archive.check(channel)
    folded, until = wanted.casefold(), monotonic() + SECONDS_AT_MOST
    hits: list[Hit] = []
    names: dict[str, dict[PeerId, str]] = {}
    for row in _likely(archive, channel, _needles(wanted)):
        if monotonic() > until or len(hits) == HITS_AT_MOST:
            return Hits(tuple(hits), more=True)
        if row is None:
            continue
        message = opened(row)
        found = None if message is None else _snippet(message, folded)
        if message is not None and found is not None:
            if row.channel not in names:
                names[row.channel] = archive.index.seats(row.channel)
            hits.append(_hit(message, name_of(message.author, names[row.channel]), found))
    return Hits(tuple(hits), more=False)


def _hit(message: Message[Any], name: str, found: str) -> Hit:
    round = message.body.round if isinstance(message.body, Proposal) else None
    return Hit(message.channel, message.id.hex(), name, message.kind, round, found)


def _needles(wanted: str) -> tuple[bytes, ...]:
    """Return what has to stand in a message's bytes, in lower case, if the words do: of letters beyond ASCII only those
    that have no cases.

    >>> _needles("Züge 养蜂")
    (b'z', b'ge', b'\xe5\x85\xbb\xe8\x9c\x82')
    """
    pieces = re.findall(r"[!-~]+|[^\x00-\x7f]+", wanted)
    return tuple(piece.lower().encode() for piece in pieces if piece.isascii() or piece.upper() == piece.casefold())


def _likely(archive: Archive, channel: str | None, needles: Sequence[bytes]) -> Iterator[Row | None]:
    """Yield the rows that may hold what is looked for, newest first; None after many that were looked at."""
    before = archive.window.last + 1
    while before > 1:
        after = max(0, before - 1 - ROWS_AT_ONCE)
        likely = {
            arrival for arrival, raw in archive.window.raws(channel, after=after, before=before)
            if _may_hold(raw, needles)
        }  # fmt: skip
        if likely:
            rows = archive.window.rows(channel, after=min(likely) - 1, before=max(likely) + 1)
            yield from (row for row in reversed(rows) if row.arrival in likely)
        yield None
        before = after + 1


def _may_hold(raw: bytes, needles: Sequence[bytes]) -> bool:
    """Say whether all needles stand in the bytes of a message."""
    lowered = raw.lower()
    return all(needle in lowered for needle in needles)


def _snippet(message: Message[Any], folded: str) -> str | None:
    """Return where words stand in a message's texts, with what is around them; None where they do not."""
    for text in _texts(plain(message.body)):
        line = " ".join(text.split())
        at = line.casefold().find(folded)
        if at >= 0:
            start, end = max(0, at - AROUND), at + len(folded) + AROUND
            return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"
    return None


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:  # pyright: ignore[reportUnknownVariableType]
                yield from _texts(item)  # pyright: ignore[reportUnknownArgumentType]
        case dict():
            for item in value.values():  # pyright: ignore[reportUnknownVariableType]
                yield from _texts(item)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return
