"""Words as prompts take them that were never published: fenced like anybody's, and named by their hash."""

from __future__ import annotations

from blake3 import blake3

from waggledance.core import Message, MessageId, Note, local_peer_id, swarm_id, well_formed


def unsent(about: str, text: str, by: str = "plan") -> Message[Note]:
    """Return words as a note outside any channel, to be shown to a model beside notes that were published.

    Args:
        about: what it is, see `Note.about`; prompts show it as a heading.
        text: the words.
        by: whose they are.

    Raises:
        UsageError: `about` is no short name.
    """
    note = Note(about=about, text=well_formed(text))
    id = blake3(b"waggle/unsent/1\0" + about.encode() + b"\0" + by.encode() + b"\0" + note.text.encode()).digest()
    return Message(MessageId(id), local_peer_id(by), note, 1, None, (), 1, 0, swarm_id("unsent"), "unsent")
