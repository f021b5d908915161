"""Take private details out of a text before somebody else sees it, and put them back into the answer.

Every detail becomes a placeholder such as ``[EMAIL_1]``: the same detail the same placeholder, so that what is written
about it still makes sense. What stands for what is kept here and never sent. `HARD` takes out what rules can
know: addresses of mail and machines, numbers of phones, cards and accounts, postal addresses, days of birth, keys.
Names of people, health, beliefs and the like cannot be known by rules; see `SoftScrub`.

A placeholder hides a detail, not a person: who reads "[EMAIL_1] won the 1998 final" may know whose address it is.

Source: the scrub of Shen et al. 2026, "GroupGPT", arXiv:2603.01059; the rules and the placeholders are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol

from waggledance.core import UsageError
from waggledance.safety._scrub_national import check_region, national_phones
from waggledance.safety._scrub_rules import RULES, Rule

PHONE = "PHONE"
REMEMBERED = 512
"""Texts whose details are remembered."""
MARK = re.compile(r"\[([A-Z]{2,12}_[1-9][0-9]{0,4})\]", re.IGNORECASE)
"""What a placeholder looks like; models change capitals at times."""


class Span(NamedTuple):
    """One detail: where it stood, what it is, what stands there now."""

    start: int
    end: int
    kind: str
    replacement: str


@dataclass(frozen=True)
class Cleaned:
    """A text without its private details, and how to put them back."""

    text: str
    spans: tuple[Span, ...]
    """In order, by their places in the text as it was."""
    placeholders: Placeholders

    def restored(self, reply: str) -> str:
        """Return a reply with the details in place of their placeholders."""
        return self.placeholders.restored(reply)


class Scrub(Protocol):
    """Takes details out of texts."""

    def clean(self, text: str, placeholders: Placeholders | None = None) -> Cleaned:
        """Return the text without them; texts that share `placeholders` share what stands for what."""
        ...


@dataclass
class Placeholders:
    """What stands for what; numbers count from 1 for each kind, in order of first sight.

    Args:
        taken: texts whose own words may look like placeholders: those are never given to a detail.
    """

    taken: Iterable[str] = ()
    _marks: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _details: dict[str, str] = field(default_factory=dict[str, str])
    _reserved: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self._reserved |= {found[1].upper() for text in self.taken for found in MARK.finditer(text)}
        self.taken = ()

    def __len__(self) -> int:
        return len(self._details)

    def mark(self, kind: str, detail: str) -> str:
        """Return what stands for a detail, such as ``[EMAIL_1]``; spacing and capitals do not make another one."""
        same = (kind, re.sub(r"[\s./()-]", "", detail).casefold())
        if same not in self._marks:
            number = 1 + sum(1 for known, _ in self._marks if known == kind)
            while f"{kind}_{number}" in self._reserved:
                number += 1
            self._reserved.add(f"{kind}_{number}")
            self._marks[same] = f"[{kind}_{number}]"
            self._details[f"{kind}_{number}"] = detail
        return self._marks[same]

    def restored(self, text: str) -> str:
        """Return a text with details in place of their placeholders; unknown ones stay."""
        return MARK.sub(lambda found: self._details.get(found[1].upper(), found[0]), text) if self._details else text


class HardScrub:
    """Takes out what rules can know.

    Args:
        kinds: which kinds, such as ``"EMAIL"``; all of them by default.
        region: a country in which phone numbers are known as people there write them, such as ``"GB"``: those that
            stand alone are taken out as well. None knows no country; needs the extra ``phones``.

    Raises:
        UsageError: there is no such kind, a region is given and phones are left out, or the extra is not installed.
        UnknownName: there is no such region.

    >>> HardScrub().clean("Write to ada@example.org, or call +44 20 7946 0958.").text
    'Write to [EMAIL_1], or call [PHONE_1].'
    """

    def __init__(self, kinds: Sequence[str] | None = None, *, region: str | None = None) -> None:
        known = {rule.kind for rule in RULES}
        for kind in kinds or ():
            if kind not in known:
                raise UsageError(f"there is no kind of detail {kind!r}; known: {', '.join(sorted(known))}")
        self._rules: tuple[Rule, ...] = RULES if kinds is None else tuple(r for r in RULES if r.kind in kinds)
        if region is not None:
            if all(rule.kind != PHONE for rule in self._rules):
                raise UsageError(f"a region ({region!r}) is for phone numbers, and {PHONE!r} is not among the kinds")
            check_region(region)
        self._region = region
        self._found = lru_cache(REMEMBERED)(self._find)
        """A conversation is cleaned again with every turn of it, and its beginning by every peer."""

    def clean(self, text: str, placeholders: Placeholders | None = None) -> Cleaned:
        """Return the text without them; where two rules see the same characters, the earlier one has them."""
        placeholders = placeholders if placeholders is not None else Placeholders((text,))
        return replaced(text, self._found(text), placeholders)

    def _find(self, text: str) -> tuple[tuple[int, int, str], ...]:
        """Return start, end and kind of every detail, in order and apart from one another."""
        found: list[tuple[int, int, str]] = []
        for start, end, kind in self._seen(text):
            if _is_detail(text[start:end]) and all(end <= other or start >= until for other, until, _ in found):
                found.append((start, end, kind))
        return tuple(sorted(found))

    def _seen(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and kind of what may be a detail, in the order of who wins."""
        small = text.lower()
        for rule in self._rules:
            for start, end in rule.places(text, small):
                yield start, end, rule.kind
        if self._region is not None:
            for start, end in national_phones(text, self._region):
                yield start, end, PHONE


def _is_detail(found: str) -> bool:
    """Say whether what a rule has found is more than a placeholder: what is clean stays as it is."""
    return MARK.fullmatch(found.strip("\"'`.,;:!?()")) is None if "[" in found else True


def replaced(text: str, found: Sequence[tuple[int, int, str]], placeholders: Placeholders) -> Cleaned:
    """Return a text with placeholders for what was found, given in order and apart from one another."""
    parts: list[str] = []
    spans: list[Span] = []
    at = 0
    for start, end, kind in found:
        mark = placeholders.mark(kind, text[start:end])
        parts += (text[at:start], mark)
        spans.append(Span(start, end, kind, mark))
        at = end
    return Cleaned("".join((*parts, text[at:])), tuple(spans), placeholders)


HARD = HardScrub()
"""All rules."""
