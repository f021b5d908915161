"""Repair: how two nodes find out which channels differ, and bring both copies to the same set.

Every half second a node greets one other: ``hello`` carries one digest over all channels that both hold, and the sets
of those that changed of late. Equal digests end it there. A set that differs is repaired by push and pull,
``hello → give + answer → give``. When none of the sets named explains the difference, ``outline`` names all channels
with their digests, and what differs is asked for.

A pure state machine: payloads in, payloads out, no clock of its own.
Source: Demers et al. 1987, "Epidemic Algorithms for Replicated Database Maintenance", doi:10.1145/41840.41841
(anti-entropy by push-pull); the project's network specification, §2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from waggledance.core import PeerId
from waggledance.mesh._held import EMPTY, Held
from waggledance.mesh._wire import Answer, Ask, Hello, Outline, Payload
from waggledance.network import Give, Have, Want, give, missing, wanted

RECENT_SECONDS = 30.0
HAVES_A_HELLO = 4
BATCHES_AN_ANSWER = 8
"""At most so many batches of 1 MiB go out at once; the rest follows with the next exchange."""
OUTLINE_ENTRIES = 4_096
NO_MARK = bytes(32)


class Repair:
    """The repairing side of one node.

    Args:
        me: the node's peer.
        channels: the channels that it holds, by name; looked at anew each time.
    """

    def __init__(self, me: PeerId, channels: Mapping[str, Held]) -> None:
        self.me, self._channels = me, channels

    def shared(self, peer: PeerId) -> list[Held]:
        """Return the channels that a peer holds too."""
        return [held for held in self._channels.values() if peer in held.members]

    def hello(self, partner: PeerId, now: float) -> Hello:
        """Return a greeting for a partner."""
        shared = self.shared(partner)
        recent = sorted((h for h in shared if now - h.changed_s < RECENT_SECONDS), key=lambda h: (-h.changed_s, h.name))
        return Hello(_root(shared), tuple(h.have() for h in recent[:HAVES_A_HELLO]))

    def on(self, sender: PeerId, payload: Payload, now: float) -> Iterator[Payload]:
        """Yield what to send back for a hello, an ask, an answer, an outline or a want."""
        match payload:
            case Hello():
                differs = False
                for theirs in payload.haves:
                    for reply in self._compare(sender, theirs, answer=True, settled_at=now):
                        differs = True
                        yield reply
                shared = self.shared(sender)
                if not differs and payload.root != _root(shared):
                    entries = sorted(((h.name, h.copy.digest()) for h in shared), reverse=True)
                    yield Outline(tuple(entries[:OUTLINE_ENTRIES]))
            case Ask():
                replies = list(self._compare(sender, payload.have, answer=True, settled_at=None))
                yield from replies
                equal = None if replies else self._held_with(sender, payload.have.ch)
                if equal is not None:  # who asks waits for a word, and be it that nothing is missing
                    yield Answer(equal.have())
            case Answer():
                yield from self._compare(sender, payload.have, answer=False, settled_at=now)
            case Outline():
                theirs_by_name = dict(payload.entries)
                for held in self.shared(sender):
                    if theirs_by_name.pop(held.name, EMPTY) != held.copy.digest():
                        yield Ask(held.have())
                for name in sorted(theirs_by_name):
                    if name not in self._channels:
                        yield Ask(Have(name, EMPTY, ()))
            case Want():
                asked = self._held_with(sender, payload.ch)
                if asked is not None:
                    yield from give(asked.name, asked.copy.vouched(wanted(asked.copy, payload)))
            case _:
                pass

    def _compare(self, sender: PeerId, theirs: Have, *, answer: bool, settled_at: float | None) -> Iterator[Payload]:
        """Yield what a peer lacks of a channel, and, to be answered, what is here; nothing if all is equal.

        With `settled_at`, what is on its way at that moment is not sent again.
        """
        held = self._held_with(sender, theirs.ch)
        if held is None:
            if answer and theirs.ch not in self._channels and theirs.d != EMPTY:
                yield Answer(Have(theirs.ch, EMPTY, ()))
            return
        if theirs.d == held.copy.digest():
            return
        lacking = missing(held.copy, theirs)
        if settled_at is not None:
            lacking = held.settled(lacking, settled_at)
        batches: list[Give] = give(held.name, held.copy.vouched(lacking))
        yield from batches[:BATCHES_AN_ANSWER]
        if answer:
            yield Answer(held.have())
        elif len(batches) > BATCHES_AN_ANSWER:
            yield Ask(held.have())

    def _held_with(self, sender: PeerId, channel: str) -> Held | None:
        held = self._channels.get(channel)
        return held if held is not None and sender in held.members else None


def _root(shared: list[Held]) -> bytes:
    root = 0
    for held in shared:
        root ^= held.mark()
    return root.to_bytes(32)
