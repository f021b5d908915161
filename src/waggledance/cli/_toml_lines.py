"""On which line of a TOML file an entry stands; the standard parser does not say."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from typing import cast

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
_HEADER = re.compile(r"\s*(\[\[?)")

Path = tuple[str | int, ...]


def line_of(text: str, path: Path) -> int | None:
    """Return the line, from 1, of the entry that a path leads to, or of the nearest one around it.

    Args:
        text: a file that tomllib can read.
        path: keys and, for arrays of tables, indices, as in ``("peers", 1, "persona")``.

    >>> line_of("[ask]\\npeers = 3\\n", ("ask", "peers"))
    2
    """
    best, deepest = None, 0
    for at, line in _entries(text):
        shared = _shared(at, path)
        if shared > deepest:
            best, deepest = line, shared
    return best


def _shared(at: Path, path: Path) -> int:
    """Return how many steps of `path` an entry at `at` stands for; 0 when it leads elsewhere."""
    common = min(len(at), len(path))
    return common if at[:common] == path[:common] and len(at) <= len(path) else 0


def _entries(text: str) -> list[tuple[Path, int]]:
    """Return every header and every key with its line, in order."""
    entries: list[tuple[Path, int]] = []
    table: Path = ()
    arrays: Counter[Path] = Counter()
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        header, key = _HEADER.match(lines[at]), _KEY.match(lines[at])
        if header:
            table = _numbered(_keys(lines[at]), arrays)
            if header[1] == "[[":
                table = (*table, arrays[table])
                arrays[table[:-1]] += 1
            entries.append((table, at + 1))
        elif key:
            entries.append(((*table, *_keys(f"{key[1]} = 0")), at + 1))
            at = _last_line(lines, at)
        at += 1
    return entries


def _keys(line: str) -> Path:
    """Return the keys of a header or of a dotted key, unquoted by the parser itself."""
    keys: list[str] = []
    inside: object = tomllib.loads(line)
    while inside and isinstance(inside, dict | list):
        if isinstance(inside, list):
            inside = cast("list[object]", inside)[0]
        else:
            key, inside = next(iter(cast("dict[str, object]", inside).items()))
            keys.append(key)
    return tuple(keys)


def _numbered(keys: Path, arrays: Counter[Path]) -> Path:
    """Put in the index of the array's last table, where keys lead through an array of tables."""
    path: Path = ()
    for key in keys[:-1]:
        path = (*path, key)
        if arrays[path]:
            path = (*path, arrays[path] - 1)
    return (*path, keys[-1])


def _last_line(lines: list[str], start: int) -> int:
    """Return where the value that begins on a line ends: values of several lines hold what looks like keys."""
    for end in range(start, len(lines)):
        try:
            tomllib.loads("\n".join(lines[start : end + 1]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return start
