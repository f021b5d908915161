"""Tools that an agent may use while it thinks: offered to its model, run when it asks, the result given back as data.

The loop is bounded: after `MAX_ROUNDS` the model is asked once more without tools, so that it answers. A result is what
somebody else says: it cannot end its own turn, is limited in size, and nothing in it is obeyed by this program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import msgspec

from waggledance.core import Call, RunFailed, Tool, ToolCall, Turn, UsageError
from waggledance.peers._others import defanged

MAX_ROUNDS = 6
"""Of asking for tools within one answer."""
MAX_CALLS = 8
"""Of tools asked for at once; the rest is refused."""
RESULT_CHARS = 8_000
"""Of one result: about 2,000 tokens."""
ALL_RESULTS_CHARS = 24_000
"""Of all results of one answer together, so that they do not bury what was asked; each has 200 in any case."""
_LEAST_CHARS = 200


class Toolbox(Protocol):
    """Some tools, from wherever they come."""

    async def tools(self) -> Sequence[Tool]:
        """Return what there is to use.

        Raises:
            RunFailed: it cannot be had now.
        """
        ...

    async def call(self, name: str, arguments: str) -> str:
        """Use a tool with arguments in JSON, as a model wrote them; return its result as text.

        Raises:
            RunFailed: the tool failed, or refused the arguments; the model is told why.
        """
        ...


@runtime_checkable
class UsedByWhom(Toolbox, Protocol):
    """A toolbox that goes by who uses it."""

    async def use(self, call: Call, name: str, arguments: str) -> str:
        """Do what `call` does, for a peer in its call; what is asked beside is kept as an exchange of that call.

        Raises:
            RunFailed: the tool failed, or this peer may not use it so; the model is told why.
        """
        ...


def arguments_of(written: str) -> dict[str, Any]:
    """Return the arguments that a model wrote for a tool; none for an empty text.

    Raises:
        RunFailed: they are no JSON object.

    >>> arguments_of('{"a": 1}')
    {'a': 1}
    """
    try:
        given: object = msgspec.json.decode(written or "{}")
    except (msgspec.DecodeError, RecursionError) as why:
        raise RunFailed(f"the arguments are no JSON: {why}") from why
    if not isinstance(given, dict):
        raise RunFailed("the arguments are no JSON object")
    return cast("dict[str, Any]", given)


async def offered(boxes: Sequence[Toolbox]) -> dict[str, tuple[Toolbox, Tool]]:
    """Return all tools of all boxes by name.

    Raises:
        UsageError: two boxes have a tool of one name.
        RunFailed: a box cannot be had.
    """
    known: dict[str, tuple[Toolbox, Tool]] = {}
    for box in boxes:
        for tool in await box.tools():
            if tool.name in known:
                raise UsageError(f"two toolboxes of an agent have a tool {tool.name!r}; leave one out or rename it")
            known[tool.name] = (box, tool)
    return known


async def used(
    known: Mapping[str, tuple[Toolbox, Tool]], calls: Sequence[ToolCall], call: Call, before: Sequence[Turn] = ()
) -> tuple[Turn, ...]:
    """Use the tools that a model asked for, together; return a turn with the result of each, in the same order.

    Args:
        known: the tools, as `offered` returns them.
        calls: what the model asked for.
        call: for which answer.
        before: the turns so far: results in them leave less room for these.
    """
    room = ALL_RESULTS_CHARS - sum(len(turn.text) for turn in before if turn.role == "tool")
    chars = max(_LEAST_CHARS, min(RESULT_CHARS, room // len(calls)))

    async def one(number: int, wanted: ToolCall) -> Turn:
        if number >= MAX_CALLS:
            return Turn("tool", f"Not done: at most {MAX_CALLS} tools are used at once.", call=wanted.id)
        box, _ = known[wanted.name]
        try:
            with call.asking("tool", wanted.name, wanted.arguments) as exchange:
                if isinstance(box, UsedByWhom):
                    exchange.answered = await box.use(call, wanted.name, wanted.arguments)
                else:
                    exchange.answered = await box.call(wanted.name, wanted.arguments)
        except RunFailed as why:
            return Turn("tool", _shown(f"The tool failed: {why}", chars), call=wanted.id)
        return Turn("tool", _shown(exchange.answered, chars), call=wanted.id)

    return tuple(await asyncio.gather(*(one(number, wanted) for number, wanted in enumerate(calls))))


def _shown(result: str, chars: int) -> str:
    """Return a result as a model may read it, its middle left out where it has more than so many characters."""
    text = defanged(result)
    if len(text) <= chars:
        return text or "(nothing)"
    half = chars // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"
