"""A function of one's own as a step: ``module:function``, where the module is a file beside the plan."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import Any, cast

from blake3 import blake3

from waggledance.core import UnknownName, UsageError
from waggledance.tasks._step import Step, step

_SPELLED = re.compile(r"([A-Za-z_]\w*):([A-Za-z_]\w*)")


def python_step(spelled: str, folder: Path, name: str) -> tuple[Step, str]:
    """Load a function; return it as a step, and what its file's bytes are called.

    Loading runs the file, as importing does.

    Args:
        spelled: ``module:function``.
        folder: where the plan lies; the file must lie there itself.
        name: of the step.

    Raises:
        UsageError: it is spelled otherwise, lies elsewhere, cannot be loaded, or is no async function.
        UnknownName: the module has no such function.
    """
    parts = _SPELLED.fullmatch(spelled)
    if parts is None:
        raise UsageError(f"{spelled!r} is not spelled module:function, where module.py lies beside the plan")
    file = folder / f"{parts[1]}.py"
    if not file.is_file():
        raise UsageError(f"there is no {file.name} beside the plan, in {folder}; functions come from there alone")
    if file.resolve().parent != folder.resolve():
        raise UsageError(f"{file.name} leads out of the plan's folder, to {file.resolve()}; put the file itself there")
    module, mark = _loaded(file)
    if not hasattr(module, parts[2]):
        raise UnknownName(f"function in {file.name}", parts[2], _functions(module))
    found = getattr(module, parts[2])
    return (found if isinstance(found, Step) else step(name=name)(found)), mark


def _loaded(file: Path) -> tuple[Any, str]:
    """Load a file once for each content."""
    mark = blake3(file.read_bytes()).hexdigest(length=12)
    called = f"waggle_plan_{mark}_{file.stem}"
    if called not in sys.modules:
        spec = importlib.util.spec_from_file_location(called, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[called] = module
        try:
            spec.loader.exec_module(module)
        except Exception as why:
            del sys.modules[called]
            raise UsageError(f"{file.name} cannot be loaded: {type(why).__name__}: {why}") from why
    return sys.modules[called], mark


def _functions(module: Any) -> list[str]:
    there = cast("dict[str, object]", vars(module))
    return [name for name, found in there.items() if isinstance(found, Step) or inspect.iscoroutinefunction(found)]
