"""Facts in a text, by code: its numbers and its names. What a plan must not lose, and what tells two parts apart.

Source: Li et al. 2024, AOP, arXiv:2410.02189 (a model lists missing facts); to look for digits and capitals is ours.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_STARTS = re.compile(r"(?:^|[.!?:;\n]\s*|^\s*[-*•\d.)]+\s*|[\"“(]\s*)$")
_COMMON = frozenset(("i", "i'm", "i'd", "i'll"))


def facts(text: str) -> frozenset[str]:
    """Return a text's numbers and its names in small letters.

    A number is taken without separators of thousands. A name is a word with a capital letter where no sentence begins;
    one that begins a sentence counts when it has a second capital or a digit.

    >>> sorted(facts("Compare the Nile with the 6,400 km of the Amazon. Then add 3.50."))
    ['3.5', '6400', 'amazon', 'nile']
    """
    found = {_plain(number) for number in _NUMBER.findall(text)}
    for word in _WORD.finditer(text):
        name = word[0].removesuffix("'s").removesuffix("’s")
        starts = _STARTS.search(text[: word.start()][-40:]) is not None
        capitals = sum(letter.isupper() for letter in name)
        if capitals and (not starts or capitals > 1) and name.casefold() not in _COMMON:
            found.add(name.casefold())
    return frozenset(found)


def _plain(number: str) -> str:
    """Return one spelling of a number.

    >>> _plain("1,000"), _plain("2.50"), _plain("10:30"), _plain("007")
    ('1000', '2.5', '10:30', '7')
    """
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number):
        number = number.replace(",", "")
    if re.fullmatch(r"\d+\.\d+", number):
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") or "0" if number.isdigit() else number
