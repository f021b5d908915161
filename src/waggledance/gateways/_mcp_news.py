"""News for MCP clients that subscribe: that a caller's threads have changed. What they then read is for them to ask."""

from __future__ import annotations

from collections.abc import Callable

from mcp.server.subscriptions import ListenHandler, ResourceUpdated, ServerEvent

from waggledance.gateways._mcp_resources import THREADS
from waggledance.gateways._threads_desk import Desk


class News:
    """One caller's changes, as the SDK wants them: whoever subscribes hears from the caller's own desk.

    Args:
        desk: the caller's; nothing ever changes where it has none.
    """

    def __init__(self, desk: Desk | None) -> None:
        self._desk = desk

    async def publish(self, event: ServerEvent) -> None:
        """Take no news from elsewhere: all of it comes from the desk."""

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Tell of each change until the returned function is called."""
        if self._desk is None:
            return lambda: None
        return self._desk.listen(lambda: listener(ResourceUpdated(uri=THREADS.uri)))


def listening(desk: Desk | None) -> ListenHandler:
    """Return what serves one caller's subscriptions."""
    return ListenHandler(News(desk), max_subscriptions=16)
