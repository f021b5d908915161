"""Heads of functions as goals of tasks, and programs put together from functions that were written apart."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence

from waggledance.core import RunFailed
from waggledance.tasks._stubs import Stub
from waggledance.tasks._task import Task

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_KEPT = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.ClassDef)
"""Of what is no function: a program that prints or reads as soon as it is loaded is of no use to another."""


def entry_of(goal: str) -> str:
    """Return the name of the function whose head a goal is: the last that it defines.

    Raises:
        RunFailed: the goal defines no function.
    """
    names = [node.name for node in _parsed(goal) if isinstance(node, ast.FunctionDef)]
    if not names:
        raise RunFailed(
            "the goal is no function's head: write it as 'def name(x: int) -> int:', with a docstring below"
        )
    return names[-1]


def name_in(task: Task) -> str:
    """Return the name of the function that a task is for; nothing if it is for none."""
    try:
        return entry_of(task.goal)
    except RunFailed:
        return ""


def defined_in(program: str) -> frozenset[str]:
    """Return the names of the functions that a program defines, at its top."""
    return frozenset(node.name for node in _parsed(program) if isinstance(node, _Function))


def head_of(stub: Stub) -> str:
    """Return a stub as a goal: its head, and its docstring, if it has one.

    Raises:
        RunFailed: no head can be read from how it is called.

    >>> print(head_of(Stub("double", "double(x: int) -> int", "Return twice x.")))
    def double(x: int) -> int:
        \"\"\"Return twice x.\"\"\"
    """
    head = f"def {stub.signature}:\n    {_quoted(stub.doc or f'Do what {stub.name} says.')}"
    try:
        compile(head, "<head>", "exec")  # `ast.parse` lets two parameters have one name
    except (SyntaxError, ValueError) as why:
        raise RunFailed(f"the helper {stub.name!r} has no head that can be read: add it as a stub, with types") from why
    return head


def joined(helpers: Sequence[str], own: str, entry: str) -> str:
    """Return one program of helpers and the function that calls them: what it needs, each name once.

    A helper that is finished takes the place of the same name in what was written last; of two helpers with one name
    the first stays. Functions that nothing calls are left out.

    >>> print(joined(["def g(x):\\n    return x + 1"], "def g(x):\\n    pass\\ndef f(x):\\n    return g(x)", "f"))
    def g(x):
        return x + 1
    <BLANKLINE>
    def f(x):
        return g(x)
    """
    written, last = [node for helper in helpers for node in _parsed(helper)], _parsed(own)
    functions = {node.name: node for node in last if isinstance(node, _Function)}
    finished = {node.name: node for node in reversed(written) if isinstance(node, _Function) and node.name != entry}
    known = {**functions, **finished}
    kept = [node for node in (*written, *last) if isinstance(node, _KEPT)]
    needed, ahead = set[str](), [entry, *(name for node in kept for name in _names(node))]
    while ahead:
        name = ahead.pop()
        if name in known and name not in needed:
            needed.add(name)
            ahead += _names(known[name])
    order = [name for name in known if name in needed and name != entry]
    defined = [known[name] for name in (*order, entry) if name in known]
    early = [node for node in kept if not known.keys() & _names(node)]
    late = [node for node in kept if known.keys() & _names(node)]
    return "\n\n".join(dict.fromkeys(ast.unparse(node) for node in (*early, *defined, *late)))


def _names(node: ast.stmt) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _quoted(doc: str) -> str:
    return repr(doc) if '"' in doc or "\\" in doc else f'"""{doc}"""'


def _parsed(program: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(program).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
