"""The OpenAI door: every swarm as one model, for any client that speaks that API."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from waggledance.core import LoopClock, Turn
from waggledance.gateways._guard import NotRead, caller_of
from waggledance.gateways._host import Host
from waggledance.gateways._openai_answer import Answer, Answering
from waggledance.gateways._openai_asked import PREFIX, chat_asked, model_of, response_asked
from waggledance.gateways._openai_body import BadRequest, ChatBody, Item, ResponseBody, read
from waggledance.gateways._openai_chat import chunks, completion
from waggledance.gateways._openai_errors import fault_of
from waggledance.gateways._openai_items import input_items, page_of
from waggledance.gateways._openai_kept import PREFIX as RESPONSE
from waggledance.gateways._openai_kept import Kept, Shelf, read_elsewhere
from waggledance.gateways._openai_response import begun, ended, events, items, turns_of
from waggledance.gateways._openai_stream import Streamed, while_there
from waggledance.gateways._openai_turns import input_turns
from waggledance.gateways._order import new_id
from waggledance.gateways._refusal import refusal
from waggledance.protocols import PROTOCOLS

Endpoint = Callable[[Request], Awaitable[Response]]


class OpenAIDoor:
    """Speaks OpenAI's API: models, chat completions, responses.

    Args:
        host: the swarms behind it.
        kept: how many responses are kept to go on from, ≥ 0; the oldest are forgotten first.
    """

    name = "openai"

    def __init__(self, host: Host, *, kept: int = 256) -> None:
        self._host = host
        self._shelf = Shelf(kept)
        self._clock = LoopClock()
        self._opened = self._now_s()

    def routes(self) -> Sequence[BaseRoute]:
        """Return what it answers at, all below ``/v1``, and its description at ``/openapi.json``."""
        return [
            Route("/v1/models", _told(self._models)),
            Route("/v1/models/{name:path}", _told(self._model)),
            Route("/v1/chat/completions", _told(self._chat), methods=["POST"]),
            Route("/v1/responses", _told(self._respond), methods=["POST"]),
            Route("/v1/responses/{id}", _told(self._kept_response), methods=["GET", "DELETE"]),
            Route("/v1/responses/{id}/input_items", _told(self._input_items)),
            Route("/openapi.json", self._described),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Hold nothing: what is at work is the host's."""
        yield

    async def _models(self, _: Request) -> Response:
        names = [*self._host.swarms, *(name for name in sorted(PROTOCOLS) if name not in self._host.swarms)]
        return _json({"object": "list", "data": [self._card(name) for name in names]})

    async def _model(self, request: Request) -> Response:
        name = model_of(request.path_params["name"])
        self._host.resolve(name)
        return _json(self._card(name))

    def _card(self, name: str) -> dict[str, Any]:
        swarm, protocol = self._host.resolve(name)
        hosted = self._host.swarms[swarm]
        about = hosted.about if not protocol else f"{swarm}, by the protocol {protocol}"
        told = {"about": about, "peers": list(hosted.names)}
        return {
            "id": f"{PREFIX}{name}",
            "object": "model",
            "created": self._opened,
            "owned_by": "waggledance",
            "waggle": told,
        }

    async def _chat(self, request: Request) -> Response:
        raw = await request.body()
        body = read(raw, ChatBody)
        asked = chat_asked(body, self._host, caller_of(request), raw)
        answering = [Answering(self._host, asked, order) for order in asked.orders]
        id, created = f"chatcmpl-{secrets.token_hex(12)}", self._now_s()

        def stop() -> None:
            for one in answering:
                one.cancel()

        if body.stream:
            for one in answering:
                await one.begin()
            with_usage = bool(body.stream_options and body.stream_options.include_usage)
            return Streamed(chunks(id, body.model, created, answering, with_usage=with_usage), stop)
        answers = await while_there(request.receive, _all(answering), stop)
        return _json(completion(id, body.model, created, answers))

    async def _respond(self, request: Request) -> Response:
        raw = await request.body()
        caller = caller_of(request)
        body = self._looked_up(read(raw, ResponseBody), caller)
        before = await self._before(body.previous_response_id, caller)
        asked = response_asked(body, self._host, caller, raw, before)
        plain = new_id()
        (order,) = asked.orders
        if body.store is not False:  # else nobody shall find it by the response's id
            order = msgspec.structs.replace(order, id=plain)
        answering = Answering(self._host, asked, order)
        response = begun(f"{RESPONSE}{plain}", self._now_s(), body)
        said = (*before, *input_turns(body))

        def keep(whole: dict[str, Any], answer: Answer) -> None:
            if body.store is not False:
                self._shelf.keep(whole["id"], Kept(caller, whole, raw, (*said, *turns_of(answer))))

        if body.stream:
            await answering.begin()
            return Streamed(events(response, answering, keep), answering.cancel)
        answer = await while_there(request.receive, answering.answer(), answering.cancel)
        whole = ended(response, items(plain, answer), answer)
        keep(whole, answer)
        return _json(whole)

    def _looked_up(self, body: ResponseBody, caller: str) -> ResponseBody:
        """Return a request with the items themselves where it refers to items of responses that are kept."""
        if isinstance(body.input, str) or all(item.type != "item_reference" for item in body.input):
            return body
        items: list[Item] = []
        for i, item in enumerate(body.input):
            found = self._shelf.item(item.id, caller) if item.type == "item_reference" else item
            if found is None:
                what = f"input[{i}] refers to an item {item.id[:80]!r} that is not kept; send the item itself"
                raise BadRequest(what, f"input[{i}]", "item_not_found")
            items.append(found)
        return msgspec.structs.replace(body, input=items)

    async def _before(self, id: str | None, caller: str) -> tuple[Turn, ...]:
        if id is None:
            return ()
        kept = await self._find(id, caller)
        if kept is None:
            what = f"there is no response {id[:80]!r} to go on from; it may be forgotten. Send the conversation whole"
            raise BadRequest(what, "previous_response_id", "previous_response_not_found")
        if not kept.turns:
            what = f"the response {id[:80]!r} is still being worked on; go on from it when it is completed"
            raise BadRequest(what, "previous_response_id", "previous_response_not_completed")
        return kept.turns

    async def _find(self, id: str, caller: str) -> Kept | None:
        kept = self._shelf.find(id, caller)
        if kept is None and not self._shelf.is_forgotten(id):
            kept = await read_elsewhere(self._host, id, caller, self._now_s())
            if kept is not None and kept.turns:
                self._shelf.keep(id, kept)
        return kept

    async def _kept_response(self, request: Request) -> Response:
        id, caller = request.path_params["id"], caller_of(request)
        kept = await self._find(id, caller)
        if kept is None:
            return _not_found(id)
        if request.query_params.get("stream", "false").lower() not in ("false", "0"):
            what = "a response that is kept is given whole, and not streamed again; leave stream out"
            raise BadRequest(what, "stream", "unsupported_parameter")
        if request.method == "DELETE":
            self._shelf.forget(id)
            return _json({"id": id, "object": "response", "deleted": True})
        return _json(kept.response)

    async def _input_items(self, request: Request) -> Response:
        id = request.path_params["id"]
        kept = await self._find(id, caller_of(request))
        if kept is None:
            return _not_found(id)
        return _json(page_of(input_items(id.removeprefix(RESPONSE), kept.raw), request.query_params))

    def _now_s(self) -> int:
        return self._clock.wall_ms() // 1_000

    async def _described(self, _: Request) -> Response:
        from waggledance.gateways._openai_document import document

        return _json(document())


def _told(endpoint: Endpoint) -> Endpoint:
    """Let an endpoint's errors be told in OpenAI's shape."""

    @wraps(endpoint)
    async def told(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (NotRead, asyncio.CancelledError):
            raise
        except Exception as why:  # noqa: BLE001  # a bug is logged, and told by its name only
            return fault_of(why).response()

    return told


async def _all(answering: Sequence[Answering]) -> list[Answer]:
    """Return all answers; where one fails, its error."""
    if len(answering) == 1:
        return [await answering[0].answer()]
    return list(await asyncio.gather(*(one.answer() for one in answering)))


def _not_found(id: str) -> Response:
    return refusal(404, f"there is no response {id[:80]!r}; it may be forgotten", "response_not_found", "id")


def _json(data: object) -> Response:
    return Response(msgspec.json.encode(data), media_type="application/json")
