"""Programs that tests drive, from their files: beside the tests, in `benchmarks/` or in `docs/`."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def load(file: Path) -> Any:
    """Return a program as a module, which is known by a name of its own as long as the tests run."""
    spec = spec_from_file_location(f"loaded_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
