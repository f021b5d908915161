"""Semantic equivalence: answers are the same when their embeddings are near each other.

    alike(a, b)  when  round(1024 · cosine(a, b)) >= round(1024 · cosine_min)

Rounded, because the last bits of an embedding differ between machines, and a decision must not. How well this works is
how well the embedding does. The default sees wording only (`hashed_ngrams`): it joins spellings, order and plurals of
one short answer, and neither synonyms nor what a "not" turns round. Give `embed` a model's embedding for meaning; then
all who decide must use the same one. Rounding from "Federation of Agents", arXiv:2509.20175, as we use it elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus._same import leaders
from waggledance.core import UsageError
from waggledance.topology import hashed_ngrams

Embedding = Callable[[Sequence[str]], NDArray[np.floating[Any]]]
"""From texts to rows, shape (texts, dimensions); a row depends on its own text alone."""

STEPS = 1024


@dataclass(frozen=True)
class Semantic:
    """Texts are the same when the cosine of their embeddings is large.

    Args:
        cosine_min: the least cosine, -1 to 1; it belongs to the embedding, so measure it on answers of known classes.
        embed: makes rows of texts; hashed n-grams unless given. A row of zeros or with NaN is near nothing.

    Raises:
        UsageError: the bound is out of range; or, when called, the embedding gives another number of rows than texts.

    >>> Semantic(0.6)(["the eiffel tower", "eiffel tower", "the louvre"])
    {'the eiffel tower': 'the eiffel tower', 'eiffel tower': 'the eiffel tower', 'the louvre': 'the louvre'}
    """

    cosine_min: float
    embed: Embedding = hashed_ngrams

    def __post_init__(self) -> None:
        if not -1 <= self.cosine_min <= 1:
            raise UsageError(f"a cosine lies between -1 and 1, got cosine_min={self.cosine_min}")

    @property
    def name(self) -> str:
        """The bound, and the embedding's name where it is not the default's."""
        how = "" if self.embed is hashed_ngrams else f", {getattr(self.embed, '__name__', type(self.embed).__name__)}"
        return f"semantic({self.cosine_min!r}{how})"

    def __call__(self, answers: Sequence[str], /) -> dict[str, str]:
        if not answers:
            return {}
        rows = np.asarray(self.embed(answers), dtype=np.float64)
        if rows.ndim != 2 or len(rows) != len(answers):
            raise UsageError(f"an embedding of {len(answers)} texts has as many rows, got the shape {rows.shape}")
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        usable = np.isfinite(length) & (length > 0)
        units = np.where(usable, rows, 0.0) / np.where(usable, length, 1.0)
        near = np.rint(STEPS * (units @ units.T)) >= round(STEPS * self.cosine_min)
        near &= usable & usable.T
        return leaders(answers, lambda i, j: bool(near[i, j]))
