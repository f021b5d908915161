"""Which capability records are in force, and for how long.

The fold over all records takes no notice of arrival order: the highest version of each author counts, and an author
who gave one version two contents has no record until it publishes a higher one. A record matches only while its lease
holds, which every reader counts on its own clock from when it last heard the author: no peer's clock is believed.

Source: Giusti et al. 2025, "Federation of Agents", arXiv:2509.20175 (a higher version replaces a lower one, equal
versions with different content are a fault); leases as in the project's network specification, §4 and §7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

import msgspec

from waggledance.core import Message, MessageId, PeerId, UsageError
from waggledance.mesh._capability import Capability


class Record(msgspec.Struct, frozen=True, gc=False):
    """A capability in force: who claims it, and the message that says so."""

    author: PeerId
    capability: Capability
    message: MessageId


class TwoFaced(msgspec.Struct, frozen=True, gc=False):
    """An author gave one version of its record several contents: the messages that prove it, sorted."""

    author: PeerId
    ver: int
    messages: tuple[MessageId, ...]


class Records(msgspec.Struct, frozen=True):
    """All records in force, by author, in the order of authors' ids; and the faults that were seen."""

    by_author: dict[PeerId, Record]
    faults: tuple[TwoFaced, ...] = ()

    def live(self, heard: Mapping[PeerId, float], now: float) -> tuple[Record, ...]:
        """Return the records whose lease holds.

        Args:
            heard: when each author was last heard, in seconds of the reader's own clock; one who is missing, or whose
                time is not finite, was not heard.
            now: that clock's time.

        Raises:
            UsageError: `now` is not a finite number.
        """
        if not isfinite(now):
            raise UsageError(f"leases need a time that is a finite number of seconds, got now={now}")
        return tuple(
            record
            for author, record in self.by_author.items()
            if (last := heard.get(author)) is not None and isfinite(last) and now - last < record.capability.lease_s
        )


def records_of(messages: Iterable[Message[Any]]) -> Records:
    """Return the records in force among a channel's messages: a pure fold, blind to order and repetition.

    Of each author the highest `ver` counts; the same content published again under one `ver` is no fault. An author
    whose highest `ver` has several contents has no record in force: it could show each reader another face.
    """
    said: dict[PeerId, dict[int, dict[bytes, MessageId]]] = {}
    seen: dict[PeerId, dict[int, dict[MessageId, Capability]]] = {}
    for message in messages:
        body = message.body
        if isinstance(body, Capability):
            content = msgspec.msgpack.encode(body, order="deterministic")
            contents = said.setdefault(message.author, {}).setdefault(body.ver, {})
            contents[content] = min(message.id, contents.get(content, message.id))
            seen.setdefault(message.author, {}).setdefault(body.ver, {})[message.id] = body
    in_force: dict[PeerId, Record] = {}
    faults: list[TwoFaced] = []
    for author in sorted(said):
        for ver, contents in sorted(said[author].items()):
            if len(contents) > 1:
                faults.append(TwoFaced(author, ver, tuple(sorted(contents.values()))))
        newest = max(said[author])
        if len(said[author][newest]) == 1:
            (id,) = said[author][newest].values()
            in_force[author] = Record(author, seen[author][newest][id], id)
    return Records(in_force, tuple(faults))
