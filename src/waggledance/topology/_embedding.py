"""Hashed n-grams: texts as points on a sphere, near each other when they share words. No model, no download.

Every word, and every run of three characters, adds ±√(how often it occurs) to one coordinate; coordinate and sign are
taken from the hash of the n-gram, so that different n-grams that meet in one coordinate cancel on average. Words and
characters count half each. It sees wording, not meaning: "yes" and "certainly" are unrelated, "is prime" and "is not
prime" alike. Source: Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning", arXiv:0902.2206,
eq. 2; the choice of n-grams is ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from unicodedata import normalize

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from waggledance.core import UsageError

RUN = 3
"""Characters of a run: the length most used for matching short texts."""

_WORD = re.compile(r"\w+|[^\w\s]")


def hashed_ngrams(texts: Sequence[str], *, dimensions: int = 1024) -> NDArray[np.float64]:
    """Embed texts, blind to capitals, to spacing, and to which Unicode form spells a letter.

    Args:
        texts: any texts; an empty one is a point of its own, unrelated to all that hold a word.
        dimensions: of the space, >= 1; unrelated texts have a cosine of about 0 ± 1/√dimensions.

    Returns:
        Shape (texts, dimensions), every row of length 1; the product of two rows is their cosine, -1 to 1. A row
        depends on its own text alone.

    Raises:
        UsageError: one text instead of a sequence of them, or no dimension.

    >>> a, b, c = hashed_ngrams(["Paris, France", "paris  france", "the Nile"])
    >>> bool(a @ b > 0.7), bool(abs(a @ c) < 0.2)
    (True, True)
    """
    if isinstance(texts, str):
        raise UsageError("hashed_ngrams() takes a sequence of texts, got one text; write [text]")
    if dimensions < 1:
        raise UsageError(f"a space has at least one dimension, got dimensions={dimensions}")
    points = np.zeros((len(texts), dimensions))
    for i, text in enumerate(texts):
        point = points[i]
        plain = " ".join(normalize("NFKC", text).casefold().split())
        words = _WORD.findall(plain)
        _add(point, b"word ", words or [""])
        padded = f" {plain} "
        _add(point, b"run ", [padded[j : j + RUN] for j in range(len(padded) - RUN + 1)])
        length = sqrt(float(point @ point))
        if length == 0:  # all met and cancelled, as they may in very few dimensions
            point[0] = length = 1.0
        points[i] /= length
    return points


def _add(point: NDArray[np.float64], family: bytes, grams: Iterable[str]) -> None:
    """Add the n-grams of one family, together of length 1 where none meet."""
    counts = Counter(grams)
    if not counts:
        return
    scale = 1 / sqrt(sum(counts.values()))
    for gram, count in sorted(counts.items()):
        digest = int.from_bytes(blake3(family + gram.encode(errors="replace")).digest(8))
        point[(digest >> 1) % len(point)] += scale * sqrt(count) * (1 if digest & 1 else -1)
