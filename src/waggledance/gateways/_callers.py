"""Profiles of callers: running means of neutral numbers, so that what a caller always asks for need not be said again.

A profile holds numbers only: how long questions are, which limits and depths are asked for, what answers came to; never
a word of a question or an answer. Each is an exponential moving average in whole millionths of its unit,

    p ← p + η (x − p),   η = 0.1; the first x is the first p; what an order does not say moves nothing

Where a caller has said a limit in most of its orders, an order that leaves it out gets the usual one (`Profile.usual`).
Watching people is off unless the server's owner asks for it (`waggle serve --profiles FILE`); the file is local, and
callers read and erase their own with GET and DELETE at ``/profile``.

Source: caller profiles, Shen, Shen 2026, "STEM Agent", arXiv:2603.22359; the choice of numbers and η are ours.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from waggledance.core import UNIT, Budget, Decision, UsageError, WaggleError
from waggledance.gateways._event import Decided
from waggledance.gateways._order import Order
from waggledance.gateways._running import Running

logger = logging.getLogger(__name__)

RATE_PPM = 100_000
"""η."""
USUAL_AFTER = 5
"""So many orders are seen before any is filled in."""
_KINDS = ("number", "choice", "yes/no", "short", "free", "code")


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one caller.

    Raises:
        UsageError: a count is negative.
    """

    seen: int
    """How many orders it rests on."""
    numbers: dict[str, int]
    """Running means by name, in millionths of their units; see `measured`."""

    def __post_init__(self) -> None:
        if self.seen < 0:
            raise UsageError(f"a profile rests on 0 or more orders, got {self.seen}")

    @property
    def usual(self) -> dict[str, int]:
        """The limits that a caller says in most of its orders, in millionths: what an order without them gets."""
        if self.seen < USUAL_AFTER:
            return {}
        said = self.numbers
        often = [name for name in _SAID if said.get(f"says_{name}", 0) * 2 > UNIT]
        return {name: said[name] for name in often if said[name] >= (0 if name == "temperature" else UNIT)}

    def after(self, numbers: dict[str, int]) -> Profile:
        """Return the profile with one more order in it."""
        moved = {name: _moved(self.numbers.get(name), x) for name, x in numbers.items()}
        return Profile(seen=self.seen + 1, numbers=dict(sorted({**self.numbers, **moved}.items())))


class Callers:
    """The profiles of a server's callers, in one file.

    Args:
        path: the file, which only the owner may read; in this process alone when None.
        names: whose profiles are kept; nobody else is watched.

    Raises:
        UsageError: the file is something else, damaged, or cannot be made.
    """

    def __init__(self, path: Path | None, names: Collection[str]) -> None:
        self._names = frozenset(names)
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._file = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=10)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.execute("CREATE TABLE IF NOT EXISTS callers (name TEXT PRIMARY KEY, profile TEXT NOT NULL)")
        except OSError as why:
            raise UsageError(f"profiles {path}: {why.strerror}; give another file") from why
        except sqlite3.DatabaseError as why:
            raise UsageError(f"profiles {path} cannot be used: {why}; give another file, or remove this one") from why

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def profile(self, caller: str) -> Profile | None:
        """Return a caller's profile; None where nothing is known."""
        row = self._file.execute("SELECT profile FROM callers WHERE name = ?", (caller,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Profile)

    def erase(self, caller: str) -> bool:
        """Forget all of a caller; say whether there was anything."""
        return self._file.execute("DELETE FROM callers WHERE name = ?", (caller,)).rowcount > 0

    def filled(self, order: Order) -> Order:
        """Return an order with its caller's usual limits where it says none."""
        profile = self.profile(order.caller) if order.caller in self._names else None
        usual = {} if profile is None else profile.usual
        if not usual:
            return order
        budget = order.budget or Budget()
        tokens, seconds = usual.get("budget_tokens"), usual.get("budget_seconds")
        if budget.tokens is None and tokens is not None:
            budget = msgspec.structs.replace(budget, tokens=round(tokens / UNIT))
        if budget.seconds is None and seconds is not None:
            budget = msgspec.structs.replace(budget, seconds=seconds / UNIT)
        most, heat = usual.get("max_tokens"), usual.get("temperature")
        return msgspec.structs.replace(
            order,
            budget=None if budget == Budget() else budget,
            max_tokens=round(most / UNIT) if order.max_tokens is None and most is not None else order.max_tokens,
            temperature=heat / UNIT if order.temperature is None and heat is not None else order.temperature,
        )

    def see(self, running: Running, asked: Order) -> None:
        """Let a caller's profile move by an order that has ended.

        Args:
            running: the order and what came of it.
            asked: the order as the caller gave it, before anything was filled in.
        """
        if asked.caller not in self._names or running.elsewhere:
            return
        decision = running.last.decision if isinstance(running.last, Decided) else None
        numbers = measured(asked, decision, cancelled=running.state == "cancelled")
        profile = (self.profile(asked.caller) or Profile(seen=0, numbers={})).after(numbers)
        kept = msgspec.json.encode(profile).decode()
        try:
            self._file.execute("INSERT OR REPLACE INTO callers VALUES (?, ?)", (asked.caller, kept))
        except sqlite3.Error as why:
            logger.warning("a profile could not be written: %s", why)


def measured(order: Order, decision: Decision | None, *, cancelled: bool = False) -> dict[str, int]:
    """Return what an order and its answer say of their caller, in millionths: numbers only.

    Args:
        order: as the caller gave it.
        decision: what came of it; None where nothing did.
        cancelled: whether the caller left before.
    """
    question, budget = order.question, order.budget or Budget()
    depth, sure = _depth_of(order.protocol)
    limits: dict[str, float | None] = {
        "max_tokens": order.max_tokens,
        "temperature": order.temperature,
        "budget_tokens": budget.tokens,
        "budget_seconds": budget.seconds,
    }
    found: dict[str, float | None] = {
        "question_chars": len(question.text),
        "turns_before": len(question.conversation),
        "options": len(question.options),
        "tools": len(question.tools),
        "depth": depth,
        "sure": sure,
        "says_protocol": order.protocol != "",
        "says_seed": order.seed is not None,
        "listens_closely": order.closely,
        "cancels": cancelled,
        **limits,
        **{f"says_{name}": limits[name] is not None for name in _SAID},
        **{f"asks_{kind.replace('/', '_')}": question.expects == kind for kind in _KINDS},
        **_answered(decision),
    }
    return {name: round(value * UNIT) for name, value in found.items() if value is not None}


def shown(profile: Profile | None) -> dict[str, Any]:
    """Return a profile as its caller is shown it: means in their own units, and what is filled in for them."""
    known = profile or Profile(seen=0, numbers={})
    plain = [{name: value / UNIT for name, value in numbers.items()} for numbers in (known.numbers, known.usual)]
    return {"seen": known.seen, "numbers": plain[0], "usual": plain[1]}


_SAID = ("max_tokens", "temperature", "budget_tokens", "budget_seconds")
"""Limits that an order may say, and that are filled in where it usually does."""


def _answered(decision: Decision | None) -> dict[str, float | None]:
    if decision is None:
        return {"decided": False}
    cost = decision.cost
    return {
        "decided": decision.status == "decided",
        "answer_chars": len(decision.text or decision.key or ""),
        "confidence": decision.confidence,
        "dissent": len(decision.dissent),
        "calls": cost.calls,
        "tokens": cost.prompt_tokens + cost.completion_tokens,
        "seconds": decision.seconds,
    }


@lru_cache(maxsize=256)
def _depth_of(protocol: str) -> tuple[int | None, float | None]:
    """Return the rounds or samples, and the certainty, that a named protocol asks for; None where it says none."""
    from waggledance.protocols import by_name

    try:
        made: Any = by_name(protocol) if protocol else None
    except WaggleError:
        return None, None
    depth = getattr(made, "rounds", None) or getattr(made, "samples", None)
    sure = getattr(made, "sure", None) if "sure" in protocol else getattr(made, "quorum", None)
    return depth if isinstance(depth, int) else None, float(sure) if isinstance(sure, (int, float)) else None


def _moved(before: int | None, x: int) -> int:
    """Return a running mean that has moved towards a number, up and down alike."""
    if before is None:
        return x
    step = abs(x - before) * RATE_PPM + UNIT // 2
    return before + (step // UNIT if x > before else -(step // UNIT))
