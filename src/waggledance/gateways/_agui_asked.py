"""From an AG-UI run to an order: its messages as turns, its tools as what the screen offers to do.

A caller that knows us says more in ``forwardedProps``, under ``waggle``; every field is optional:

    {"expects": "number", "options": ["…"], "protocol": "vote", "seed": 7, "budget": {"calls": 20}}

A screen that draws A2UI says so there too, under ``a2uiClientCapabilities``, in A2UI's own words; what its user did on
a surface of ours comes under ``a2uiAction``, and is the next question.

A user's pictures go to the peers whose models can look at them: parts called ``image``, or ``binary`` as before 1.0.
Sound, films, documents and files at addresses are refused, so that nobody believes they were seen.

Source: AG-UI protocol 1.0, RunAgentInput; actions as `@ag-ui/a2ui-middleware` 0.0.10 forwards them.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from waggledance.core import AnswerKind, Budget, Picture, Question, Tool, ToolCall, Turn, UsageError, well_formed
from waggledance.gateways._a2ui_action import Action, asked_by, draws
from waggledance.gateways._asked_question import last_asked
from waggledance.gateways._order import Order
from waggledance.gateways._shown_pictures import picture_at, picture_in


class BadRun(Exception):
    """A run that cannot be begun: what is wrong with what was asked."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller may say under ``forwardedProps.waggle``."""

    expects: AnswerKind | None = None
    options: tuple[str, ...] = ()
    protocol: str = ""
    seed: int | None = None
    budget: Budget | None = None


class _Function(msgspec.Struct):
    name: str
    arguments: str = "{}"


class _Call(msgspec.Struct):
    id: str
    function: _Function


class _Source(msgspec.Struct, rename="camel"):
    type: str
    value: str
    mime_type: str | None = None


class _Part(msgspec.Struct, rename="camel"):
    type: str
    text: str = ""
    source: _Source | None = None
    mime_type: str = ""
    data: str | None = None
    url: str | None = None


class _Message(msgspec.Struct, rename="camel"):
    role: str
    id: str = ""
    content: str | list[_Part] | dict[str, Any] | None = None
    tool_calls: list[_Call] = []
    tool_call_id: str = ""


class _Tool(msgspec.Struct):
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None


class _Context(msgspec.Struct):
    description: str = ""
    value: str = ""


class _Acted(msgspec.Struct, rename="camel"):
    user_action: Action


class _Props(msgspec.Struct):
    waggle: Wanted = Wanted()
    action: _Acted | None = msgspec.field(default=None, name="a2uiAction")


class RunInput(msgspec.Struct, kw_only=True, rename="camel"):
    """What a screen asks for, as AG-UI writes it; fields that no swarm can use are left where they are."""

    thread_id: str
    run_id: str
    messages: list[_Message]
    tools: list[_Tool] | None = None
    context: list[_Context] | None = None
    forwarded_props: object = None
    resume: list[Any] | None = None


def read(raw: bytes) -> RunInput:
    """Return a run as it was asked for.

    Raises:
        BadRun: it is no run.
    """
    try:
        return msgspec.json.decode(raw, type=RunInput)
    except msgspec.MsgspecError as why:
        raise BadRun(f"this is no AG-UI run: {why}") from why


def order_of(run: RunInput, swarm: str, expects: AnswerKind | None, caller: str, raw: bytes) -> Order:
    """Return what a run asks of a swarm, of which answers of a kind count where the run names none.

    Raises:
        BadRun: there is nothing to answer, or a message, a tool or a wish cannot be used.
    """
    if run.resume:
        raise BadRun("no run of ours waits for an answer, so there is nothing to resume; ask anew, without `resume`")
    try:
        props = msgspec.convert(run.forwarded_props, _Props) if _says_more(run.forwarded_props) else _Props()
        wanted = props.waggle
        question = _question(run, wanted, expects, props.action)
        return Order(
            swarm=swarm,
            question=question,
            caller=caller,
            context=run.thread_id,
            budget=wanted.budget,
            seed=wanted.seed,
            protocol=wanted.protocol,
            original=raw,
        )
    except (msgspec.ValidationError, UsageError) as why:
        raise BadRun(str(why)) from why


def _says_more(props: object) -> bool:
    """Say whether an application's own values hold something for us."""
    return isinstance(props, dict) and ("waggle" in props or "a2uiAction" in props)


def wants_surface(run: RunInput) -> bool:
    """Say whether a screen draws A2UI surfaces: it says so in ``forwardedProps.a2uiClientCapabilities``."""
    props = run.forwarded_props
    return isinstance(props, dict) and draws(cast("dict[str, object]", props).get("a2uiClientCapabilities"))


def _question(run: RunInput, wanted: Wanted, expects: AnswerKind | None, acted: _Acted | None) -> Question:
    told = [f"{context.description}: {context.value}".strip(": ") for context in run.context or []]
    turns = (*(Turn("system", well_formed(text)) for text in told if text), *_turns(run.messages))
    if acted is not None:
        turns = (*turns, Turn("user", asked_by(acted.user_action)))
    tools = tuple(Tool(tool.name, well_formed(tool.description), _schema(tool.parameters)) for tool in run.tools or [])
    if len({tool.name for tool in tools}) < len(tools):
        raise BadRun("two tools have the same name: give each its own")
    options = tuple(map(well_formed, wanted.options))
    return last_asked(turns, kind=wanted.expects or expects, options=options, tools=tools)


def _turns(messages: list[_Message]) -> list[Turn]:
    turns: list[Turn] = []
    for i, message in enumerate(messages):
        match message.role:
            case "system" | "developer":
                turns.append(Turn("system", _text(message, i)))
            case "user":
                turns.append(Turn("user", _text(message, i), pictures=_pictures(message, i)))
            case "assistant":
                calls = tuple(ToolCall(c.id, c.function.name, c.function.arguments) for c in message.tool_calls)
                turns.append(Turn("assistant", _text(message, i), calls=calls))
            case "tool":
                turns.append(Turn("tool", _text(message, i), call=message.tool_call_id))
            case "reasoning" | "activity":  # what peers said on the way, and what a screen drew: they were ours
                pass
            case role:
                raise BadRun(f"messages[{i}] has a role that is not known here: {role[:80]!r}")
    return turns


def _text(message: _Message, i: int) -> str:
    content = message.content
    if content is None or isinstance(content, str):
        return well_formed(content or "")
    if isinstance(content, dict):
        raise BadRun(f"messages[{i}].content is an object; give text, or a list of text parts")
    for part in content:
        if part.type != "text" and not (message.role == "user" and _is_picture(part)):
            what = f"{part.type[:80]!r} of type {part.mime_type[:80]!r}" if part.mime_type else repr(part.type[:80])
            raise BadRun(f"messages[{i}] holds a part {what}; peers here read text, and look at pictures of the user's")
    return well_formed("\n".join(part.text for part in content if part.type == "text"))


def _is_picture(part: _Part) -> bool:
    return part.type == "image" or (part.type == "binary" and part.mime_type.lower().startswith("image/"))


def _pictures(message: _Message, i: int) -> tuple[Picture, ...]:
    parts = message.content if isinstance(message.content, list) else []
    try:
        return tuple(_picture(part) for part in parts if _is_picture(part))
    except UsageError as why:
        raise BadRun(f"a picture in messages[{i}]: {why}") from why


def _picture(part: _Part) -> Picture:
    source = part.source
    if source is not None and source.type == "data":
        return picture_in(source.mime_type or "", source.value)
    if part.type == "binary" and part.data:
        return picture_in(part.mime_type, part.data)
    return picture_at((source.value if source is not None and source.type == "url" else part.url) or "")


def _schema(parameters: dict[str, Any] | None) -> str:
    return msgspec.json.encode(parameters or {"type": "object"}).decode()
