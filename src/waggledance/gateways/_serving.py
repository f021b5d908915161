"""One app over all doors, on one port: behind the same guard, `/healthz`, `/metrics` and `/profile` beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from waggledance.gateways._anp_strangers import Strangers
from waggledance.gateways._callers import shown
from waggledance.gateways._gateway import Gateway, GuardsItself
from waggledance.gateways._guard import Guard, caller_of
from waggledance.gateways._host import Host
from waggledance.gateways._keys import Keys
from waggledance.gateways._limits import Limits, Pace
from waggledance.gateways._loopback import LOOPBACK
from waggledance.gateways._metrics import Counted, Metrics
from waggledance.gateways._refusal import refusal

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute


def app_of(
    host: Host,
    gateways: Sequence[Gateway],
    *,
    keys: Keys | None = None,
    limits: Limits | None = None,
    origins: Collection[str] = (),
    hosts: Collection[str] = LOOPBACK,
    pace: Pace | None = None,
    strangers: Strangers | None = None,
) -> Starlette:
    """Return the app that opens the doors: keys, limits, health and metrics are the same for all.

    Args:
        host: the swarms behind the doors.
        gateways: the doors, made with this host.
        keys: who may come in; everyone when None.
        limits: how large a request and how many a minute; 10 MiB and any number when None.
        origins: whose web pages may call (CORS), such as ``"https://chat.example"``; none by default.
        hosts: the host names that requests may ask for; any when empty.
        pace: counts each caller's requests, where a door that listens elsewhere counts by it too; made of the limits
            when None.
        strangers: who may come in by their name on the web, beside those with keys; nobody when None. With them and
            without keys, nobody else may.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for gateway in gateways:
                await stack.enter_async_context(gateway.lifespan())
            yield
            await host.drain(0.0)

    metrics = Metrics(host)
    routes = [(gateway.name, tuple(gateway.routes())) for gateway in gateways]
    own = _own_routes(host, metrics, [gateway.name for gateway in gateways])
    doors = {_beginning(route): name for name, those in (*routes, ("own", own)) for route in those}
    counted = Middleware(Counted, metrics, doors)
    unkeyed = [gateway.unkeyed for gateway in gateways if isinstance(gateway, GuardsItself)]
    limits = limits or Limits()
    pace = pace or limits.pace()
    guard = Middleware(Guard, keys, limits, origins, hosts, lambda: host.draining, unkeyed, pace, strangers)
    cors = Middleware(
        CORSMiddleware, allow_origins=tuple(origins), allow_methods=("GET", "POST", "DELETE"), allow_headers=("*",)
    )
    return Starlette(
        routes=[*own, *(route for _, those in routes for route in those)],
        middleware=[counted, cors, guard] if origins else [counted, guard],
        exception_handlers={404: _not_found, 405: _not_found, 500: _broken},
        lifespan=lifespan,
    )


def _own_routes(host: Host, metrics: Metrics, doors: Sequence[str]) -> list[BaseRoute]:
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def healthz(_: Request) -> Response:
        health = {
            "status": "draining" if host.draining else "ok",
            "working": len(host.running()),
            "doors": list(doors),
        }
        return JSONResponse(health, 503 if host.draining else 200)

    async def counts(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def profile(request: Request) -> Response:
        caller, callers = caller_of(request), host.callers
        if callers is None:
            return refusal(404, "this server keeps no profiles of callers", "no_profiles")
        if request.method == "DELETE":
            return JSONResponse({"caller": caller, "erased": callers.erase(caller)})
        return JSONResponse({"caller": caller, **shown(callers.profile(caller))})

    return [
        Route("/healthz", healthz),
        Route("/metrics", counts),
        Route("/profile", profile, methods=["GET", "DELETE"]),
    ]


def _beginning(route: BaseRoute) -> str:
    """Return how the paths begin that a route answers at."""
    path: str = getattr(route, "path", "")
    return path.partition("{")[0]


async def _not_found(request: Request, why: Exception) -> Response:
    status: int = getattr(why, "status_code", 404)
    if status == 405:
        refused = refusal(405, f"{request.url.path} does not take {request.method}", "method_not_allowed")
        refused.headers.update(getattr(why, "headers", None) or {})
        return refused
    return refusal(404, f"there is nothing at {request.url.path}", "not_found")


async def _broken(_request: Request, _why: Exception) -> Response:
    return refusal(500, "an error of ours; the server's log says where", "internal_error")
