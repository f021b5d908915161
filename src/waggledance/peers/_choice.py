"""Answers that are one of the options: a letter, or the option's own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

from waggledance.peers._marked import marked, tidy
from waggledance.peers._short import short_key

_OPENING = re.compile(
    r"""^["'`*(\[ ]{0,4}(?:option |choice |letter )?["'`*(\[]{0,3}([A-Za-z])(?![\w'])[ ]?([).:\],*"'`-]?)(.*)$""",
    re.IGNORECASE | re.DOTALL,
)
_NAMED = re.compile(
    r"\(([A-Z])\)|\b(?:[Oo]ption|[Cc]hoice|OPTION|CHOICE)[ ]\(?[\"']?([A-Za-z])\b|^[ ]?([A-Z])[).:](?=[ \n]|$)",
    re.MULTILINE,
)


def choice(text: str, options: Sequence[str]) -> str | None:
    """Return the letter of the option that a text chooses; None when it chooses none or more than one.

    Args:
        text: what was said.
        options: the options' texts; the first is "A".

    >>> options = ["eight", "nine"]
    >>> choice("B) nine", options), choice("I think it is nine.", options), choice("A or B", options)
    ('B', 'B', None)
    """
    text = tidy(text).strip()
    for phrase in marked(text):
        chosen = _of_phrase(phrase, options)
        if len(chosen) == 1:
            return chosen.pop()
        if chosen:
            return None
    for part in (text, text.rpartition("\n")[2]):
        chosen = _of_phrase(part, options)
        if len(chosen) == 1:
            return chosen.pop()
    return None


def _of_phrase(phrase: str, options: Sequence[str]) -> set[str]:
    """Return the letters that a phrase may mean: one where it is clear, more where it contradicts itself."""
    worded = _worded(phrase, options)
    opening = _OPENING.match(phrase)
    if opening is not None:
        letter, after, rest = opening[1].upper(), opening[2], opening[3].strip(" .*\"'`)]")
        is_option = letter in ascii_uppercase[: len(options)]
        is_article = letter in "AI" and not after and bool(rest) and not _starts_with(rest, options[0])
        if is_option and not is_article and (after or not rest or worded or opening[1].isupper()):
            others = _named(rest, options) | _bare(rest, options)
            return {letter} | others | (worded if _is_only_an_option(rest, options) else set())
    return _named(phrase, options) or worded


def _bare(rest: str, options: Sequence[str]) -> set[str]:
    """Return a second letter offered in one breath, as in "A or B"."""
    match = re.match(r"(?:or|and|/|,|&) ?\(?([A-Za-z])\b(?![\w'])", rest, re.IGNORECASE)
    return {match[1].upper()} & set(ascii_uppercase[: len(options)]) if match else set()


def _named(text: str, options: Sequence[str]) -> set[str]:
    letters = {(a or b or c).upper() for a, b, c in _NAMED.findall(text)}
    return letters & set(ascii_uppercase[: len(options)])


def _worded(text: str, options: Sequence[str]) -> set[str]:
    """Return the letters of the options whose words occur, those inside a longer option that occurs left out."""
    left = f" {short_key(text)} "
    found: set[str] = set()
    keys = {letter: short_key(option) for letter, option in zip(ascii_uppercase, options, strict=False)}
    for letter, key in sorted(keys.items(), key=lambda item: (-len(item[1]), item[0])):
        if key and f" {key} " in left:
            found.add(letter)
            if len(key) > 1:
                left = left.replace(f" {key} ", " \0 ")
    return found


def _is_only_an_option(text: str, options: Sequence[str]) -> bool:
    return bool(text) and short_key(text) in {short_key(option) for option in options}


def _starts_with(text: str, option: str) -> bool:
    key = short_key(option)
    return bool(key) and f"{short_key(text)} ".startswith(f"{key} ")
