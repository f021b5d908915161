"""Inputs for a function: by the types it states or that its examples show, boundary values first, none twice.

Drawn from the seed after the programs are fixed, so that nobody who writes a program knows them.
Source: the need for boundary values and variety is FunCoder's, arXiv:2405.20092; there the model writes the inputs.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from waggledance.core import UsageError

_BOUNDS: dict[str, tuple[Any, ...]] = {
    "int": (0, 1, -1, 2, 3, 10, 7, 100),
    "float": (0.0, 1.0, -1.5, 0.5, 2.25, 100.0),
    "str": ("", "a", "Ab", "aba", "hello world", "1a2", "  x "),
    "bool": (True, False),
    "none": (None,),
}
_LENGTHS = (0, 1, 2, 3, 5, 8)
_DRAWS_AN_INPUT = 50
"""So often is another one drawn in place of one that was there before."""

Kind = tuple[Any, ...]
"""A type: ``("int",)``, ``("list", kind)``, ``("tuple", kinds)``, ``("dict", kind, kind)``, ``("union", kinds)``."""
ANY: Kind = ("union", (("int",), ("str",), ("list", ("int",))))


def kind_of(values: Sequence[Any]) -> Kind:
    """Return the type that examples show.

    >>> kind_of([[1, 2], []]), kind_of([("a", 1.5)])
    (('list', ('int',)), ('tuple', (('str',), ('float',))))
    """
    kinds = list(dict.fromkeys(_kind(value) for value in values))
    known = [kind for kind in kinds if kind != ("list", ANY)] or kinds
    if not known:
        return ANY
    return known[0] if len(known) == 1 else ("union", tuple(known))


def _kind(value: Any) -> Kind:
    """Return the type of one value; what has none of those that are drawn may be anything."""
    name = type(value).__name__.replace("NoneType", "none")
    if name == "list":
        return ("list", kind_of(list(value)))
    if name == "tuple":
        return ("tuple", tuple(_kind(item) for item in value))
    if name == "dict":
        return ("dict", kind_of(list(value)), kind_of(list(value.values())))
    return (name,) if name in _BOUNDS else ANY


def inputs(kinds: Sequence[Kind], n: int, *, seed: int, examples: Sequence[tuple[Any, ...]] = ()) -> list[str]:
    """Return arguments of calls, as Python text: the examples, then boundary values, then drawn ones, none twice.

    Args:
        kinds: the type of each parameter.
        n: how many, >= 1; fewer come back where there are no more, as of a function of one truth value.
        seed: same seed, same inputs.
        examples: calls that are known; their characters and sizes are drawn from as well.

    Raises:
        UsageError: n is below 1, or an example has another number of arguments.

    >>> inputs([("bool",)], 5, seed=0)
    ['(True,)', '(False,)']
    """
    if n < 1:
        raise UsageError(f"draw at least one input, got n={n}")
    if any(len(example) != len(kinds) for example in examples):
        raise UsageError(f"the function has {len(kinds)} parameters, and an example another number")
    rng = Random(f"waggle/inputs/1/{seed}")
    letters = sorted({c for example in examples for c in repr(example) if c.isalnum()}) or list(
        string.ascii_lowercase[:6]
    )
    found = dict.fromkeys(repr(example) for example in examples)
    bounds = max((len(_BOUNDS.get(kind[0], _LENGTHS)) for kind in kinds), default=1)
    for i in range(bounds):
        if len(found) < n:
            found[repr(tuple(_bound(kind, i, rng, letters) for kind in kinds))] = None
    for _ in range(_DRAWS_AN_INPUT * n):
        if len(found) >= n:
            break
        found[repr(tuple(_draw(kind, rng, letters, 0) for kind in kinds))] = None
    return list(found)[:n]


def _bound(kind: Kind, i: int, rng: Random, letters: Sequence[str]) -> Any:
    """Return the i-th boundary value of a type; of a collection one of the i-th size."""
    if kind[0] in _BOUNDS:
        return _BOUNDS[kind[0]][i % len(_BOUNDS[kind[0]])]
    if kind[0] == "union":
        return _bound(kind[1][i % len(kind[1])], i // len(kind[1]), rng, letters)
    if kind[0] == "tuple":
        return tuple(_bound(inner, i, rng, letters) for inner in kind[1])
    return _sized(kind, _LENGTHS[i % len(_LENGTHS)], rng, letters, 1)


def _draw(kind: Kind, rng: Random, letters: Sequence[str], depth: int) -> Any:
    draws: dict[str, Callable[[], Any]] = {
        "int": lambda: rng.choice((rng.randint(-10, 10), rng.randint(0, 30), rng.randint(-200, 1_000))),
        "float": lambda: round(rng.choice((rng.uniform(-10, 10), rng.uniform(0, 100))), rng.choice((0, 1, 2))),
        "str": lambda: "".join(rng.choice(_characters(letters, rng)) for _ in range(rng.choice((1, 2, 4, 6, 12)))),
        "bool": lambda: rng.random() < 0.5,
        "none": lambda: None,
        "union": lambda: _draw(rng.choice(kind[1]), rng, letters, depth),
        "tuple": lambda: tuple(_draw(inner, rng, letters, depth + 1) for inner in kind[1]),
    }
    return draws[kind[0]]() if kind[0] in draws else _sized(kind, rng.choice(_LENGTHS[1:]), rng, letters, depth + 1)


def _characters(letters: Sequence[str], rng: Random) -> Sequence[str]:
    return letters if rng.random() < 0.7 else string.ascii_letters + string.digits + "  .,()-"


def _sized(kind: Kind, size: int, rng: Random, letters: Sequence[str], depth: int) -> Any:
    """Return a list or dict of a size; half of the longer lists repeat an item."""
    size = size if depth < 3 else min(size, 2)
    if kind[0] == "dict":
        pairs = [(_draw(kind[1], rng, letters, depth), _draw(kind[2], rng, letters, depth)) for _ in range(size)]
        return {key: value for key, value in pairs if not isinstance(key, (list, dict))}
    items = [_draw(kind[1], rng, letters, depth) for _ in range(size)]
    if size > 2 and rng.random() < 0.5:
        items[rng.randrange(size)] = items[0]
    return items
