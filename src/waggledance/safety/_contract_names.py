"""Contracts by name: the built-in ones, and those of a module or a file of one's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from waggledance.core import UnknownName, UsageError
from waggledance.safety._contract import Contract, check_contract, check_names


def contracts_named(names: Iterable[str], builtin: Sequence[Contract]) -> tuple[Contract, ...]:
    """Return the contracts of these names.

    Args:
        names: each a built-in contract's name, or ``"module:name"`` or ``"file.py:name"``, where the name stands for a
            contract, several in a sequence, or a function that returns either. A module is looked for in the working
            folder, too. Whoever names one runs its code.
        builtin: the built-in contracts, set up.

    Raises:
        UnknownName: there is no such contract, or no such name in the module.
        UsageError: the module cannot be loaded, or holds no contract under the name; two have one name.
    """
    known = {contract.name: contract for contract in builtin}
    found: list[Contract] = []
    for name in names:
        where, colon, what = name.rpartition(":")
        if colon:
            found += _own(where, what)
        elif name in known:
            found.append(known[name])
        else:
            raise UnknownName("contract", name, (*known, "module:name"))
    check_names(tuple(found))
    return tuple(found)


def _own(where: str, what: str) -> list[Contract]:
    module = _loaded(where)
    if not hasattr(module, what):
        raise UnknownName(f"name in {where}", what, [name for name in vars(module) if not name.startswith("_")])
    made: Any = getattr(module, what)
    if isinstance(made, type) or (callable(made) and not hasattr(made, "step")):
        made = cast("Callable[[], Any]", made)()
    several: list[Any] = [*made] if isinstance(made, (list, tuple)) else [made]
    for contract in several:
        check_contract(contract)
    return several


def _loaded(where: str) -> ModuleType:
    try:
        if not where.endswith(".py"):
            return _imported(where)
        spec = spec_from_file_location(f"contracts_in_{Path(where).stem}", where)
        assert spec is not None, "a name that ends in .py has a loader"
        assert spec.loader is not None, "a name that ends in .py has a loader"
        module = module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
    except Exception as why:
        raise UsageError(
            f"contracts cannot be had from {where!r}: {type(why).__name__}: {why}. Give a module that can be imported "
            "from here, or a file, as in --contract rules.py:no_shouting"
        ) from why
    return module


def _imported(name: str) -> ModuleType:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return import_module(name)
    finally:
        sys.path.remove(here)
