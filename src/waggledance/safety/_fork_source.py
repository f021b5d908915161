"""The channel that is run again: as it stands in the log, and as it is told in the name of its origin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from waggledance.core import (
    Channel,
    Exchange,
    ForkedFrom,
    LoopClock,
    Message,
    MessageId,
    Outcome,
    Retold,
    UsageError,
    fork_of,
    frame,
    local_peer_id,
    open_frame,
)
from waggledance.safety._interventions import Interject, Intervention, Reword, Unsay, spelled_intervention
from waggledance.safety._recorded_history import History
from waggledance.safety._replay_parts import Replayed

AnyMessage = Message[Any]

DEBUGGER = local_peer_id("debugger")
"""Who opens a fork: nobody who sat in any channel."""
UNSAID_BYTES = 48 * 1024
"""Of what was unsaid, in a fork's first message; beside it there is room for what was changed."""


class Source:
    """The channel that is run again, as it stands in the log and in the name of its origin."""

    def __init__(self, messages: tuple[AnyMessage, ...]) -> None:
        if not messages:
            raise UsageError("there is nothing to run again: the channel has no messages")
        self.messages, self.name = messages, messages[0].channel
        fork = fork_of(messages)
        self.back = None if fork is None else Retold(fork, messages)
        inside = messages if self.back is None else self.back.messages
        unsaid = () if fork is None else zip(fork.body.unsaid_before, map(open_frame, fork.body.unsaid), strict=True)
        self.history = History(inside, unsaid, edited=fork is not None)

    def retold(self, id: MessageId) -> MessageId:
        return id if self.back is None else self.back.id(id)

    def exchanges(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Return what peers asked of their models, with authors as they are called in the name of the origin."""
        back = self.back
        return [e if back is None else msgspec.structs.replace(e, author=back.peer(e.author)) for e in exchanges]

    def of_origin(self, edit: Intervention) -> Intervention:
        """Return an intervention that names messages as they are called in the name of the origin."""
        match edit:
            case Reword() | Unsay():
                return msgspec.structs.replace(edit, id=self.retold(edit.id))
            case Interject():
                return msgspec.structs.replace(edit, after=self.retold(edit.after))
            case _:
                return edit

    def first(self, name: str, edits: Sequence[Intervention], at: MessageId | None) -> Message[ForkedFrom]:
        """Return the message that a fork begins with."""
        unsaid = self._unsaid_with(edits)
        body = ForkedFrom(
            parent=self.name,
            origin=self.history.opening.channel,
            edits=tuple(spelled_intervention(edit) for edit in edits),
            at=at,
            unsaid=tuple(raw for _, raw in unsaid),
            unsaid_before=tuple(before for before, _ in unsaid),
        )
        sheet = Channel(self.history.opening.swarm, name)
        return sheet.publish(DEBUGGER, body, [], LoopClock().wall_ms())

    def _unsaid_with(self, edits: Sequence[Intervention]) -> list[tuple[int, bytes]]:
        """Return what nobody hears in a fork with these changes, as many as its first message has room for.

        Each has before it the number that its author's next message will have which is heard.
        """
        silent = {self.retold(edit.id) for edit in edits if isinstance(edit, Unsay)} | set(self.history.unsaid)
        room, kept = UNSAID_BYTES, list[tuple[int, bytes]]()
        for said in self.history.by_author.values():
            number = 1
            for message in said:
                if message.id not in silent:
                    number += 1
                    continue
                raw = frame(message)
                room -= len(raw)
                if room >= 0:
                    kept.append((number, raw))
        return kept

    def is_told_by(self, played: Replayed) -> bool:
        """Say whether a replay gave the channel's own messages; a fork's outcome names its decision in its own way."""
        outcome = self.history.outcome
        was, now = ({m.id for m in messages if not isinstance(m.body, Outcome)}
                    for messages in (self.history.messages, played.messages))  # fmt: skip
        decision = played.decision if self.back is None else self.back.in_fork(played.decision)
        return was == now and (outcome is None or outcome.body.decision == decision.id)
