"""Phone numbers as people of one country write them among themselves, standing alone: a library knows their shapes.

Without the country they look like any other numbers, so rules of ours leave most of them alone. Numbers are taken that
are in use in the country and grouped as they are there: a sum or an order's number seldom is both.

Source: libphonenumber's matcher, strict grouping (package ``phonenumberslite``, the extra ``phones``).
"""

from __future__ import annotations

import re

from waggledance.core import UnknownName, UsageError

LEAST_DIGITS = 6
"""Shorter ones, of small islands, are house numbers everywhere else."""
MAX_TRIES = 1_000
"""Of the matcher, in one text: what looks like a number and is none; a text of nothing else would take seconds."""
_YEAR = r"(?:19|20)[0-9]{2}"
_DATE = re.compile(
    rf"{_YEAR}[-/. ][0-9]{{1,2}}[-/. ][0-9]{{1,2}}|[0-9]{{1,2}}[-/. ][0-9]{{1,2}}[-/. ]{_YEAR}|{_YEAR}-{_YEAR}"
)
"""What is said more often of a day, or of years, than to be called."""


def check_region(region: str) -> None:
    """Refuse a country that nobody has numbers of.

    Raises:
        UsageError: the library is not here; says what to install.
        UnknownName: there is no such region; says the nearest.
    """
    try:
        from phonenumbers import SUPPORTED_REGIONS
    except ImportError:
        raise UsageError(
            f"national numbers of {region!r} need libphonenumber: pip install waggledance[phones]"
        ) from None
    if region not in SUPPORTED_REGIONS:
        raise UnknownName("region", region, SUPPORTED_REGIONS)


def national_phones(text: str, region: str) -> list[tuple[int, int]]:
    """Return start and end of each phone number as it is written within a region, such as ``"GB"``."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    found = PhoneNumberMatcher(text, region, leniency=Leniency.STRICT_GROUPING, max_tries=MAX_TRIES)
    return [(match.start, match.end) for match in found if _is_phone(match.raw_string)]


def _is_phone(text: str) -> bool:
    return sum(map(str.isdecimal, text)) >= LEAST_DIGITS and _DATE.fullmatch(text) is None
