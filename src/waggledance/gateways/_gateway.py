"""What a door is: routes that translate one foreign protocol to orders and events, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


class Gateway(Protocol):
    """A door. Made with its `Host`; `app_of` opens several on one port, behind the same keys and limits."""

    @property
    def name(self) -> str:
        """The protocol that it speaks, such as ``"openai"``; in metrics and at ``/healthz``."""
        ...

    def routes(self) -> Sequence[BaseRoute]:
        """Return what it answers at; asked once."""
        ...

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Hold what the door needs while the server runs."""
        ...


@runtime_checkable
class GuardsItself(Protocol):
    """A door that says itself who may come in, because those who come cannot bring a key: browsers."""

    @property
    def unkeyed(self) -> str:
        """How all its paths begin, such as ``"/studio/"``."""
        ...
