"""A step of a batch: an async function, what it needs, and how it may be run."""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, overload

from waggledance.core import UsageError
from waggledance.tasks._row import Row, Value

ROW, VISIT = "row", "visit"
"""Parameters with a meaning of their own: the row itself, and the visit a step is paid."""


@dataclass(frozen=True, slots=True)
class Back:
    """A bounded loop: when a result is not good enough, the row goes back to an earlier step."""

    to: str
    """The step to go back to; it and all that rest on it run again."""
    unless: Callable[[Row], bool]
    """Whether the row may go on; a pure function of the row."""
    times: int = 1
    """How often a row goes back at most; after that it goes on as it is."""

    def __post_init__(self) -> None:
        if self.times < 1:
            raise UsageError(f"a loop back to {self.to!r} happens at least once, got times={self.times}; leave it out")


@dataclass(frozen=True, slots=True)
class Step:
    """An async function with a place in a pipeline. Made by `step`; a plan file makes its own.

    Called with what its parameters name: ``row`` is the `Row`, ``visit`` the `Visit` (seed, attempt, cost), and
    anything else the result of the step of that name.
    """

    name: str
    function: Callable[..., Awaitable[Value]]
    needs: tuple[str, ...] = ()
    """Steps whose results it takes, and which end before it starts."""
    takes: tuple[str, ...] = ()
    """What it is called with, by name: ``row``, ``visit``, or one of `needs`."""
    timeout_s: float | None = None
    """Seconds one attempt may take."""
    retries: int = 0
    """Further attempts after one that failed."""
    width: int | None = None
    """How many run at once, over all rows; as many as there are rows in flight when None."""
    idempotent: bool = False
    """Whether a second copy does no harm: then one may be started for a straggler, and the first answer wins."""
    schema: Any = None
    """A type as msgspec takes it; a result that cannot be one is a failed attempt."""
    check: Callable[[Row, Value], str | None] | None = None
    """Says what is wrong with a result, or None; what is wrong is a failed attempt."""
    when: Callable[[Row], bool] | None = None
    """Whether it runs at all; skipped, its result is None. A pure function of the row."""
    back: Back | None = None
    version: str = ""
    """Changes when what the step does changes: a journal is only resumed by the plan that wrote it."""

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name in (ROW, VISIT):
            raise UsageError(f"a step's name is a name as in Python, and not {ROW!r} or {VISIT!r}; got {self.name!r}")
        if self.timeout_s is not None and not (math.isfinite(self.timeout_s) and self.timeout_s > 0):
            raise UsageError(f"step {self.name!r}: timeout_s is a positive number of seconds, got {self.timeout_s}")
        if self.retries < 0:
            raise UsageError(f"step {self.name!r}: retries is 0 or more, got {self.retries}")
        if self.width is not None and self.width < 1:
            raise UsageError(f"step {self.name!r}: width is 1 or more, or None for no limit; got {self.width}")


@overload
def step(function: Callable[..., Awaitable[Value]], /) -> Step: ...
@overload
def step(
    *,
    name: str | None = None,
    timeout_s: float | None = None,
    retries: int = 0,
    width: int | None = None,
    idempotent: bool = False,
    schema: Any = None,
    check: Callable[[Row, Value], str | None] | None = None,
    when: Callable[[Row], bool] | None = None,
    back: Back | None = None,
    version: str = "",
) -> Callable[[Callable[..., Awaitable[Value]]], Step]: ...
def step(function: Callable[..., Awaitable[Value]] | None = None, /, **how: Any) -> Any:
    """Make a step of an async function; its parameters name what it needs.

    Bare, or with options, which are the fields of `Step`.

    Raises:
        UsageError: it is no async function, or takes ``*args``, ``**kwargs`` or positional-only parameters.

    >>> @step
    ... async def review(row: Row, generate: str) -> str:
    ...     return f"{generate}, said of {row.id}: fine"
    >>> review.name, review.needs
    ('review', ('generate',))
    """
    return partial(_step_of, **how) if function is None else _step_of(function)


def _step_of(function: Callable[..., Awaitable[Value]], *, name: str | None = None, **how: Any) -> Step:
    called = str(name or getattr(function, "__name__", ""))
    asynchronous = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 — an object whose call is async is as good as a function
    )
    if not asynchronous:
        raise UsageError(f"step {called!r} is no async function: write `async def`, so that rows can wait side by side")
    parameters = inspect.signature(function).parameters.values()
    odd = [str(p) for p in parameters if p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if odd:
        raise UsageError(f"step {called!r} takes {', '.join(odd)}: name each step that it needs instead")
    takes = tuple(p.name for p in parameters)
    needs = tuple(name for name in takes if name not in (ROW, VISIT))
    return Step(called, function, needs, takes, **how)
