"""The studio: a page on which people watch a swarm at work, live or from its log, and replay it from any moment.

Everything is loaded when it is first used: the server is heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waggledance._lazy import lazy

if TYPE_CHECKING:
    from waggledance.studio._door import StudioDoor as StudioDoor
    from waggledance.studio._serve import open_port as open_port
    from waggledance.studio._serve import serve as serve
    from waggledance.studio._serve import server_of as server_of
    from waggledance.studio._studio import Studio as Studio
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
