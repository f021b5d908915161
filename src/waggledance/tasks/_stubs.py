"""Stubs: the functions that a program calls and nobody has written yet; each is a task of its own.

Source: Chen et al. 2024, "Divide-and-Conquer Meets Consensus" (FunCoder), arXiv:2405.20092, section 2.1.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from dataclasses import dataclass

from waggledance.core import RunFailed


@dataclass(frozen=True)
class Stub:
    """A function that is to be written."""

    name: str
    signature: str
    """As the program states it, with types, or else ``name(a, b)`` with as many parameters as its first call has."""
    doc: str = ""
    """What its docstring says it does."""


def stubs(program: str) -> tuple[Stub, ...]:
    """Return the helpers that a program calls and does not define, and those that it defines without a body.

    A body is none when it is ``pass``, ``...``, a docstring or ``raise NotImplementedError``. Built-in, imported and
    assigned names, parameters, methods and attributes are no stubs.

    Returns:
        In the order in which the program first calls or defines them.

    Raises:
        RunFailed: it is no Python.

    >>> [stub.signature for stub in stubs("def f(xs: list[int]) -> int:\\n    return total(xs) + shift(1, by=2)")]
    ['total(a)', 'shift(a, by)']
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as why:
        raise RunFailed(f"stubs cannot be found in what is no Python: {why}") from why
    if _has_star(tree):
        return ()  # anything may come from there
    named, found = _named(tree), dict[str, tuple[tuple[int, int], Stub]]()
    for node in ast.walk(tree):
        stub, at = None, (0, 0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_empty(node) and node in tree.body:
            at = (node.lineno, node.col_offset)
            stub = Stub(node.name, f"{node.name}{_parameters(node)}", ast.get_docstring(node) or "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in named:
            at = (node.lineno, node.col_offset)
            stub = Stub(node.func.id, _called(node.func.id, node))
        if stub is not None:
            found[stub.name] = min(found.get(stub.name, (at, stub)), (at, stub), key=lambda pair: pair[0])
    return tuple([stub for _, stub in sorted(found.values(), key=lambda pair: pair[0])])


def _named(tree: ast.Module) -> set[str]:
    """Return every name that the program gives a meaning anywhere, and Python's own."""
    found = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            found.add(node.name)
    return found


def _has_star(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names) for node in ast.walk(tree))


def _is_empty(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(_says_nothing(line) for line in node.body)


def _says_nothing(line: ast.stmt) -> bool:
    if isinstance(line, ast.Raise):
        raised = line.exc.func if isinstance(line.exc, ast.Call) else line.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return isinstance(line, ast.Pass) or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(node.args)}){returns}"


def _called(name: str, call: ast.Call) -> str:
    placed = [f"*{chr(97 + i)}" if isinstance(a, ast.Starred) else chr(97 + i) for i, a in enumerate(call.args[:20])]
    return f"{name}({', '.join([*placed, *(word.arg or '**more' for word in call.keywords)])})"
