"""All channels of a log, each in a line: read once, then only what has come since."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waggledance.core import ForkedFrom, Message, Opening, Outcome, PeerId
from waggledance.mesh import LOBBY
from waggledance.studio._conversation import LOBBY_TITLE, is_talk, opened, opener_name
from waggledance.studio._decision import answer_text
from waggledance.studio._log_window import LogWindow
from waggledance.studio._shapes import ChannelLine, Forked

CHANNELS_AT_MOST = 2_000
"""In one list, the newest."""
QUESTION_CHARS = 400


@dataclass
class _Entry:
    """What is known of one channel."""

    messages: int = 0
    last: int = 0
    """Its newest arrival number."""
    opening: Message[Opening] | None = None
    outcome: Message[Outcome] | None = None
    fork: Message[ForkedFrom] | None = None
    grew: bool = False
    """Whether it has grown while we looked."""


class Index:
    """What a log holds, channel by channel.

    Args:
        window: the log.
    """

    def __init__(self, window: LogWindow) -> None:
        self._window = window
        self._file = 0
        self._upto = 0
        self._entries: dict[str, _Entry] = {}

    def read_on(self) -> None:
        """Take what has come since."""
        window = self._window
        looked = self._file == window.files
        if not looked:
            self._file, self._upto, self._entries = window.files, 0, {}
        if window.last <= self._upto:
            return
        for name, (count, last) in window.counted(self._upto).items():
            entry = self._entries.setdefault(name, _Entry())
            entry.messages, entry.last, entry.grew = entry.messages + count, last, looked
        for row in window.ends(self._upto):
            message = opened(row)
            if message is not None:
                _note_end(self._entries.setdefault(row.channel, _Entry()), message)
        self._upto = window.last

    def names(self) -> tuple[str, ...]:
        """Return the names of all channels, in the order in which they began."""
        return tuple(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def line(self, name: str, *, writing: bool) -> ChannelLine:
        """Return one channel in a line."""
        entry = self._entries[name]
        opening = None if entry.opening is None else entry.opening.body
        outcome = None if entry.outcome is None else entry.outcome.body
        question = None if opening is None else opening.question
        key = None if outcome is None else outcome.key
        return ChannelLine(
            name=name,
            question=_title(name) if question is None else question.text[:QUESTION_CHARS],
            protocol="" if opening is None else opening.protocol,
            topology="" if opening is None else opening.topology,
            rule="" if opening is None else opening.rule,
            status=_status(name, entry),
            answer=(key if question is None else answer_text(question, key) or "")[:QUESTION_CHARS] if key else None,
            messages=entry.messages,
            asked_ms=None if entry.opening is None else entry.opening.wall_ms,
            live=writing and self.is_open(name),
            forked_from=None if entry.fork is None else Forked(entry.fork.body.parent, len(entry.fork.body.edits)),
        )

    def opening(self, name: str) -> Opening | None:
        """Return how a channel was opened; None where it was not."""
        opening = self._entries[name].opening
        return None if opening is None else opening.body

    def size(self, name: str) -> tuple[int, int]:
        """Return how many messages a channel has in the log, and the newest one's arrival number."""
        entry = self._entries[name]
        return entry.messages, entry.last

    def is_open(self, name: str) -> bool:
        """Say whether a channel may still be written, if somebody writes to the log: it has no outcome, and has grown
        while we looked or is the last that grew."""
        entry = self._entries.get(name)
        if entry is None or entry.outcome is not None:
            return False
        return entry.grew or entry.last == self._upto

    def seats(self, name: str) -> dict[PeerId, str]:
        """Return what the members of a channel are called, as far as its opening says, and the asker."""
        opening = self._entries[name].opening
        if opening is None:
            return {}
        return {opening.author: opener_name(name, opening)} | {
            member.id: member.name for member in opening.body.members
        }

    def newest(self) -> list[str]:
        """Return the names of the channels that began last, the last first, as many as are listed."""
        return list(reversed(self._entries))[:CHANNELS_AT_MOST]


def _title(name: str) -> str:
    return LOBBY_TITLE if name == LOBBY else ""


def _status(name: str, entry: _Entry) -> str:
    if entry.outcome is not None:
        return entry.outcome.body.status
    return "talk" if is_talk(name, entry.opening) else "unfinished"


def _note_end(entry: _Entry, message: Message[Any]) -> None:
    """Note what opens or ends a channel: of several openings and forks the first, of the asker's outcomes the last."""
    if isinstance(message.body, ForkedFrom):
        entry.fork = entry.fork or message
    elif isinstance(message.body, Opening):
        entry.opening = entry.opening or message
    elif entry.opening is not None and message.author == entry.opening.author:
        entry.outcome = message


def is_being_written(log: Path) -> bool:
    """Say whether a process has the log open for writing, by the lock beside it; looks, and does not lock.

    A process that was killed has left the file there, and is not found.
    """
    try:
        pid = int(log.with_name(log.name + ".lock").read_text().strip())
        os.kill(pid, 0)
    except PermissionError:
        return True  # somebody else's process, and alive
    except (OSError, ValueError):
        return False
    return True
