"""Capability records: what a peer says it can do, for what price, and under which policy. All of it is a claim.

A peer publishes its record in the lobby, and a new one with a higher `ver` when something changes; `_records.py` says
which one is in force. Everybody can write anything into one, so what is looked at is what the author did, beside it.

Source: Giusti et al. 2025, "Federation of Agents", arXiv:2509.20175 (versioned capability vectors), without the
embeddings: a vector that a peer states about itself is a claim that nobody can check, so readers make their own from
the record's text. Fields as in the project's network specification, §4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar
from unicodedata import is_normalized

import msgspec

from waggledance.core import Body, PeerId, UsageError

MAX_NAME_CHARS = 128
MAX_TEXT_CHARS = 2_000
MAX_EXAMPLE_CHARS = 500
MAX_SKILLS = 32
MAX_ITEMS = 32
"""Of any other list in a record. With these limits a record of ordinary words fits a body of 64 KiB."""
MAX_ATTEST_BYTES = 4_096
MAX_LEASE_S = 86_400
MAX_NUMBER = 2**53 - 1
"""Whole numbers beyond this change on their way through JSON."""

_UNSHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
"""Controls, and what hides, or turns the direction of what follows; a fixed list, so that all versions refuse alike."""


def check_texts(what: str, texts: tuple[str, ...], most: int, *, blank: bool = True) -> None:
    """Refuse texts that are too long, too many, or not in Unicode form NFC.

    Where a text may not be blank it is a name, and stands in one line, in letters that show: what people read in a list
    must not move the cursor, hide a part, or turn the direction of what follows.

    Raises:
        UsageError: says which.
    """
    if len(texts) > MAX_ITEMS:
        raise UsageError(f"{what}: at most {MAX_ITEMS} are allowed, got {len(texts)}")
    for text in texts:
        if len(text) > most:
            raise UsageError(f"{what}: at most {most:,} characters are allowed, got {len(text):,}; shorten it")
        if not text.isascii() and not is_normalized("NFC", text):
            raise UsageError(f"{what} must be in Unicode form NFC; use well_formed(...) on {text!r:.80}")
        if not blank and not text.strip():
            raise UsageError(f"{what} is empty; say it in words")
        if not blank and text != shown(text):
            raise UsageError(f"{what} has characters that do not show: {text!r:.80}; leave them out")


def shown(text: str) -> str:
    r"""Return a text without the characters that do not show.

    >>> shown("A\u202eda\x1b[2J")
    'Ada[2J'
    """
    return _UNSHOWN.sub("", text)


def _check_hash(what: str, hash: bytes) -> None:
    if len(hash) not in (0, 32):
        raise UsageError(f"{what} has 32 bytes, or none when it is not known; got {len(hash)}")


def _check_numbers(what: str, numbers: Mapping[str, int]) -> None:
    for name, number in numbers.items():
        if not 0 <= number <= MAX_NUMBER:
            raise UsageError(f"{what}: {name} is a whole number from 0 to 2^53 - 1, got {number}")


class Skill(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True,
    rename={"takes": "in", "gives": "out"},
):  # fmt: skip
    """One thing that a peer can do."""

    id: str
    """What other peers look for, such as ``"translate"``; once in a record."""
    name: str
    desc: str = ""
    tags: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    """Kinds of input, as media types or schema ids such as ``"text/plain"``; on the wire ``in``."""
    gives: tuple[str, ...] = ()
    """Kinds of output; on the wire ``out``."""

    def __post_init__(self) -> None:
        check_texts("a skill's id", (self.id,), MAX_NAME_CHARS, blank=False)
        check_texts("a skill's name", (self.name,), MAX_NAME_CHARS, blank=False)
        check_texts("a skill's desc", (self.desc,), MAX_TEXT_CHARS)
        check_texts("a skill's tags", self.tags, MAX_NAME_CHARS, blank=False)
        check_texts("a skill's examples", self.examples, MAX_EXAMPLE_CHARS)
        check_texts("what a skill takes", self.takes, MAX_NAME_CHARS, blank=False)
        check_texts("what a skill gives", self.gives, MAX_NAME_CHARS, blank=False)


class ModelClaim(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A model that a peer says it thinks with."""

    name: str
    hash: bytes = b""
    """BLAKE3 of its weights, 32 bytes; empty where the peer cannot know, as with a model behind somebody's API."""
    ctx: int = 0
    """Context, in tokens; 0 when not said."""
    tok_s: int = 0
    """Tokens a second, written; 0 when not said."""
    origin: str = ""
    """Who made it, so that models sharing one blind spot can be told."""

    def __post_init__(self) -> None:
        check_texts("a model's name", (self.name,), MAX_NAME_CHARS, blank=False)
        check_texts("a model's origin", (self.origin,), MAX_NAME_CHARS)
        _check_hash("a model's hash", self.hash)
        _check_numbers("a model", {"ctx": self.ctx, "tok_s": self.tok_s})


class ToolClaim(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A tool that a peer says it can use; the hash is of its description, so that a changed tool is seen."""

    name: str
    hash: bytes = b""

    def __post_init__(self) -> None:
        check_texts("a tool's name", (self.name,), MAX_NAME_CHARS, blank=False)
        _check_hash("a tool's hash", self.hash)


class Price(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What a thousand tokens cost the asker."""

    micro_usd_1k: int = 0
    joule_1k: int | None = None
    """Energy; None when not said."""

    def __post_init__(self) -> None:
        _check_numbers("a price", {"micro_usd_1k": self.micro_usd_1k, "joule_1k": self.joule_1k or 0})


class Capacity(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """How much a peer takes on: questions at a time, tokens an answer; 0 when not said."""

    parallel: int = 0
    max_tokens: int = 0

    def __post_init__(self) -> None:
        _check_numbers("limits", {"parallel": self.parallel, "max_tokens": self.max_tokens})


class Capability(Body, frozen=True, gc=False):
    """What its author says it can do. Its key is its name; `name` is for people, and anybody may copy it.

    Raises:
        UsageError: a text, list or number outside its limits, a text that is not in Unicode form NFC, a skill twice.
    """

    kind: ClassVar[str] = "capability/1"
    ver: int
    """1 or more; a higher one replaces a lower one of the same author."""
    name: str
    desc: str = ""
    skills: tuple[Skill, ...] = ()
    models: tuple[ModelClaim, ...] = ()
    tools: tuple[ToolClaim, ...] = ()
    protocols: tuple[str, ...] = ()
    """Such as ``"debate/1"``."""
    cost: Price = Price()
    limits: Capacity = Capacity()
    policy: tuple[str, ...] = ()
    """What it says it keeps to, such as ``"eu-only"``; a need that demands a flag is met by no record without it."""
    where: tuple[str, ...] = ()
    """Endpoints, such as ``"tcp/bees.example:7447"``."""
    parent: PeerId | None = None
    """The peer that runs this one, if any."""
    attest: bytes = b""
    """What a third party says of it, in that party's form; kept and passed on, and not read here."""
    lease_s: int = 600
    """For how long after it was last heard the record still counts, 1 to 86,400 s."""

    def __post_init__(self) -> None:
        check_texts("a record's name", (self.name,), MAX_NAME_CHARS, blank=False)
        check_texts("a record's desc", (self.desc,), MAX_TEXT_CHARS)
        for what, texts in (("protocols", self.protocols), ("policy", self.policy), ("where", self.where)):
            check_texts(f"a record's {what}", texts, 2 * MAX_NAME_CHARS, blank=False)
        for what, items, most in (("skills", self.skills, MAX_SKILLS), ("models", self.models, MAX_ITEMS),
                                  ("tools", self.tools, MAX_ITEMS)):  # fmt: skip
            if len(items) > most:
                raise UsageError(f"a record has at most {most} {what}, got {len(items)}; leave the least needed out")
        ids = [skill.id for skill in self.skills]
        if len(set(ids)) < len(ids):
            raise UsageError(f"a record names a skill twice: {', '.join(sorted(ids))}; give each an id of its own")
        if not 1 <= self.ver <= MAX_NUMBER:
            raise UsageError(f"a record's ver is a whole number from 1, got {self.ver}")
        if not 1 <= self.lease_s <= MAX_LEASE_S:
            raise UsageError(f"a lease lasts 1 to {MAX_LEASE_S:,} s, got lease_s={self.lease_s}")
        if self.parent is not None and len(self.parent) != 32:
            raise UsageError(f"a parent is a peer id of 32 bytes, got {len(self.parent)}")
        if len(self.attest) > MAX_ATTEST_BYTES:
            raise UsageError(f"an attestation has at most {MAX_ATTEST_BYTES:,} bytes, got {len(self.attest):,}")

    @property
    def text(self) -> str:
        """What is compared with a need by meaning: name, description and skills in words, without examples.

        Taking the nearest of a record's examples instead named the right peer less often (the project's card `foa`).
        """
        skills = (" ".join((s.name, s.desc, *s.tags)) for s in self.skills)
        return "\n".join((self.name, self.desc, *skills))
