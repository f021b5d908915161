"""Plain text: what is left of a text when nothing in it can act on a terminal, a log or a reader's eye.

Anyone may have written it: a model, a person, a peer elsewhere.
"""

from __future__ import annotations

import re
from unicodedata import normalize

MAX_CHARS = 32_000
MAX_BYTES = 36_000  # of UTF-8: with a key and 300 references to others, a proposal still fits into a body's 64 KiB

_HEAD_CHARS = 12_000  # of a text that is too long; the rest is its end, where the answer usually is
_CUT = "\n[… the middle of a longer text was left out …]\n"
_LEAVE = 120

# Control characters but tab and newline (escape sequences), bidirectional and invisible format characters (text that
# reads otherwise than it is), tag characters (text that is not seen at all), and halves of surrogate pairs (not text).
# The joiners U+200C and U+200D stay: Persian, Indic scripts and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)

# Putting a long run of combining marks into canonical order takes quadratic time; no script needs runs like that.
_RUN = re.compile(r"([^\w\s\x00-\x7f]{200})[^\w\s\x00-\x7f]+")


def plain(text: str, *, max_chars: int = MAX_CHARS, max_bytes: int = MAX_BYTES) -> str:
    r"""Return a text in NFC, without characters that act or hide, and no longer than allowed.

    Args:
        text: anything.
        max_chars: a longer text loses its middle, and says so there; below 200 it loses its end.
        max_bytes: the same, counted in UTF-8.

    >>> plain("\x1b[31mred\x1b[0m\r\nand plain")
    '[31mred[0m\nand plain'
    """
    text = _shortened(text.replace("\r\n", "\n"), max_chars)
    text = normalize("NFC", _RUN.sub(r"\1…", _UNSEEN.sub("", text))).strip()
    while len(text) > max_chars or len(text.encode()) > max_bytes:
        text = _shortened(text, min(max_chars, len(text) * max_bytes // max(1, len(text.encode())) - 1)).strip()
    return text


def line(text: str, max_chars: int) -> str:
    r"""Return a text as one plain line of at most `max_chars` characters.

    >>> line("first\n\n  second", 20)
    'first second'
    """
    words = " ".join(plain(text, max_chars=max(4 * max_chars, _LEAVE)).split())
    return words if len(words) <= max_chars else words[: max_chars - 1].rstrip() + "…"


def _shortened(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    room = max_chars - len(_CUT)
    if room < _LEAVE:
        return text[: max(0, max_chars)]
    head = min(_HEAD_CHARS, room * 3 // 8)
    return text[:head] + _CUT + text[head - room :]
