"""The studio: a page on which people watch a swarm at work, live or from its log, and replay it from any moment.

Everything is loaded when it is first used: the server is heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waggledance.studio._door import StudioDoor as StudioDoor
    from waggledance.studio._serve import open_port as open_port
    from waggledance.studio._serve import serve as serve
    from waggledance.studio._serve import server_of as server_of
    from waggledance.studio._studio import Studio as Studio

__all__ = ["Studio", "StudioDoor", "open_port", "serve", "server_of"]

_HOME_OF = {"Studio": "_studio", "StudioDoor": "_door", "open_port": "_serve", "serve": "_serve", "server_of": "_serve"}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found
