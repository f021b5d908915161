"""Evidence: what comparisons found, shipped with the package, so that a default can say what it rests on.

Figures only, with the commands that made them; the questions and answers behind them are not in the package.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec


class Found(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one arm reached."""

    arm: str
    right: float
    """Share of questions, 0 to 1, with its 95 % interval."""
    low: float
    high: float
    calls: float
    """Mean calls a question."""
    tokens: float | None = None
    """Mean tokens a question, read and written; None where it was not recorded."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One comparison."""

    asked: str
    """What was asked, of which models."""
    command: str
    """What makes the figures again."""
    reads: str
    """What they say and what they do not."""
    arms: tuple[Found, ...]


def evidence() -> tuple[Evidence, ...]:
    """Return what is known about arrangements at equal spend."""
    raw = (files("waggledance.lab") / "evidence.json").read_bytes()
    return msgspec.json.decode(raw, type=tuple[Evidence, ...])
