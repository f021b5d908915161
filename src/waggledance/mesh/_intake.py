"""Frames on their way to the doors of a node's channels: whose they seem to be, and how much their authors may send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from waggledance.core import Member, Message, MessageId, Opening, PeerFault, PeerId, encode, raw_of
from waggledance.mesh._admission_bodies import Join
from waggledance.mesh._bounds import Bounds
from waggledance.mesh._channels import Channels
from waggledance.mesh._held import Held
from waggledance.mesh._reader import Reader
from waggledance.mesh._wire import Push
from waggledance.network import Give

AnyMessage = Message[Any]
UNVOUCHED_BYTES = 32 * 1024 * 1024
"""Of pushed frames that wait for a signature, at all doors together: anybody can write those, in anybody's name."""


class Intake:
    """Lets frames come to doors.

    Args:
        me: the node's peer.
        channels: the node's.
        reader: opens frames.
        bounds: how much others may make the node do.
        refused: where what is refused before a door is counted, by reason.
    """

    def __init__(self, me: PeerId, channels: Channels, reader: Reader, bounds: Bounds, refused: Counter[str]) -> None:
        self._channels, self._reader, self._bounds, self._refused = channels, reader, bounds, refused
        self.sender = me
        """Who says that it sent what is being taken in."""
        self.passed_on = False
        """Whether that is certain, and a member."""

    def take(
        self, sender: PeerId, batch: Push | Give, members: Mapping[PeerId, Member], most: int, now: float
    ) -> tuple[Held | None, list[tuple[AnyMessage, bytes]]]:
        """Let a batch's frames come to their channel's door.

        Only what a door has let in is counted against an author: a signature tells whose it is, and nobody uses up
        what another may send by writing that other's name on something.

        Args:
            sender: who says that it sent them.
            batch: the frames; a gift's sender has signed for it.
            members: who belongs to the swarm.
            most: questions that one asker may have open.
            now: the node's clock.

        Returns:
            The channel, None where it is not known here, and what its door has let in, with canonical bytes.
        """
        self.sender, self.passed_on = sender, isinstance(batch, Give)
        held = self._channels.get(batch.ch)
        if held is not None and held.rests and not self.passed_on:
            self._refused["rests"] += 1  # anybody may push, old frames too: what is new here, repair will bring
            return held, []
        opened = self._opened(batch.ch, batch.frames)
        if held is not None:
            return held, self._admitted(held, opened, now)
        # an opening may come behind what was said later by somebody who named no cause
        first = next((message for message, _ in opened if isinstance(message.body, Opening)), None)
        held = None if first is None else self._channels.adopt(first, members, most)
        if held is None or first is None:
            return None, []
        grown = self._admitted(held, opened, now)
        if first.id not in held.copy:
            self._channels.drop(held)
            return held, []
        return held, grown

    def _opened(self, channel: str, frames: Sequence[bytes]) -> list[tuple[AnyMessage, bytes]]:
        """Return the messages in frames, with these; without those that do not belong to the channel."""
        opened: list[tuple[AnyMessage, bytes]] = []
        for framed in frames:
            try:
                message = self._reader.open(framed)
            except PeerFault as fault:
                self._refused[fault.reason] += 1
                continue
            if message.channel != channel:  # what is told of a frame is signed by nobody; the frame itself says where
                self._refused["channel"] += 1
                continue
            opened.append((message, framed))
        return opened

    def _admitted(
        self, held: Held, opened: Sequence[tuple[AnyMessage, bytes]], now: float
    ) -> list[tuple[AnyMessage, bytes]]:
        """Show messages to a door, as far as their authors may send; return what it lets in."""
        allowance = self._bounds.given if self.passed_on else self._bounds.pushed
        unvouched = self._channels.unvouched
        raws: dict[MessageId, bytes] = {}
        grown: list[tuple[AnyMessage, bytes]] = []
        for message, framed in opened:
            if not allowance.allows(_answerable(message), len(framed), now):
                self._refused["rate"] += 1
                continue
            if unvouched.size_bytes > UNVOUCHED_BYTES and not (self.passed_on or message.signature):
                self._refused["parked-too-many"] += 1
                continue
            raw = raws[message.id] = raw_of(framed)
            for let_in in held.door.admit(message, raw):
                raw = raws.get(let_in.id) or encode(let_in)
                allowance.count(_answerable(let_in), len(raw), now)
                grown.append((let_in, raw))
        return grown


def _answerable(message: AnyMessage) -> PeerId:
    """Return who answers for a message: its author; for a join, whose author is always new, whoever invited."""
    return PeerId(message.body.invite.issuer) if isinstance(message.body, Join) else message.author
