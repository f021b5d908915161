"""The document by which others know this server: its name on the web, and the key that signs for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from waggledance.core import PeerId
from waggledance.gateways._anp_did import WbaDid
from waggledance.gateways._anp_document import did_document

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute


class DidDoor:
    """Serves the DID document of a key at the path that its name says; anybody may see it.

    Args:
        key: the public key that speaks for the name.
        did: the name, at a domain whose https requests reach this server.
    """

    name = "did"

    def __init__(self, key: PeerId, did: WbaDid) -> None:
        self.document, self._did = did_document(key, did), did

    @property
    def unkeyed(self) -> str:
        """Where the document is."""
        return self._did.where

    def routes(self) -> Sequence[BaseRoute]:
        """Return the one route that there is."""
        from starlette.responses import Response
        from starlette.routing import Route

        async def document(_: Request) -> Response:
            return Response(self.document, media_type="application/did+json")

        return [Route(self._did.where, document)]

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Nothing is held."""
        yield
