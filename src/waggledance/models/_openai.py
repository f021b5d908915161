"""Any endpoint that speaks OpenAI's chat protocol, through pydantic-ai's model layer.

The software kit's own retries are off: `Retrying` does that, seeded. The key comes from an environment variable, is
sent in one header, and is cut out of every error. Bodies are read up to a limit, so an endpoint that never stops
talking costs a few megabytes and gets an error.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import msgspec

from waggledance.core._errors import UsageError
from waggledance.core._turn import ToolCall
from waggledance.models._errors import (
    BadAnswer,
    CutShort,
    PromptTooLong,
    RateLimited,
    Refused,
    ServerFailed,
    TimedOut,
    Unreachable,
    WrongKey,
)
from waggledance.models._model import Completion, ModelError, Request

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponseStreamEvent
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings

OPENAI_URL = "https://api.openai.com/v1"
ANSWER_BYTES = 262_144
"""Longer answers are refused: a quarter of a megabyte is more than any model was asked for."""
BODY_BYTES = 4 * 1024 * 1024
"""Longer response bodies are not read to the end; log-probabilities take some 100 bytes a token."""
CONCURRENCY = 8
"""Requests under way at once, if nothing else is asked for."""
_DETAIL_CHARS = 300


class OpenAI:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        model: the model's name at the endpoint.
        base_url: where the endpoint is; default: ``OPENAI_BASE_URL``, else OpenAI's own.
        key_env: the environment variable that holds the key. Endpoints other than OpenAI's may do without.
        headers: sent with every request.

    Raises:
        WrongKey: OpenAI's own endpoint, and no key in the environment.
        UsageError: the base URL is none.
    """

    sees = True
    """Pictures are sent on; an endpoint whose model cannot look at them says so."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        key_env: str = "OPENAI_API_KEY",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if not model:
            raise UsageError("an OpenAI model needs a name, like openai:gpt-5-mini")
        self.model, self.key_env = model, key_env
        self.name = f"openai:{model}"
        self.base_url = base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
        place = urlsplit(self.base_url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise UsageError(f"an endpoint's address begins with http:// or https://, got {self.base_url!r}")
        self.official = place.hostname == urlsplit(OPENAI_URL).hostname
        self._where = f"{place.scheme}://{place.hostname}" + (f":{place.port}" if place.port else "") + place.path
        self._headers = dict(headers or {})
        self._key = os.environ.get(key_env, "")
        if self.official and not self._key:
            raise WrongKey(self.name, f"there is no key in {key_env}", f"Set it: export {key_env}=…")
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, OpenAIChatModel] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"OpenAI({self.model!r}, base_url={self._where!r}, key_env={self.key_env!r})"

    async def complete(self, request: Request) -> Completion:
        """Ask the endpoint once."""
        return await self._answered(request, None)

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Ask the endpoint once, and tell each piece of the text as it comes."""
        return await self._answered(request, hear)

    async def _answered(self, request: Request, hear: Callable[[str], None] | None) -> Completion:
        started = perf_counter()
        try:
            async with asyncio.timeout(request.timeout_s):
                response = await self._response(request, hear)
        except TimeoutError:
            what = f"no answer from {self._where} within {request.timeout_s:g} s"
            raise TimedOut(
                self.name, what, "Allow more time with timeout_s (--patience), or see how the endpoint is."
            ) from None
        except Exception as error:  # noqa: BLE001  # every failure gets its sentence; the cause may hold the key
            raise self._failure(error, request) from None
        return self._completion(response, request, perf_counter() - started)

    async def _response(self, request: Request, hear: Callable[[str], None] | None) -> "ModelResponse":
        asked = (list(_messages(request)), self._settings(request), _parameters(request))
        if hear is None:
            return await self._client().request(*asked)
        async with self._client().request_stream(*asked) as coming:
            async for event in coming:
                piece = _piece(event)
                if piece:
                    hear(piece)
            return coming.get()

    async def aclose(self) -> None:
        """Close this event loop's connections."""
        model = self._clients.pop(asyncio.get_running_loop(), None)
        if model is not None:
            await model.client.close()

    def _client(self) -> "OpenAIChatModel":
        """This event loop's client: connections belong to the loop that opened them."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = _chat_model(self, self._key)
        return self._clients[loop]

    def _settings(self, request: Request) -> "OpenAIChatModelSettings":
        settings: OpenAIChatModelSettings = {
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "timeout": request.timeout_s,
            "extra_headers": self._headers,
        }
        if request.stop:
            settings["stop_sequences"] = list(request.stop)
        if request.logprobs:
            settings["openai_logprobs"] = True
        if request.schema:
            shape = {"name": "answer", "schema": msgspec.json.decode(request.schema), "strict": True}
            settings["extra_body"] = {"response_format": {"type": "json_schema", "json_schema": shape}}
        return settings

    def _completion(self, response: "ModelResponse", request: Request, seconds: float) -> Completion:
        details = response.provider_details or {}
        if response.finish_reason == "content_filter":
            what = "the endpoint withheld the answer (content filter)"
            raise BadAnswer(self.name, what, "Word the question differently, or ask another model.")
        text = "".join(part.content for part in response.parts if part.part_kind == "text")
        size_bytes = len(text.encode(errors="replace"))
        if size_bytes > ANSWER_BYTES:
            raise self._too_large(f"{size_bytes:,} bytes of answer", request)
        logprobs = details.get("logprobs")
        cached = response.usage.cache_read_tokens
        return Completion(
            text=text,
            prompt_tokens=response.usage.input_tokens,
            completion_tokens=response.usage.output_tokens,
            finish="length" if response.finish_reason == "length" else "stop",
            seconds=seconds,
            evaluated_prompt_tokens=response.usage.input_tokens - cached if cached else None,
            logprobs=tuple(float(token["logprob"]) for token in logprobs) if logprobs and request.logprobs else None,
            usd_micro=_price(response) if self.official else None,
            calls=tuple(
                ToolCall(part.tool_call_id, part.tool_name, part.args_as_json_str())
                for part in response.parts
                if part.part_kind == "tool-call"
            ),
        )

    def _too_large(self, seen: str, request: Request) -> BadAnswer:
        what = f"{self._where} sent {seen} for at most {request.max_tokens} tokens; {ANSWER_BYTES:,} bytes are accepted"
        return BadAnswer(self.name, what, "It was dropped. Lower max_tokens, or see what the endpoint is doing.")

    def _failure(self, error: Exception, request: Request) -> ModelError:
        """The error for whatever came up out of the layers below."""
        from pydantic_ai.exceptions import ModelHTTPError, UnexpectedModelBehavior

        if isinstance(error, ModelError):
            return error
        if isinstance(error, ModelHTTPError):
            return self._status(error)
        causes = list(_causes(error))
        if any(isinstance(cause, _TooLarge) for cause in causes):
            return self._too_large(f"more than {BODY_BYTES:,} bytes", request)
        names = {type(cause).__name__ for cause in causes}
        if names & {"JSONDecodeError", "UnicodeDecodeError", "ValidationError", "DecodingError"} or isinstance(
            error, UnexpectedModelBehavior
        ):
            what = f"{self._where} answered with something else than a chat completion ({self._detail(causes[-1])})"
            return BadAnswer(
                self.name, what, "See that the address is that of an OpenAI-compatible API, often ending in /v1."
            )
        if names & {"RemoteProtocolError", "ReadError"}:
            what = f"{self._where} ended the connection inside the answer ({self._detail(causes[-1])})"
            return CutShort(self.name, what, "Ask again; if it stays so, see the endpoint's own log.")
        if names & {"ConnectError", "ConnectTimeout", "APIConnectionError", "ModelConnectionError", "OSError"}:
            what = f"nobody answers at {self._where} ({self._detail(causes[-1])})"
            return Unreachable(self.name, what, "See that the endpoint runs and that base_url is right.")
        if "ModelAPIError" in names:
            what = f"{self._where} answered with something else than a chat completion ({self._detail(error)})"
            return BadAnswer(
                self.name, what, "See that the address is that of an OpenAI-compatible API, often ending in /v1."
            )
        what = f"asking {self._where} failed ({type(error).__name__}: {self._detail(error)})"
        return ModelError(self.name, what, "If this looks like our fault, please report it.")

    def _status(self, error: Any) -> ModelError:
        """The error for an HTTP status."""
        status = int(error.status_code)
        said = f"{self._where} answered {status} ({self._detail(error.body or error)})"
        match status:
            case 401 | 403:
                return WrongKey(
                    self.name, f"{said}: it does not accept the key in {self.key_env}", "Set the right key."
                )
            case 404:
                return Refused(self.name, f"{said}: no such model or address", "Check the model's name and base_url.")
            case 429:
                wait_s = _retry_after_s(getattr(error, "headers", None) or {})
                when = "" if wait_s is None else f", wants {wait_s:g} s of quiet"
                return RateLimited(self.name, f"{said}: too many requests{when}", "Ask fewer at once, or wait.", wait_s)
            case _ if status >= 500 or status in (408, 409):
                return ServerFailed(self.name, f"{said}: it failed", "Ask again later; the endpoint's log knows more.")
            case _ if "context" in said and ("length" in said or "exceed" in said):
                return PromptTooLong(self.name, said, "Shorten the conversation.")
            case _:
                return Refused(self.name, f"{said}: it does not accept the request", "Change what it names.")

    def _detail(self, said: object) -> str:
        """What somebody else said, short, on one line, without the key."""
        text = " ".join(str(said).split()) or type(said).__name__
        if self._key:
            text = text.replace(self._key, "[key]")
        for secret in self._headers.values():
            if len(secret) > 8:
                text = text.replace(secret, "[header]")
        return text if len(text) <= _DETAIL_CHARS else text[:_DETAIL_CHARS] + "…"


def _chat_model(model: OpenAI, key: str) -> "OpenAIChatModel":
    """The pydantic-ai model behind `model`, with its own retries off and its bodies bounded."""
    import httpx2
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    class Bounded(httpx2.AsyncHTTPTransport):
        """Stops reading a body at the limit."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            response = await super().handle_async_request(request)
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = BoundedStream(response.stream)
            return response

    class BoundedStream(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self):  # type: ignore[no-untyped-def]  # an async generator of bytes
            size_bytes = 0
            async for chunk in self._stream:
                size_bytes += len(chunk)
                if size_bytes > BODY_BYTES:
                    raise _TooLarge
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    client = AsyncOpenAI(
        api_key=key or "none",
        base_url=model.base_url,
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=Bounded(retries=0), follow_redirects=False),
    )
    profile = None if model.official else OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    return OpenAIChatModel(model.model, provider=OpenAIProvider(openai_client=client), profile=profile)


class _TooLarge(Exception):
    """A body went past `BODY_BYTES`."""


def _messages(request: Request) -> "Iterator[ModelMessage]":
    """The turns as pydantic-ai's messages."""
    from pydantic_ai.messages import (
        BinaryContent,
        ModelRequest,
        ModelResponse,
        SystemPromptPart,
        TextPart,
        ToolCallPart,
        ToolReturnPart,
        UserPromptPart,
    )

    names = {call.id: call.name for turn in request.turns for call in turn.calls}
    for turn in request.turns:
        match turn.role:
            case "system":
                yield ModelRequest(parts=[SystemPromptPart(turn.text)])
            case "user":
                shown = [BinaryContent(one.content, media_type=one.type) for one in turn.pictures]
                words = [turn.text] if turn.text else []
                yield ModelRequest(parts=[UserPromptPart([*shown, *words] if shown else turn.text)])
            case "assistant":
                said = [TextPart(turn.text)] if turn.text or not turn.calls else []
                yield ModelResponse(parts=[*said, *(ToolCallPart(c.name, c.arguments, c.id) for c in turn.calls)])
            case "tool":
                yield ModelRequest(parts=[ToolReturnPart(names.get(turn.call, "tool"), turn.text, turn.call)])


def _parameters(request: Request) -> "ModelRequestParameters":
    """The tools as pydantic-ai's."""
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.tools import ToolDefinition

    tools = [
        ToolDefinition(name=t.name, description=t.description, parameters_json_schema=msgspec.json.decode(t.parameters))
        for t in request.tools
    ]
    return ModelRequestParameters(function_tools=tools)


def _piece(event: "ModelResponseStreamEvent") -> str:
    """The text that an event of a stream brings; empty when it brings something else."""
    from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta

    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return event.part.content
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return event.delta.content_delta
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, what caused that, …"""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a Retry-After header of seconds or a date; None when there is none that makes sense."""
    from datetime import UTC, datetime

    value = next((value for key, value in headers.items() if key.lower() == "retry-after"), None)
    if value is None:
        return None
    try:
        wait_s = float(value)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return max(0.0, wait_s) if wait_s == wait_s else None  # not a number


def _price(response: "ModelResponse") -> int | None:
    """The price in millionths of a dollar, when pydantic-ai's price list has the model."""
    try:
        return round(response.cost().total_price * 1_000_000)
    except (LookupError, AssertionError, ValueError):
        return None
