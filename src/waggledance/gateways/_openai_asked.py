"""From a request to what a swarm is asked: a question within its conversation, and what its answer must fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from waggledance.core import (
    AnswerKind,
    Budget,
    Question,
    QuestionTooLong,
    Tool,
    Turn,
    UsageError,
    well_formed,
)
from waggledance.gateways._asked_question import last_asked
from waggledance.gateways._host import Host
from waggledance.gateways._hosted import Hosted
from waggledance.gateways._openai_body import (
    BadRequest,
    ChatBody,
    Extension,
    Format,
    ResponseBody,
    Schema,
)
from waggledance.gateways._openai_fit import Fit, checked_schema
from waggledance.gateways._openai_turns import chat_turns, input_turns
from waggledance.gateways._openai_unserved import check_chat, check_response, unheard
from waggledance.gateways._order import Order
from waggledance.gateways._shown_pictures import unseeing

PREFIX = "waggle/"
"""Before a swarm's name, where it is a model's name."""
Choosing: TypeAlias = Literal["none", "auto", "required"] | str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request, understood: the order for each choice, and what is done with its answer."""

    orders: tuple[Order, ...]
    fit: Fit
    stop: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the request asked for and does not get."""


def model_of(name: str) -> str:
    """Return the name of the swarm or protocol that a model's name stands for."""
    return name.removeprefix(PREFIX)


def chat_asked(body: ChatBody, host: Host, caller: str, raw: bytes) -> Asked:
    """Return what a chat completion asks of a swarm.

    Raises:
        UnknownName: there is no such model.
        BadRequest: a message, a tool or a schema cannot be used, or the conversation is too long.
    """
    check_chat(body)
    turns = tuple(turn for i, message in enumerate(body.messages) for turn in chat_turns(message, i))
    offered = [
        (t.type, t.function.name if t.function else "", t.function.description if t.function else None,
         t.function.parameters if t.function else None)
        for t in body.tools or []
    ]  # fmt: skip
    named = body.tool_choice
    choice = named if named is None or isinstance(named, str) else named.function.name if named.function else ""
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return _asked(
        host,
        model=body.model,
        turns=turns,
        tools=_tools(offered, "function."),
        choice=choice or "auto",
        one_call=body.parallel_tool_calls is False,
        format=body.response_format,
        extension=body.waggle,
        n=body.n or 1,
        seed=body.seed,
        caller=caller,
        tuned=(body.temperature, body.max_completion_tokens or body.max_tokens),
        stop=tuple(map(well_formed, stop)),
        raw=raw,
        notes=unheard(body),
        fields=("messages", "response_format.json_schema"),
    )


def response_asked(body: ResponseBody, host: Host, caller: str, raw: bytes, before: Sequence[Turn]) -> Asked:
    """Return what a response asks of a swarm, in the conversation `before` it.

    Raises:
        UnknownName: there is no such model.
        BadRequest: an item, a tool or a schema cannot be used, or the conversation is too long.
    """
    check_response(body)
    told = (Turn("system", well_formed(body.instructions)),) if body.instructions else ()
    offered = [(t.type, t.name, t.description, t.parameters) for t in body.tools or []]
    named = body.tool_choice
    choice = named if named is None or isinstance(named, str) else named.name
    wanted = body.text.format if body.text else None
    format = None
    if wanted is not None:
        format = Format(wanted.type, Schema(wanted.name, wanted.schema))
    return _asked(
        host,
        model=body.model,
        turns=(*told, *before, *input_turns(body)),
        tools=_tools(offered, ""),
        choice=choice or "auto",
        one_call=body.parallel_tool_calls is False,
        format=format,
        extension=body.waggle,
        n=1,
        seed=None,
        caller=caller,
        tuned=(body.temperature, body.max_output_tokens),
        stop=(),
        raw=raw,
        notes=unheard(body),
        fields=("input", "text.format"),
    )


def _asked(
    host: Host,
    *,
    model: str,
    turns: tuple[Turn, ...],
    tools: tuple[Tool, ...],
    choice: Choosing,
    one_call: bool,
    format: Format | None,
    extension: Extension | None,
    n: int,
    seed: int | None,
    caller: str,
    tuned: tuple[float | None, int | None],
    stop: tuple[str, ...],
    raw: bytes,
    notes: tuple[str, ...],
    fields: tuple[str, str],
) -> Asked:
    swarm, protocol = host.resolve(model_of(model))
    if any(turn.pictures for turn in turns):
        notes = (*notes, *_unseeing(host.swarms[swarm], swarm, fields[0]))
    extension = extension or Extension()
    if choice not in ("none", "auto", "required") and choice not in {tool.name for tool in tools}:
        raise BadRequest(f"tool_choice names {choice[:80]!r}, which is not among the tools", "tool_choice")
    if choice == "required" and not tools:
        raise BadRequest("tool_choice is 'required', and there are no tools", "tool_choice")
    tools = () if choice == "none" else tuple(t for t in tools if choice in ("auto", "required", t.name))
    said_in, schema_in = fields
    fit = Fit.of(format, tools, must_call=choice not in ("none", "auto"), one_call=one_call, where=schema_in)
    kind: AnswerKind | None = extension.expects or host.swarms[swarm].expects
    question = _question(turns, fit, tools, kind, tuple(map(well_formed, extension.options)), said_in)
    limited = extension.budget
    budget = None if limited is None else Budget(**msgspec.structs.asdict(limited))
    first = 0 if seed is None else seed % 2**63
    if n > 1 and seed is None:
        first = host.swarms[swarm].swarm.seed
    order = Order(
        swarm=swarm, question=question, caller=caller, budget=budget, protocol=extension.protocol or protocol,
        seed=seed if seed is None else first, temperature=tuned[0], max_tokens=tuned[1], original=raw,
    )  # fmt: skip
    orders = (order, *(msgspec.structs.replace(order, seed=(first + i) % 2**63) for i in range(1, n)))
    return Asked(orders=orders, fit=fit, stop=stop, notes=notes)


def _unseeing(hosted: Hosted, name: str, said_in: str) -> tuple[str, ...]:
    """Return a note of who cannot look at pictures; refuse them where nobody can."""
    try:
        return unseeing(hosted, name)
    except UsageError as why:
        raise BadRequest(str(why), said_in, "unsupported_content") from why


def _question(
    turns: tuple[Turn, ...],
    fit: Fit,
    tools: tuple[Tool, ...],
    kind: AnswerKind | None,
    options: tuple[str, ...],
    said_in: str,
) -> Question:
    """Return what is asked, or which field is to blame."""
    try:
        return last_asked(turns, kind=kind, options=options, tools=tools, told=fit.told())
    except QuestionTooLong as why:
        raise BadRequest(str(why), said_in, "context_length_exceeded") from why
    except UsageError as why:
        raise BadRequest(str(why), said_in) from why


def _tools(offered: Sequence[tuple[str, str, str | None, dict[str, Any] | None]], under: str) -> tuple[Tool, ...]:
    """Return tools as a question carries them; `under` is where their fields stand in a request."""
    tools: list[Tool] = []
    for i, (type, name, description, parameters) in enumerate(offered):
        if type != "function":
            raise BadRequest(f"tools[{i}] is of type {type[:80]!r}; only functions are known here", f"tools[{i}].type")
        schema: dict[str, Any] = {"type": "object"} if parameters is None else parameters
        checked_schema(schema, f"tools[{i}].{under}parameters", "invalid_function_parameters")
        try:
            tools.append(Tool(name, well_formed(description or ""), well_formed(msgspec.json.encode(schema).decode())))
        except UsageError as why:
            raise BadRequest(str(why), f"tools[{i}].{under}name") from why
    if len({tool.name for tool in tools}) < len(tools):
        raise BadRequest("two tools have the same name: give each its own", "tools")
    return tuple(tools)
