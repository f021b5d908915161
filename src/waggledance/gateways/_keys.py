"""Who may come in: API keys, each with a name. Keys are kept as hashes, compared in constant time, and never shown."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3

from waggledance.core import UsageError, why_unreadable

MIN_KEY_CHARS = 16
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


class Keys:
    """API keys by the name of whom they belong to.

    Args:
        keys: the key of each name; at least one, each of 16 characters or more, no two alike.

    Raises:
        UsageError: there is none, one is too short or not plain ASCII, or two are alike; names the holder, never the
            key.

    >>> Keys({"ada": "a-secret-of-twenty-0"}).holder("a-secret-of-twenty-0")
    'ada'
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        if not keys:
            raise UsageError("no API key is given; leave keys out to let everyone in, or give one")
        for name, key in keys.items():
            if not _NAME.fullmatch(name):
                raise UsageError(f"a key's name has 1 to 64 letters, digits, _ . @ or -, got {name!r}")
            if len(key) < MIN_KEY_CHARS or not re.fullmatch(r"[\x21-\x7e]+", key):
                raise UsageError(
                    f"the API key of {name!r} cannot be used: it needs {MIN_KEY_CHARS} characters or more, ASCII, "
                    'without spaces; make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
                )
        self._hashes = tuple((name, _hashed(key)) for name, key in keys.items())
        if len({hash for _, hash in self._hashes}) < len(self._hashes):
            raise UsageError("two names have the same API key: give each its own")

    def __repr__(self) -> str:
        return f"Keys({', '.join(name for name, _ in self._hashes)})"

    @classmethod
    def read(cls, file: Path) -> Keys:
        """Read keys from a file: one a line, as ``name key``; empty lines and those that begin with # do not count.

        Raises:
            UsageError: the file cannot be read, others than its owner may read it, or a line is no name and key.
        """
        try:
            mode = file.stat().st_mode
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as why:
            raise UsageError(f"the API keys in {file} cannot be read: {why_unreadable(why)}") from why
        if mode & 0o077:
            raise UsageError(f"others may read the API keys in {file}; run: chmod 600 {file}")
        return cls(_by_name(str(file), [line for line in lines if line.strip() and not line.startswith("#")]))

    @classmethod
    def of_text(cls, text: str, where: str) -> Keys:
        """Read keys from an environment variable: ``name key``, several with commas between them.

        Args:
            text: what the variable says.
            where: the variable's name, for complaints.

        Raises:
            UsageError: a part is no name and key.
        """
        return cls(_by_name(where, [part for part in text.split(",") if part.strip()]))

    @property
    def names(self) -> tuple[str, ...]:
        """Whose keys there are, sorted."""
        return tuple(sorted(name for name, _ in self._hashes))

    def holder(self, key: str) -> str | None:
        """Return whose key this is; None where it is nobody's. Takes as long for every key."""
        hashed = _hashed(key)
        found: str | None = None
        for name, hash in self._hashes:
            if hmac.compare_digest(hash, hashed):
                found = name
        return found


def _by_name(where: str, lines: list[str]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        parts = line.split()
        if len(parts) != 2:
            raise UsageError(f"{where}: entry {number} is not a name and a key with a space between them")
        if parts[0] in keys:
            raise UsageError(f"{where}: two keys are called {parts[0]!r}: give each a name of its own")
        keys[parts[0]] = parts[1]
    return keys


def _hashed(key: str) -> bytes:
    return blake3(key.encode("utf-8", "surrogatepass")).digest()
