"""SimHash: a hash that is near for texts that share most of their words.

    bit b of the hash = sign of  Σ over words, repeats included, of  ±1 by bit b of the word's own hash

Two texts differ in as many bits as they differ in words: unrelated texts in about 25 of 64, copies with one word in ten
changed in about 5. It sees neither order nor meaning: it says that two computations were the same, not that one was
good. Source: Charikar 2002, "Similarity Estimation Techniques from Rounding Algorithms", section 3; that words (not
runs of words) tell a re-run from another text best was measured for this use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from blake3 import blake3

from waggledance.core import UsageError

BITS = 64

_LANE = 32
_MASK = (1 << _LANE) - 1
_SPREAD = tuple(sum((byte >> bit & 1) << _LANE * bit for bit in range(8)) for byte in range(256))
"""The bits of a byte, each in a lane of its own, so that eight counters are added up at once."""


def simhash(text: str, *, shingle: int = 1) -> int:
    """Return the hash of a text's words, 0 <= hash < 2**64; 0 for a text without words.

    Args:
        text: any text; blind to capitals and spacing.
        shingle: how many words in a row count as one, >= 1; a shorter text is one shingle.

    Raises:
        UsageError: `shingle` is below 1.

    >>> simhash("Bees dance, bees fly") == simhash("bees fly bees dance,")
    True
    """
    if shingle < 1:
        raise UsageError(f"a shingle is at least one word, got shingle={shingle}")
    words = text.casefold().split()
    starts = range(max(1, len(words) - shingle + 1)) if words else range(0)
    ones = [0] * (BITS // 8)
    for piece, count in Counter(" ".join(words[i : i + shingle]) for i in starts).items():
        for place, byte in enumerate(blake3(piece.encode(errors="replace")).digest(BITS // 8)):
            ones[place] += count * _SPREAD[byte]
    counts = [lanes >> _LANE * bit & _MASK for lanes in ones for bit in range(8)]
    return sum(1 << bit for bit, count in enumerate(counts) if 2 * count > len(starts))


def hamming(a: int, b: int) -> int:
    """Return in how many bits two hashes differ.

    >>> hamming(0b1100, 0b1010)
    2
    """
    return (a ^ b).bit_count()


def distance_bound(honest: Iterable[int], *, false_alarm: float = 0.01) -> int:
    """Return the smallest distance that at most a given share of honest re-runs exceeds.

    Args:
        honest: distances between runs that were the same computation, each 0 to 64.
        false_alarm: the share that may exceed it, 0 <= false_alarm < 1.

    Raises:
        UsageError: there are no distances, or an argument is out of range.

    >>> distance_bound([0] * 98 + [7, 20], false_alarm=0.01)
    7
    """
    distances = sorted(honest)
    if not distances:
        raise UsageError("a bound needs distances of honest re-runs, got none; run some and measure them")
    if not (0 <= false_alarm < 1 and distances[0] >= 0 and distances[-1] <= BITS):
        raise UsageError(f"distances lie between 0 and {BITS}, false_alarm between 0 and 1 (not 1), got {false_alarm}")
    return distances[len(distances) - 1 - int(false_alarm * len(distances))]
