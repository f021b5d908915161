"""A pipeline: steps as a checked graph, and the pure functions that say where a row goes next.

`ready` is a function of the row alone, as Matrix' ``hop(history)`` is, so any peer or process that holds a row can
take it on: no scheduler holds state that a row does not.

Source: Matrix (arXiv 2511.21686), recast: the graph rule instead of the cycle of roles.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from graphlib import CycleError, TopologicalSorter
from types import CodeType
from typing import Any, cast

from blake3 import blake3

from waggledance.core import UnknownName, UsageError
from waggledance.tasks._row import Row, Value
from waggledance.tasks._step import Back, Step


class Pipeline:
    """Steps and what rests on what.

    Args:
        steps: in any order; each is made by `step`.
        name: what the pipeline is called in reports.

    Raises:
        UsageError: there is no step, two have one name, they wait on each other in a circle, or a loop leads back to a
            step that does not come before.
        UnknownName: a step needs, or goes back to, one that there is not; says the nearest.

    >>> from waggledance.tasks import step
    >>> @step
    ... async def draft(row): ...
    >>> @step
    ... async def review(row, draft): ...
    >>> Pipeline([review, draft]).order
    ('draft', 'review')
    """

    def __init__(self, steps: Sequence[Step], name: str = "pipeline") -> None:
        if not steps:
            raise UsageError("a pipeline needs at least one step, got none")
        twice = [called for called, n in Counter(step.name for step in steps).items() if n > 1]
        if twice:
            raise UsageError(f"two steps are called {twice[0]!r}: give each a name of its own")
        self.name = name
        named = {step.name: step for step in steps}
        self.order = _sorted(named)
        """Names of the steps, each after those it needs; of steps that could stand either way, the smaller first."""
        self.steps = tuple(named[called] for called in self.order)
        self._named = named
        self._after = _descendants(self.steps)
        for step in self.steps:
            if step.back is not None:
                self._check_back(step, step.back)
        self._waits = tuple((step, step.name, frozenset(step.needs)) for step in self.steps)
        self.described = "\n".join(line for step in self.steps for line in _described(step))
        """What the results of a run rest on, one fact a line; how wide or how patient a step is does not belong."""
        self.digest = blake3(self.described.encode()).digest()
        """32 bytes that name what is described; a journal is resumed by a pipeline of the same digest."""

    def __getitem__(self, step: str) -> Step:
        if step not in self._named:
            raise UnknownName("step", step, self._named)
        return self._named[step]

    def ready(self, row: Row) -> list[Step]:
        """Return the steps that could run at a row now, in order; none when it is through."""
        results = row.results
        there = results.keys()
        return [step for step, name, needs in self._waits if name not in results and needs <= there]

    def settle(self, row: Row, step: Step, value: Value) -> frozenset[str]:
        """Put a step's result into a row; return the steps that have to run again, of which none is up to date.

        A loop leads back when it has not done so `Back.times` times, which the row's own history tells.
        """
        row.results[step.name] = value
        row.hops.append(step.name)
        back = step.back
        if back is None or row.trip(step.name) > back.times or back.unless(row):
            return _NONE
        again = self._after[back.to]
        for name in again:
            if name in row.results:
                row.earlier[name] = row.results.pop(name)
        return again

    def skip(self, row: Row, step: Step) -> None:
        """Put in that a step was skipped: its result is None."""
        row.results[step.name] = None

    def _check_back(self, step: Step, back: Back) -> None:
        if back.to not in self._named:
            raise UnknownName("step", back.to, self._named)
        if step.name not in self._after[back.to]:
            raise UsageError(
                f"step {step.name!r} goes back to {back.to!r}, which does not come before it; "
                f"let {step.name!r} need it, or go back to one that it rests on"
            )


_NONE: frozenset[str] = frozenset()


def _sorted(named: dict[str, Step]) -> tuple[str, ...]:
    for step in named.values():
        for need in step.needs:
            if need not in named:
                raise UnknownName(f"step, which {step.name!r} needs,", need, named)
    sorter = TopologicalSorter({name: named[name].needs for name in sorted(named)})
    try:
        sorter.prepare()
    except CycleError as why:
        circle = " → ".join(why.args[1])
        raise UsageError(f"steps wait on each other in a circle: {circle}. Loops back are made with Back") from None
    order: list[str] = []
    while sorter.is_active():
        layer = sorted(sorter.get_ready())
        order += layer
        sorter.done(*layer)
    return tuple(order)


def _descendants(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """By step, itself and all that rest on it."""
    after: dict[str, set[str]] = {step.name: {step.name} for step in steps}
    for step in reversed(steps):
        for need in step.needs:
            after[need] |= after[step.name]
    return {name: frozenset(found) for name, found in after.items()}


def _described(step: Step) -> list[str]:
    facts: dict[str, str] = {
        "needs": ", ".join(step.needs),
        "code": step.version or _fingerprint(step.function),
        "schema": "" if step.schema is None else _type_name(step.schema),
        "check": _fingerprint(step.check),
        "when": _fingerprint(step.when),
        "retries": str(step.retries) if step.retries else "",
    }
    if step.back is not None:
        facts["back"] = f"to {step.back.to}, {step.back.times} times, unless {_fingerprint(step.back.unless)}"
    return [
        f"{step.name}.{fact}: {line}"
        for fact, text in facts.items()
        if text or fact == "needs"
        for line in text.split("\n")
    ]


def _type_name(schema: Any) -> str:
    fields = getattr(schema, "__struct_fields__", None)
    return f"{schema.__qualname__}({', '.join(fields)})" if fields is not None else str(schema)


def _fingerprint(function: Callable[..., Any] | None) -> str:
    """What a function is, as far as can be told: its name, and a hash of its own code; not of what it calls."""
    if function is None:
        return ""
    told = getattr(function, "version", None)
    if isinstance(told, str):
        return told
    plain: Any = inspect.unwrap(function)
    code: Any = getattr(plain, "__code__", None)
    name: str = getattr(plain, "__qualname__", type(plain).__qualname__)
    return name if code is None else f"{name} {_code_hash(code)}"


def _code_hash(code: CodeType) -> str:
    mark = blake3(code.co_code)
    for constant in code.co_consts:
        mark.update(_told(constant).encode("utf-8", "surrogatepass"))
    mark.update(repr((code.co_names, code.co_varnames)).encode("utf-8", "surrogatepass"))
    return mark.hexdigest(length=6)


def _told(constant: object) -> str:
    """A constant of a function's code as text, alike in every process."""
    match constant:
        case CodeType():
            return _code_hash(constant)
        case frozenset():
            return repr(sorted(map(_told, cast("frozenset[object]", constant))))
        case _:
            return repr(constant)
