"""What a server counts, in the text format that Prometheus reads: requests by door, orders by swarm, what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from waggledance.gateways._event import Decided
from waggledance.gateways._host import Host
from waggledance.gateways._running import Running

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Bounds of the histograms: from a scripted model to a debate of large ones."""


class Metrics:
    """Counters of one server, in a registry of their own.

    Args:
        host: whose orders are counted.
    """

    def __init__(self, host: Host) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry = CollectorRegistry()
        within: dict[str, Any] = {"registry": self._registry}
        self._requests = Counter("waggle_http_requests", "Requests answered.", ("door", "status"), **within)
        self._first = Histogram(
            "waggle_http_first_byte_seconds", "Until an answer begins.", ("door",), buckets=SECONDS, **within
        )
        self._whole = Histogram("waggle_http_seconds", "Until an answer ends.", ("door",), buckets=SECONDS, **within)
        self._orders = Counter("waggle_orders", "Orders that ended.", ("swarm", "state"), **within)
        self._seconds = Histogram("waggle_order_seconds", "Until a decision.", ("swarm",), buckets=SECONDS, **within)
        self._tokens = Counter("waggle_tokens", "Tokens of decided orders.", ("swarm", "kind"), **within)
        self._calls = Counter("waggle_calls", "Calls of models in decided orders.", ("swarm",), **within)
        self._usd = Counter("waggle_usd", "Dollars of decided orders, where prices are known.", ("swarm",), **within)
        working = Gauge("waggle_orders_working", "Orders at work.", **within)
        working.set_function(lambda: len(host.running()))
        host.subscribe(self._order)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)

    def request(self, door: str, status: int, first_s: float, whole_s: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(door, str(status)).inc()
        self._first.labels(door).observe(first_s)
        self._whole.labels(door).observe(whole_s)

    def _order(self, running: Running) -> None:
        swarm = running.order.swarm
        self._orders.labels(swarm, running.state).inc()
        last = running.last
        if isinstance(last, Decided):
            cost = last.decision.cost
            self._seconds.labels(swarm).observe(last.decision.seconds)
            self._tokens.labels(swarm, "prompt").inc(cost.prompt_tokens)
            self._tokens.labels(swarm, "completion").inc(cost.completion_tokens)
            self._calls.labels(swarm).inc(cost.calls)
            self._usd.labels(swarm).inc(cost.micro_usd / 1_000_000)


class Counted:
    """ASGI middleware that counts requests and how long they took.

    Args:
        app: what lies behind.
        metrics: where it is counted.
        doors: the door of each path that begins so; the longest counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, doors: Mapping[str, str]) -> None:
        self._app, self._metrics = app, metrics
        self._doors = sorted(doors.items(), key=lambda item: -len(item[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock = asyncio.get_running_loop().time
        began_s = clock()
        status, first_s = 500, 0.0

        async def counted(message: MutableMapping[str, Any]) -> None:
            nonlocal status, first_s
            if message["type"] == "http.response.start":
                status, first_s = message["status"], clock() - began_s
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            whole_s = clock() - began_s
            self._metrics.request(self._door(scope["path"]), status, first_s or whole_s, whole_s)

    def _door(self, path: str) -> str:
        return next((door for beginning, door in self._doors if path.startswith(beginning)), "none")
