"""What a function's head tells about its inputs: the types of its parameters, and the calls its docstring shows."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

from waggledance.core import RunFailed
from waggledance.tasks._behaviour import Given
from waggledance.tasks._inputs import ANY, Kind, kind_of

_PLAIN = {"int": ("int",), "float": ("float",), "str": ("str",), "bool": ("bool",), "None": ("none",)}
_BETWEEN = re.compile(r"\s*(?:\n\s*|={1,2}>?|➞|➔|->|should (?:return|be)|returns?:?|is|gives)\s*")
"""What stands between a call and its value in docstrings, as in ``f(2) == 4``, or a line's end, as in doctests."""
_MAX_CALL_CHARS = 2_000


@dataclass(frozen=True)
class Signature:
    """A function's parameters and the calls that are shown with it."""

    kinds: tuple[Kind, ...]
    """The type of each parameter: as annotated, or as the examples show where that leaves it open."""
    examples: tuple[tuple[Any, ...], ...]
    """Arguments of calls in the docstring, none twice."""
    given: tuple[Given, ...]
    """Those whose value is shown as well: tests that come with the task."""


def signature(source: str, entry: str) -> Signature:
    """Read a function's head and docstring; its body may be missing.

    Args:
        source: Python that defines the function, with or without a body after the docstring.
        entry: its name.

    Raises:
        RunFailed: the source is no Python, or defines no such function.

    >>> head = signature('def f(x: int, y):\\n    \"\"\"Add. f(1, 2) == 3\"\"\"', "f")
    >>> head.kinds, head.given
    ((('int',), ('int',)), (Given(args='(1, 2)', expected='3'),))
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as why:
        raise RunFailed(f"the head of {entry} is no Python: {why}") from why
    defined = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == entry]
    if not defined:
        raise RunFailed(f"no function {entry} is defined")
    parameters = [*defined[-1].args.posonlyargs, *defined[-1].args.args]
    shown = [s for s in _shown(ast.get_docstring(defined[-1]) or "", entry) if len(s[0]) == len(parameters)]
    distinct = {repr(args): args for args, _ in shown}
    given = dict.fromkeys((repr(args), expected) for args, expected in shown if expected is not None)
    kinds: list[Kind] = []
    for i, parameter in enumerate(parameters):
        stated = _annotated(parameter.annotation)
        open_ = stated is None or repr(ANY) in repr(stated)  # as a bare ``list`` leaves its items open
        kinds.append(kind_of([args[i] for args in distinct.values()]) if open_ and distinct else stated or ANY)
    return Signature(tuple(kinds), tuple(distinct.values()), tuple([Given(*pair) for pair in given]))


def _annotated(note: ast.expr | None) -> Kind | None:
    """Return the type that an annotation states; None where there is none, or it says nothing that is known."""
    if note is None:
        return None
    if isinstance(note, ast.Constant):
        return _PLAIN.get(str(note.value))
    if isinstance(note, ast.BinOp) and isinstance(note.op, ast.BitOr):
        return ("union", (_annotated(note.left) or ANY, _annotated(note.right) or ANY))
    if isinstance(note, (ast.Name, ast.Attribute)):
        name = note.id if isinstance(note, ast.Name) else note.attr
        bare: dict[str, Kind] = {"list": ("list", ANY), "dict": ("dict", ("str",), ANY)}
        return _PLAIN.get(name) or bare.get(name.lower())
    if not isinstance(note, ast.Subscript):
        return None
    within = note.slice.elts if isinstance(note.slice, ast.Tuple) else [note.slice]
    inner = [_annotated(part) or ANY for part in within]
    name = ast.unparse(note.value).rpartition(".")[2].lower()
    return {
        "list": ("list", inner[0]),
        "sequence": ("list", inner[0]),
        "iterable": ("list", inner[0]),
        "tuple": ("tuple", tuple(inner)),
        "optional": ("union", (inner[0], ("none",))),
        "union": ("union", tuple(inner)),
        "dict": ("dict", inner[0], inner[-1]),
    }.get(name)


def _shown(doc: str, entry: str) -> list[tuple[tuple[Any, ...], str | None]]:
    """Return the calls in a docstring: arguments, and the value as text where a literal follows."""
    found: list[tuple[tuple[Any, ...], str | None]] = []
    for match in re.finditer(rf"\b{re.escape(entry)}\(", doc):
        start = match.end()
        for end in [m.end() for m in re.finditer(r"\)", doc[start : start + _MAX_CALL_CHARS])]:
            try:
                args = ast.literal_eval(f"({doc[start : start + end - 1]},)" if end > 1 else "()")
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
            found.append((args, _value(doc[start + end :])))
            break
    return found


def _value(rest: str) -> str | None:
    """Return the literal that follows a call."""
    between = _BETWEEN.match(rest)
    if between is None:
        return None
    line = rest[between.end() :].partition("\n")[0].partition("#")[0].strip().rstrip(".,;")
    try:
        return repr(ast.literal_eval(line))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
