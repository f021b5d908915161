"""Exports that are loaded when they are first used, and named once.

A room's ``__init__`` names what it exports as type checkers, editors and the reference read it, as imports:

    if TYPE_CHECKING:
        from waggledance.tasks._plan import Plan as Plan
    else:
        __getattr__, __dir__, __all__ = lazy(__name__)

`lazy` reads the same lines, so nothing is listed a second time. A line outside the block is an import like any other,
done at once, and listed with the rest: so a room keeps loaded what must be, as the bodies it tells the log to read.

Source: module ``__getattr__``, PEP 562; the imports of a stub as the list of exports, Scientific Python SPEC 1. Its
library `lazy-loader` would do, were it not for `ast` and `inspect`: their import takes as long as all of ours.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module

_EXPORT = re.compile(r"^ *from (\S+) import (\w+) as (\w+)$", re.MULTILINE)


def lazy(room: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return a room's ``__getattr__``, ``__dir__`` and ``__all__``, read from its lines ``from … import x as y``.

    Args:
        room: the module that calls, as its ``__name__``.

    Raises:
        ImportError: the module's source is not beside it, as when only ``.pyc`` files were installed.
    """
    module = sys.modules[room]
    home_of = {name: (home, there) for home, there, name in _EXPORT.findall(_source(room))}

    def load(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        home, there = home_of[name]
        value: object = getattr(import_module(home), there)
        setattr(module, name, value)
        return value

    exported = sorted(home_of)
    return load, lambda: exported, exported


def _source(room: str) -> str:
    file = sys.modules[room].__file__
    if file is None or not file.endswith(".py"):
        raise ImportError(f"{room} lists its exports in its source, and {file} is none. Install it with its .py files.")
    with open(file, encoding="utf-8") as source:  # noqa: PTH123 — pathlib alone would double the time of the import
        return source.read()
