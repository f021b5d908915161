"""Prices: what a model's tokens cost, so that many cheap words and few dear ones can be set against each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from waggledance.core import UsageError

NOMINAL = (1.0, 4.0)
"""Dollars per million tokens read and written, where no price is given: price lists charge three to five times as much
for a token written as for one read. Only the ratio matters when arms with the same models are compared."""


class Prices(msgspec.Struct, frozen=True):
    """What tokens cost.

    >>> Prices({"small": (0.1, 0.4)}).of("small", prompt_tokens=1000, completion_tokens=500)
    300
    """

    by_model: Mapping[str, tuple[float, float]] = {}
    """Dollars per million tokens read and written, by model."""

    def __post_init__(self) -> None:
        for model, pair in self.by_model.items():
            if len(pair) != 2 or not all(isfinite(price) and price >= 0 for price in pair):
                raise UsageError(f"the price of {model!r} is {pair}; give dollars per million tokens read and written")

    def of(self, model: str, prompt_tokens: int, completion_tokens: int) -> int:
        """Return what so many tokens of a model cost, in millionths of a dollar; nominal where it has no price."""
        read, written = self.by_model.get(model, NOMINAL)
        return round(prompt_tokens * read + completion_tokens * written)

    @classmethod
    def read(cls, path: Path) -> Prices:
        """Read a table: JSON, ``{"model": [read, written]}`` in dollars per million tokens.

        Raises:
            UsageError: there is none, or it is something else.
        """
        try:
            table: Any = json.loads(path.read_text())
            return cls({str(model): (float(pair[0]), float(pair[1])) for model, pair in table.items()})
        except OSError as why:
            raise UsageError(f"the price table {path} cannot be read: {(why.strerror or str(why)).lower()}") from why
        except (ValueError, TypeError, AttributeError, IndexError, KeyError) as why:
            raise UsageError(
                f'{path} is no price table: write {{"model": [0.15, 0.6]}}, dollars per million tokens read and '
                f"written ({why})"
            ) from why
