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

from collections.abc import Iterator

from waggledance.core import PeerId
from waggledance.mesh._channels import RECENT_SECONDS, Channels
from waggledance.mesh._freshness import Freshness
from waggledance.mesh._held import EMPTY, Held
from waggledance.mesh._order_marks import AskOrder
from waggledance.mesh._wire import OUTLINE_ENTRIES, Answer, Ask, Hello, Outline, Payload
from waggledance.network import Give, Have, Want, give, missing, wanted

HAVES_A_HELLO = 4
BATCHES_AN_ANSWER = 8
"""At most so many batches of 1 MiB go out at once; the rest follows with the next exchange."""
WANTED_AT_ONCE = 1_024
"""So many of the ids in a want are looked at; what is still missing is asked for again."""


class Repair:
    """The repairing side of one node.

    Args:
        me: the node's peer.
        channels: the channels that it holds; looked at anew each time.
        fresh: draws the nonces that answers repeat.
    """

    def __init__(self, me: PeerId, channels: Channels, fresh: Freshness) -> None:
        self.me, self._channels, self._fresh = me, channels, fresh
        self._outlined: dict[PeerId, str] = {}
        """Of whose last outline not all channels found room: the last name that did."""

    def hello(self, partner: PeerId, now: float) -> Hello:
        """Return a greeting for a partner."""
        shared = self._channels.shared(partner)
        recent = sorted((h for h in shared if now - h.changed_s < RECENT_SECONDS), key=lambda h: (-h.changed_s, h.name))
        haves = tuple(h.have() for h in recent[:HAVES_A_HELLO])
        return Hello(self._channels.root(partner), haves, self._fresh.nonce(partner, now))

    def ask(self, partner: PeerId, have: Have, now: float) -> Ask:
        """Return the question what a partner has of one channel, beyond this."""
        return Ask(have, self._fresh.nonce(partner, now))

    def on(self, sender: PeerId, payload: Payload, now: float) -> Iterator[Payload]:
        """Yield what to send back for a hello, an ask, an answer, an outline or a want."""
        match payload:
            case Hello():
                differs = False
                for theirs in payload.haves:
                    for reply in self._compare(sender, theirs, now, nonce=payload.nonce, settled=True):
                        differs = True
                        yield reply
                if not differs and payload.root != self._channels.root(sender):
                    yield self._outline(sender)
            case Ask():
                equal = self._held_with(sender, payload.have.ch)
                for reply in self._compare(sender, payload.have, now, nonce=payload.nonce, settled=False):
                    equal = None
                    yield reply
                if equal is not None:  # who asks waits for a word, and be it that nothing is missing
                    yield Answer(Have(equal.name, equal.digest(), ()), payload.nonce)  # an equal digest says it all
            case Answer():
                yield from self._compare(sender, payload.have, now, nonce=None, settled=True)
            case Outline():
                yield from self._where_it_differs(sender, payload, now)
            case Want():
                asked = self._held_with(sender, payload.ch)
                if asked is not None:
                    wants = Want(payload.ch, payload.ids[:WANTED_AT_ONCE])
                    yield from give(asked.name, asked.copy.vouched(wanted(asked.copy, wants)))[:BATCHES_AN_ANSWER]
            case AskOrder():
                yield from self._of_order(payload)
            case _:
                pass

    def _of_order(self, asked: AskOrder) -> Iterator[Payload]:
        """Yield what a reader lacks of the channel of an order that it knows; see `Reading`."""
        name = next((found for sought in asked.sought if (found := self._channels.by_order.get(sought))), "")
        held, theirs = self._channels.get(name), asked.have or Have(name, EMPTY, ())
        if held is not None and theirs.ch == name and theirs.d != held.digest():
            yield from give(name, held.copy.vouched(missing(held.copy, theirs)))[:BATCHES_AN_ANSWER]

    def _outline(self, peer: PeerId) -> Outline:
        """Return names and digests of what a peer holds too; of more than fit, each time those that come next."""
        below = self._outlined.pop(peer, "")
        entries = sorted(((n, d) for n, d in self._channels.digests(peer) if not below or n < below), reverse=True)
        if len(entries) > OUTLINE_ENTRIES:
            self._outlined[peer] = entries[OUTLINE_ENTRIES - 1][0]
        return Outline(tuple(entries[:OUTLINE_ENTRIES]), below)

    def _where_it_differs(self, sender: PeerId, outline: Outline, now: float) -> Iterator[Payload]:
        """Yield a question about each channel that an outline speaks of and that is not the same here."""
        theirs = dict(outline.entries)
        first = min(theirs, default="") if len(theirs) >= OUTLINE_ENTRIES else ""
        for name, digest in self._channels.digests(sender):
            spoken_of = first <= name and (not outline.below or name < outline.below)
            if spoken_of and theirs.pop(name, EMPTY) != digest:
                yield self.ask(sender, self._channels[name].have(), now)
        for name in sorted(theirs):
            if name not in self._channels:
                yield self.ask(sender, Have(name, EMPTY, ()), now)

    def _compare(
        self, sender: PeerId, theirs: Have, now: float, *, nonce: bytes | None, settled: bool
    ) -> Iterator[Payload]:
        """Yield what a peer lacks of a channel, and, unless it was an answer, what is here; nothing if all is equal.

        With `settled`, what is on its way by now is not sent again.
        """
        held = self._held_with(sender, theirs.ch)
        if held is None:
            if nonce is not None and theirs.ch not in self._channels and theirs.d != EMPTY:
                yield Answer(Have(theirs.ch, EMPTY, ()), nonce)
            return
        if theirs.d == held.digest():
            return
        lacking = missing(held.copy, theirs)
        if settled:
            lacking = held.settled(lacking, now)
        batches: list[Give] = give(held.name, held.copy.vouched(lacking))
        yield from batches[:BATCHES_AN_ANSWER]
        if nonce is not None:
            yield Answer(held.have(), nonce)
        elif len(batches) > BATCHES_AN_ANSWER:
            yield self.ask(sender, held.have(), now)

    def _held_with(self, sender: PeerId, channel: str) -> Held | None:
        held = self._channels.get(channel)
        return held if held is not None and sender in held.members else None
