"""Answers that are programs: the fenced block, with comments and formatting aside."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

_FENCE = re.compile(
    r"^[ ]{0,3}(`{3,}|~{3,})[ ]*([\w+#.-]{0,20})[^\n`]{0,80}\n(.*?)(?:^[ ]{0,3}\1|\Z)", re.DOTALL | re.MULTILINE
)
_PYTHON = frozenset({"", "py", "python", "python3", "py3", "pycon"})
_MAX_PARSED_CHARS = 20_000
_MAX_BLOCKS = 20


def code(text: str) -> str | None:
    r"""Return the program that a text gives, normalised; None when it gives none.

    The whole text counts where it is Python, else the last fenced block that defines something, else the last one.
    Python is parsed and written again, without comments and docstrings, so that programs which differ in formatting
    only are the same answer; of other languages blank lines and spaces at line ends are left out.

    >>> code("Here:\n```python\ndef f( x ):  # double\n  return x*2\n```"), code("no program")
    ('def f(x):\n    return x * 2', None)
    """
    whole = _python(text)
    if whole is not None:
        return whole
    programs = [_block(*match) for match in _FENCE.findall(text)[-_MAX_BLOCKS:] if match[2].strip()]
    defining = [program for program in programs if re.search(r"^\s*(?:async def|def|class) ", program, re.MULTILINE)]
    chosen = defining or programs
    return chosen[-1] if chosen else None


def source(text: str) -> str | None:
    r"""Return the Python that a text gives as it stands there, with its comments and docstrings; None without any.

    >>> source("Here:\n```python\ndef f( x ):  # double\n  return x*2\n```")
    'def f( x ):  # double\n  return x*2\n'
    """
    if _python(text) is not None:
        return text
    blocks = [block for _, language, block in _FENCE.findall(text)[-_MAX_BLOCKS:] if language.lower() in _PYTHON]
    programs = [block for block in blocks if _python(block) is not None]
    defining = [program for program in programs if re.search(r"^(?:async def|def|class) ", program, re.MULTILINE)]
    chosen = defining or programs
    return chosen[-1] if chosen else None


def _block(fence: str, language: str, block: str) -> str:
    """Normalise a fenced block; what is not Python keeps its fence, so that it can be read again."""
    key = _python(block) if language.lower() in _PYTHON else None
    if key is not None:
        return key
    lines = "\n".join(line.rstrip() for line in block.split("\n") if line.strip())
    return f"{fence}{language.lower()}\n{lines}\n{fence}"


def _python(source: str) -> str | None:
    """Return Python source written anew; None when it is no Python, or only words that happen to parse."""
    import ast  # half of this package's import time, needed by few

    if len(source) > _MAX_PARSED_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.strip("\n"))
            if not _is_program(tree):
                return None
            _drop_docstrings(tree)
            return ast.unparse(ast.fix_missing_locations(tree)) or None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_program(tree: ast.Module) -> bool:
    """Say whether anything in it acts: "well-known" and "not sure" parse as Python as well."""
    import ast

    if any(not isinstance(node, ast.Expr) for node in tree.body):
        return True
    acting = (ast.Call, ast.Lambda, ast.Subscript, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    return any(isinstance(node, acting) for node in ast.walk(tree))


def _drop_docstrings(tree: ast.Module) -> None:
    import ast

    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or ([] if isinstance(node, ast.Module) else [ast.Pass()])
