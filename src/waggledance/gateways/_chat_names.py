"""Names in a room: whoever reads one must know who it is, so none may look like another.

Two names look alike when they are the same after signs and capitals are taken away and letters that share a shape are
made one: ``Аda`` with a Cyrillic А, ``ada_``, ``ADA`` and ``аdа`` are all Ada's. A name is written in one script.

Source: the idea of skeletons is Unicode Technical Standard #39, section 4; the table is ours and holds the Cyrillic,
Greek and digit look-alikes of Latin letters, not all that there are.
"""

from __future__ import annotations

import re
from unicodedata import category, name, normalize

from waggledance.core import UsageError

MAX_NAME_CHARS = 32

_ALIKE = str.maketrans(
    "абвгезіјкмнорстухѕԁԛѡɡһլαβγεηικμνορτυχω0135",
    "a6brezijkmhopctyxsdqwghlabyenikmvoptuxwoles",
)


def checked_name(written: str) -> str:
    """Return a name as a room keeps it.

    Raises:
        UsageError: it is empty, too long, holds what is neither letter, digit, space nor one of ``-_.'``, or letters
            of two scripts.
    """
    plain = " ".join(normalize("NFKC", written).split())
    if not 1 <= len(plain) <= MAX_NAME_CHARS:
        raise UsageError(f"a name has 1 to {MAX_NAME_CHARS} characters, got {len(plain):,}")
    if not all(category(c)[0] in "LN" or category(c) in ("Mn", "Mc") or c in " -_.'" for c in plain):
        raise UsageError("a name is made of letters, digits, spaces and - _ . '")
    if not any(category(c)[0] == "L" for c in plain):
        raise UsageError("a name has at least one letter")
    scripts = {_script(c) for c in plain if category(c)[0] == "L"}
    if len(scripts) > 1:
        raise UsageError(f"a name is written in one script, not in {' and '.join(sorted(scripts)).lower()}")
    return plain


def looks_like(written: str) -> str:
    """Return what a name looks like: names with the same look cannot be told apart.

    >>> looks_like("Swarm") == looks_like("ѕwаrm") == looks_like("s.w_a r m")
    True
    """
    bare = normalize("NFKD", written.casefold())
    bare = "".join(c for c in bare if category(c)[0] in "LN").translate(_ALIKE)
    return re.sub("[il|]", "l", bare).replace("rn", "m").replace("vv", "w")


def _script(letter: str) -> str:
    """Return the script of a letter, by the first word of its Unicode name; signs of Chinese and Japanese are one."""
    first = name(letter, "UNKNOWN").split()[0].split("-")[0]
    return "CJK" if first in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "KATAKANA-HIRAGANA") else first
