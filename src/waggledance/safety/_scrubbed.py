"""A model that is sent no private details: they are taken out of every request and put back into the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec

from waggledance.models import Completion, Model, Request, Streaming, ToolCall
from waggledance.safety._scrub import HARD, MARK, Placeholders, Scrub
from waggledance.safety._scrub_soft import SoftScrub

_LONGEST_MARK = 20
"""Characters: what a streamed piece may hold back until it is clear whether a placeholder begins in it."""


class Scrubbed:
    """Wraps a model, usually a remote one, so that nothing leaves that the scrub finds.

    One request has one set of placeholders, made anew each time: nothing is kept between requests, and the same
    conversation is cleaned alike on every machine. Details come back in the words of the answer. In the arguments of
    tool calls placeholders stay, unless told otherwise: a model could have a tool carry a detail off to elsewhere.

    Args:
        model: what answers; it has the same name as before.
        scrub: what is taken out.
        soft: what marks details that rules cannot know; a model of its own, so nobody by default.
        details_to_tools: put details back into the arguments of tool calls as well.
    """

    def __init__(
        self, model: Model, scrub: Scrub = HARD, *, soft: SoftScrub | None = None, details_to_tools: bool = False
    ) -> None:
        self.model, self.scrub, self.soft, self.details_to_tools = model, scrub, soft, details_to_tools

    def __repr__(self) -> str:
        return f"Scrubbed({self.model!r})"

    @property
    def name(self) -> str:
        return self.model.name

    async def as_sent(self, request: Request) -> Request:
        """Return a request as it leaves: what logs keep as evidence."""
        return (await self._cleaned(request))[0]

    async def complete(self, request: Request) -> Completion:
        """Answer one request, cleaned; the answer speaks of the details again."""
        sent, placeholders = await self._cleaned(request)
        return self._restored(await self.model.complete(sent), placeholders)

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Answer as `complete` does, and tell each piece; a piece is held back while a placeholder may be in it."""
        sent, placeholders = await self._cleaned(request)
        if not isinstance(self.model, Streaming):
            completion = self._restored(await self.model.complete(sent), placeholders)
            hear(completion.text)
            return completion
        held = _Held(placeholders, hear)
        completion = await self.model.stream(sent, held.take)
        held.let_go()
        return self._restored(completion, placeholders)

    async def aclose(self) -> None:
        """Let go of what the model holds."""
        await self.model.aclose()

    async def _cleaned(self, request: Request) -> tuple[Request, Placeholders]:
        placeholders = Placeholders(turn.text for turn in request.turns)
        marked = [detail for turn in request.turns for detail in await self._soft_details(turn.text)]

        def clean(text: str) -> str:
            text = self.scrub.clean(text, placeholders).text
            for kind, detail in marked:
                if detail in text:
                    text = _outside_marks(text, detail, placeholders.mark(kind, detail))
            return text

        turns = tuple(
            msgspec.structs.replace(
                turn,
                text=clean(turn.text),
                calls=tuple(_with_arguments(call, _within_json(call.arguments, clean)) for call in turn.calls),
            )
            for turn in request.turns
        )
        tools = tuple(
            msgspec.structs.replace(
                tool, description=clean(tool.description), parameters=_within_json(tool.parameters, clean)
            )
            for tool in request.tools
        )
        schema = _within_json(request.schema, clean) if request.schema else ""
        stop = tuple(clean(end) for end in request.stop)
        return msgspec.structs.replace(request, turns=turns, tools=tools, schema=schema, stop=stop), placeholders

    async def _soft_details(self, text: str) -> tuple[tuple[str, str], ...]:
        return () if self.soft is None else await self.soft.details(text)

    def _restored(self, completion: Completion, placeholders: Placeholders) -> Completion:
        calls = completion.calls
        if self.details_to_tools:
            calls = tuple(_with_arguments(call, _within_json(call.arguments, placeholders.restored)) for call in calls)
        return msgspec.structs.replace(completion, text=placeholders.restored(completion.text), calls=calls)


class _Held:
    """Passes pieces on with details in place of placeholders, of which one may come in several pieces."""

    def __init__(self, placeholders: Placeholders, hear: Callable[[str], None]) -> None:
        self._placeholders, self._hear, self._text = placeholders, hear, ""

    def take(self, piece: str) -> None:
        self._text += piece
        opened = self._text.rfind("[")
        may_be_one = opened >= 0 and "]" not in self._text[opened:] and len(self._text) - opened <= _LONGEST_MARK
        ready = self._text[:opened] if may_be_one else self._text
        self._text = self._text[len(ready) :]
        self._tell(ready)

    def let_go(self) -> None:
        self._tell(self._text)
        self._text = ""

    def _tell(self, text: str) -> None:
        if text:
            self._hear(self._placeholders.restored(text))


def _outside_marks(text: str, detail: str, mark: str) -> str:
    """Return a text with a detail replaced wherever it stands, but for within placeholders."""
    parts = re.split(f"({MARK.pattern})", text, flags=MARK.flags)
    kept = (part for i, part in enumerate(parts) if i % 3 != 2)  # a placeholder is followed by its own name
    return "".join(part if MARK.fullmatch(part) else part.replace(detail, mark) for part in kept)


def _with_arguments(call: ToolCall, arguments: str) -> ToolCall:
    return msgspec.structs.replace(call, arguments=arguments)


def _within_json(text: str, change: Callable[[str], str]) -> str:
    """Return JSON with its strings changed, keys as well; what is no JSON is changed as a text."""
    if change(text) == text:
        return text
    try:
        found: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return change(text)
    return msgspec.json.encode(_changed(found, change)).decode()


def _changed(value: object, change: Callable[[str], str]) -> object:
    match value:
        case str():
            return change(value)
        case list():
            return [_changed(item, change) for item in cast("list[object]", value)]
        case dict():
            items = cast("dict[str, Any]", value).items()
            return {change(key): _changed(item, change) for key, item in items}
        case int() if not isinstance(value, bool):
            cleaned = change(str(value))
            return value if cleaned == str(value) else cleaned
        case _:
            return value
