"""One turn of a conversation: what somebody says in a channel, to whom, with which media. Chats and threads use it."""

from __future__ import annotations

from typing import ClassVar

from waggledance.core._bodies import well_formed
from waggledance.core._errors import UsageError
from waggledance.core._ids import MessageId, PeerId
from waggledance.core._message import Body
from waggledance.core._part import Part

MAX_SAID_CHARS = 16_000
"""Of one turn's words: some 4,000 tokens."""
MAX_PARTS = 16


class Say(Body, frozen=True, gc=False, omit_defaults=True):
    """What somebody says in a conversation.

    >>> Say(text="Where is the nest?").words
    'Where is the nest?'
    """

    kind: ClassVar[str] = "say/1"
    text: str = ""
    to: tuple[PeerId, ...] = ()
    """Whom it addresses by name; nobody in particular when empty."""
    parts: tuple[Part, ...] = ()
    """Media that come with it, at most 16."""
    refs: tuple[MessageId, ...] = ()
    """What it answers to."""
    decided_in: str = ""
    """The channel in which a swarm came to these words; empty for what one peer or a person says."""

    def __post_init__(self) -> None:
        if not self.text.strip() and not self.parts:
            raise UsageError("nothing is said: give a text or parts")
        if len(self.text) > MAX_SAID_CHARS:
            raise UsageError(f"one turn has at most {MAX_SAID_CHARS:,} characters, got {len(self.text):,}; split it")
        if len(self.parts) > MAX_PARTS:
            raise UsageError(f"one turn has at most {MAX_PARTS} parts, got {len(self.parts)}; split it")
        if len(set(self.to)) < len(self.to):
            raise UsageError("a turn addresses somebody twice")
        if well_formed(self.text) != self.text:
            raise UsageError("what is said must be well-formed Unicode in form NFC; use well_formed(...)")

    @property
    def words(self) -> str:
        """All of it in words: the text, then what stands for each part, on a line of its own."""
        return "\n".join(filter(None, [self.text, *(f"[{part.type}] {part.words}" for part in self.parts)]))
