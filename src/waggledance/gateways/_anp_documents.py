"""DID documents from the web: over https alone, from public addresses alone, small, and not asked for again at once.

Whoever sends us a header names an address that we then connect to. So only names that are allowed are looked up (see
`Strangers`), addresses are checked as those of webhooks are, redirects are not followed and proxies not asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from waggledance.core import Clock, LoopClock, RunFailed
from waggledance.gateways._a2a_webhook import Refused, Webhooks
from waggledance.gateways._anp_did import WbaDid
from waggledance.gateways._anp_document import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from ssl import SSLContext

FRESH_S = 60.0
"""A document is used for so long; a key that was taken back counts until then."""
FAILED_S = 5.0
"""A name whose document could not be had is not asked again for so long."""
WITHIN_S = 10.0

Documents = Callable[[WbaDid], Awaitable[bytes]]
"""Returns a name's document as it is served; raises `NoDocument`."""


class NoDocument(RunFailed):
    """A name's document cannot be had."""

    def __init__(self, did: str, why: str) -> None:
        super().__init__(did, why)
        self.did, self.why = did, why

    def __str__(self) -> str:
        return f"the document of {self.did} cannot be had: {self.why}"


class _Kept(msgspec.Struct):
    until_s: float
    found: bytes | NoDocument


class WebDocuments:
    """Gets DID documents from where their names say.

    Args:
        webhooks: which addresses may be connected to; any public one by default.
        trust: whose certificates are believed; the machine's own list when None.
        clock: for how long documents are kept.
    """

    def __init__(
        self, webhooks: Webhooks | None = None, *, trust: SSLContext | None = None, clock: Clock | None = None
    ) -> None:
        from httpcore import AsyncConnectionPool

        from waggledance.gateways._a2a_guarded import Guarded

        backend = Guarded(webhooks or Webhooks())
        self._pool = AsyncConnectionPool(trust, network_backend=backend, max_connections=20)
        self._clock: Clock = clock or LoopClock()
        self._kept: dict[WbaDid, _Kept] = {}
        self._asking: dict[WbaDid, asyncio.Lock] = {}

    async def __call__(self, did: WbaDid) -> bytes:
        """Return a document.

        Raises:
            NoDocument: nothing answers there, not with a document, or we may not connect to it.
        """
        async with self._asking.setdefault(did, asyncio.Lock()):
            kept = self._kept.get(did)
            if kept is None or kept.until_s <= self._clock.now():
                try:
                    found: bytes | NoDocument = await self._fetched(did)
                except NoDocument as why:
                    found = why
                for_s = FAILED_S if isinstance(found, NoDocument) else FRESH_S
                self._kept[did] = kept = _Kept(self._clock.now() + for_s, found)
        if isinstance(kept.found, NoDocument):
            raise NoDocument(kept.found.did, kept.found.why)
        return kept.found

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()

    async def _fetched(self, did: WbaDid) -> bytes:
        import httpcore

        try:
            async with (
                asyncio.timeout(WITHIN_S),
                self._pool.stream("GET", did.url, headers=[("accept", "application/json")]) as answer,
            ):
                if answer.status != 200:
                    raise NoDocument(str(did), f"{did.url} answers {answer.status}")
                parts, size = list[bytes](), 0
                async for part in answer.aiter_stream():
                    parts.append(part)
                    size += len(part)
                    if size > MAX_DOCUMENT_BYTES:
                        raise NoDocument(str(did), f"{did.url} is over {MAX_DOCUMENT_BYTES:,} bytes")
                return b"".join(parts)
        except Refused as why:
            raise NoDocument(str(did), why.why) from why
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, TimeoutError) as why:
            raise NoDocument(str(did), f"{did.url}: {str(why) or type(why).__name__}") from why
