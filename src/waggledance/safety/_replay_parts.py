"""What every replay is given and gives: live peers, what is changed by message, and what has come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from waggledance.core import Decision, Message, MessageId, Peer, PeerId, UnknownName, UsageError, show
from waggledance.safety._interventions import Interject, Intervention, Reword, Unsay
from waggledance.safety._recorded_history import History, Slot
from waggledance.safety._recorded_peer import Counts, Live

AnyMessage = Message[Any]
Told = Callable[[AnyMessage], None]
"""Hears every message of a replay, causes first."""

Peers = Callable[[str, str], Peer]
"""Gives the live peer of a name; with the model of this name, or with its own when that is empty."""


class Replayed(msgspec.Struct, frozen=True):
    """A run that was run again, in the name of its origin."""

    messages: tuple[AnyMessage, ...]
    decision: Decision
    counts: Counts
    slots: dict[MessageId, Slot]
    """Where each message stands."""


def peer_named(history: History, peer: str) -> PeerId:
    """Return who is meant by a name or by an id in hexadecimal.

    Raises:
        UnknownName: nobody of that name sat there.
    """
    by_name = {m.name: m.id for m in history.members}
    if peer in by_name:
        return by_name[peer]
    with suppress(ValueError):
        id = PeerId(bytes.fromhex(peer))
        if id in by_name.values():
            return id
    raise UnknownName("peer", peer, by_name)


def place_of(history: History, at: MessageId | None, live: Live) -> int | None:
    """Return where in the record a moment is; None for the beginning.

    Raises:
        UsageError: there is no such message, or everything after no moment is to be asked anew.
    """
    if at is None:
        if live == "after":
            raise UsageError("live='after' asks everybody anew after a message: say which with `at`")
        return None
    if at not in history.place:
        raise UsageError(f"there is no message {show(at)} in the channel to run on from; see `waggle log show`")
    return history.place[at]


def changes_by_message(history: History, edits: Sequence[Intervention]) -> dict[MessageId, Any]:
    """Return what is changed, by message.

    Raises:
        UsageError: there is no such message, it cannot be changed, or it is changed twice.
    """
    by_id: dict[MessageId, Any] = {}
    for edit in edits:
        if not isinstance(edit, Reword | Unsay | Interject):
            continue
        id = edit.after if isinstance(edit, Interject) else edit.id
        message = history.by_id.get(id)
        if message is None:
            raise UsageError(f"there is no message {show(id)} in the channel to change; see `waggle log show --json`")
        if message.author == history.asker:
            raise UsageError(
                f"{show(id)} is a {message.kind} of the asker's: what was asked, and what came of it, is not changed; "
                "ask anew, or change what a peer said"
            )
        if message.author in history.forgers:
            raise UsageError(f"{show(id)} is by a peer who wrote two messages with one number: it counts for nobody")
        if id in by_id:
            raise UsageError(f"{show(id)} is changed twice: say in one intervention what becomes of it")
        by_id[id] = edit
    return by_id
