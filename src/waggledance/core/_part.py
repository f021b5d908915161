"""What a message may carry beside its words: parts of any media type, each with a text form that everybody can follow.

A part's content stands in the message itself (up to 32 KiB) or is a blob elsewhere, named by its hash. What is no text
has an ``alt``: a transcript or a description, written by its sender, so that a peer who cannot hear or see takes part
all the same. Whether the ``alt`` is true is another matter: whoever decodes the content may publish a `Transcript` of
its own, a claim under its own name. Decisions are made from words that peers signed, never from media.

Source: the medium, not the model, of Zhang et al. 2024, "SpeechAgents", arXiv:2401.03945; the form is ours.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

import msgspec

from waggledance.core._bodies import well_formed
from waggledance.core._errors import UsageError
from waggledance.core._message import Body

MAX_INLINE_BYTES = 32 * 1024
"""Of one part inside a message; larger content is a blob."""
MAX_BLOB_BYTES = 64 * 1024 * 1024
"""Of a part's blob: nobody is asked to fetch more for one turn of a conversation."""
MAX_ALT_CHARS = 2_000
MAX_SPOKEN_MS = 60_000
"""Of one turn of speech: a minute, which is some 150 words."""

_TYPE = re.compile(r"(text|image|audio|video|application|model|font)/[a-z0-9][a-z0-9.+-]{0,99}")
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,120}")
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class BlobRef(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Content that is kept elsewhere: whoever wants it fetches it, up to the size that is said here."""

    hash: _Hash
    """As `mesh.blob_of` names it, 32 bytes."""
    size_bytes: int
    """0 to 64 MiB; what turns out longer is cut off there and refused."""
    name: str = ""
    """A file's name, for people; no folders."""

    def __post_init__(self) -> None:
        if not 0 <= self.size_bytes <= MAX_BLOB_BYTES:
            raise UsageError(f"a part's blob has 0 to {MAX_BLOB_BYTES:,} bytes, got {self.size_bytes:,}")
        if self.name and (_NAME.fullmatch(self.name) is None or set(self.name) == {"."}):
            raise UsageError(f"a blob's name is a file's name without folders, got {self.name!r:.80}")


class Meta(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What a sender says about a part's content: claims, to be checked by whoever decodes it."""

    language: str = ""
    """As in BCP 47: ``"en"``, ``"pt-BR"``."""
    milliseconds: int = 0
    """How long it plays; 0 where that is not said."""
    width: int = 0
    height: int = 0
    """In pixels; 0 where that is not said."""
    style: str = ""
    """How it is spoken: ``"calm"``."""
    voice: str = ""
    """Which synthetic voice speaks."""

    def __post_init__(self) -> None:
        if min(self.milliseconds, self.width, self.height) < 0:
            raise UsageError("a part's length, width and height are 0 or more")
        if max(map(len, (self.language, self.style, self.voice))) > 80:
            raise UsageError("a part's language, style and voice have at most 80 characters each")


class Part(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One piece of a message: words, or media with words that stand for it.

    >>> Part(type="image/png", inline=b"...", alt="A red barn.").words
    'A red barn.'
    """

    type: str
    """The media type, in lower case: ``"audio/ogg"``."""
    text: str = ""
    """The content of a text part."""
    inline: bytes = b""
    """The content of another part, up to 32 KiB."""
    blob: BlobRef | None = None
    """Where longer content is."""
    alt: str = ""
    """A transcript or a description, at most 2,000 characters; what is no text must have one."""
    meta: Meta | None = None

    def __post_init__(self) -> None:
        if _TYPE.fullmatch(self.type) is None:
            raise UsageError(f"a part's media type looks like 'audio/wav', got {self.type!r:.80}")
        if (bool(self.text), bool(self.inline), self.blob is not None).count(True) != 1:
            raise UsageError("a part has exactly one of text, inline content and a blob")
        if self.text and not self.type.startswith("text/"):
            raise UsageError(f"a part of type {self.type} carries bytes or a blob; its words stand in alt")
        if len(self.inline) > MAX_INLINE_BYTES:
            raise UsageError(
                f"{len(self.inline):,} bytes are too many inside a message, whose parts have at most "
                f"{MAX_INLINE_BYTES:,}: keep them as a blob and refer to it"
            )
        self._check_words()
        if self.type.startswith("audio/") and self.meta is not None and self.meta.milliseconds > MAX_SPOKEN_MS:
            raise UsageError(f"one turn of speech lasts at most {MAX_SPOKEN_MS // 1000} s; split it")

    def _check_words(self) -> None:
        if not self.type.startswith("text/") and not self.alt.strip():
            raise UsageError(f"a part of type {self.type} needs an alt: a transcript or a description of it, in words")
        if len(self.alt) > MAX_ALT_CHARS:
            raise UsageError(f"an alt has at most {MAX_ALT_CHARS:,} characters, got {len(self.alt):,}")
        if any(well_formed(words) != words for words in (self.text, self.alt)):
            raise UsageError("a part's words must be well-formed Unicode in form NFC; use well_formed(...)")

    @property
    def words(self) -> str:
        """What somebody who only reads gets of it."""
        return self.text or self.alt or (self.blob.name if self.blob is not None else "")


class Transcript(Body, frozen=True, gc=False):
    """What a peer says that a part's content says, whatever the sender's ``alt`` claims."""

    kind: ClassVar[str] = "transcript/1"
    of: _Hash
    """The content: as `BlobRef.hash` names it."""
    text: str
    by: str = ""
    """What made it: a model's name."""

    def __post_init__(self) -> None:
        if well_formed(self.text) != self.text:
            raise UsageError("a transcript must be well-formed Unicode in form NFC; use well_formed(...)")
