"""The names that people give: of peers, which are shown, and of keys and swarms, which are files as well."""

from __future__ import annotations

import re
from unicodedata import is_normalized, normalize

from waggledance.core import UsageError

_FILE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")
MAX_NAME_CHARS = 64


def is_file_name(name: str) -> bool:
    """Return whether a key or a swarm can have this name."""
    return _FILE_NAME.fullmatch(name) is not None


def check_file_name(noun: str, name: str) -> str:
    """Return the name of a key or a swarm, if it can be a file's name on every system.

    Raises:
        UsageError: it is not 1 to 48 lower-case letters, digits and hyphens, with no hyphen at an end.
    """
    if not is_file_name(name):
        raise UsageError(
            f"a {noun}'s name has 1 to 48 lower-case letters, digits and hyphens, such as 'night-bees'; "
            f"got {name!r:.60}"
        )
    return name


def check_shown_name(name: str) -> str:
    """Return a peer's name, if it can be shown to people without deceiving them.

    Raises:
        UsageError: it is empty, longer than 64 characters, has spaces at an end, signs that are not seen, a ``#``, or
            is not in Unicode form NFC.
    """
    if not 1 <= len(name) <= MAX_NAME_CHARS or name != name.strip() or not name.isprintable() or "#" in name:
        raise UsageError(
            f"a peer's name has 1 to {MAX_NAME_CHARS} visible characters and no '#', which sets apart two of one name; "
            f"got {name!r:.80}"
        )
    if not is_normalized("NFC", name):
        raise UsageError(f"a peer's name must be in Unicode form NFC; use unicodedata.normalize('NFC', {name!r:.80})")
    return name


def alike(name: str) -> str:
    """Return what two names have in common that people would take for one: letters of other widths or cases.

    >>> alike("Ada") == alike("ａda")
    True
    """
    return normalize("NFKC", normalize("NFKC", name).casefold())
