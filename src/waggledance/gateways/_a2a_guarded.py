"""Connections for notifications: each address is looked up, checked, and only then connected to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import httpcore

from waggledance.gateways._a2a_webhook import Webhooks


class Guarded(httpcore.AsyncNetworkBackend):
    """Connects only where notifications may go."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._inner: httpcore.AsyncNetworkBackend = cast(
            "Any", httpcore.AnyIOBackend
        )()  # None to checkers: anyio may lack

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look a host up, check it, and connect to the first address of it that answers."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        try:
            addresses = await self._webhooks.addresses(host, port)
        except OSError as why:
            raise httpcore.ConnectError(f"{host} is not known: {why}") from why
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as why:
                failure = why
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait, between a connection's tries."""
        await self._inner.sleep(seconds)
