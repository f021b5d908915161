"""What a graph is folded from: claims that two concepts are related, and claims that two names mean one."""

from __future__ import annotations

import re
from typing import ClassVar
from unicodedata import normalize

from waggledance.core import Body, UsageError, well_formed

MAX_TRIPLES = 64
MAX_NAME_CHARS = 120

Triple = tuple[str, str, str]
"""A concept, how it is related, and to which concept."""

_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\S)")
_NOT_A_PLURAL = ("ss", "us", "is", "as", "os")


class Triples(Body, frozen=True, gc=False):
    """What its author says is related: claims, not facts.

    Raises:
        UsageError: none or more than 64, or a name that is empty, longer than 120 characters or not in form NFC.
    """

    kind: ClassVar[str] = "triples/1"
    triples: tuple[Triple, ...]
    sources: tuple[bytes, ...] = ()
    """Ids of what they were read from, 32 bytes each; at most 16."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.triples) <= MAX_TRIPLES:
            raise UsageError(f"a message holds 1 to {MAX_TRIPLES} triples, got {len(self.triples)}")
        for triple in self.triples:
            for name in triple:
                check_name(name)
        if len(self.sources) > 16 or any(len(source) != 32 for source in self.sources):
            raise UsageError("triples have at most 16 sources, ids of 32 bytes each")


class Same(Body, frozen=True, gc=False):
    """Its author says that two names mean one concept. It counts only where they have a neighbour in common.

    Raises:
        UsageError: a name breaks a limit, or both are one.
    """

    kind: ClassVar[str] = "same/1"
    a: str
    b: str

    def __post_init__(self) -> None:
        check_name(self.a)
        check_name(self.b)
        if node_of(self.a) == node_of(self.b):
            raise UsageError(f"{self.a!r} and {self.b!r} are one name already")


def node_of(name: str) -> str:
    """Return what names are merged by: without capitals, articles, spaces too many, and the plural of the last word.

    >>> node_of("The Neural  Networks"), node_of("Studies"), node_of("bus"), node_of("glass")
    ('neural network', 'study', 'bus', 'glass')
    """
    plain = _ARTICLE.sub("", " ".join(normalize("NFKC", name).casefold().split()))
    if plain.endswith("ies") and len(plain) > 4:
        return plain[:-3] + "y"
    if plain.endswith("s") and not plain.endswith(_NOT_A_PLURAL) and len(plain) > 3:
        return plain[:-1]
    return plain


def check_name(name: str) -> None:
    """Refuse a name that no node may have.

    Raises:
        UsageError: it is empty, longer than 120 characters, not on one line or not in form NFC.
    """
    if not name.strip() or len(name) > MAX_NAME_CHARS or len(name.splitlines()) > 1 or name != well_formed(name):
        raise UsageError(f"a concept's name is one line of 1 to {MAX_NAME_CHARS} characters, got {name!r:.80}")
