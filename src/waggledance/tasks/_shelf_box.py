"""Tools that peers wrote and vouched for, as a toolbox of an agent: what may be used, called in the sandbox.

Source: "AgentOrchestra", arXiv:2506.12508: tools are looked up when they are needed, not when the agent is made.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from waggledance.core import PeerId, RunFailed, Tool, UsageError
from waggledance.peers import arguments_of
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._tool_runs import call_tool
from waggledance.tasks._tool_shelf import Tool as VouchedTool
from waggledance.tasks._tool_shelf import ToolOffer, ToolShelf

_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "list": "array", "dict": "object"}


class ShelfBox:
    """The usable tools of a shelf, as `peers.Toolbox`; of two with one name, that of more vouchers.

    Args:
        shelf: returns the shelf as it stands: asked anew for every question and every call.
        sandbox: where tools run.
        trusted: whose tools may run here: one of the authors must be among them; anybody's when None.
    """

    def __init__(
        self, shelf: Callable[[], ToolShelf], sandbox: Sandbox, *, trusted: Collection[PeerId] | None = None
    ) -> None:
        self._shelf, self._sandbox, self._trusted = shelf, sandbox, trusted

    async def tools(self) -> Sequence[Tool]:
        """Return the tools that may be used, by name, with the parameters that their code names."""
        return [
            Tool(name, tool.offer.about, parameters_of(tool.offer)) for name, tool in sorted(self._usable().items())
        ]

    async def call(self, name: str, arguments: str) -> str:
        """Call a tool in the sandbox; return what it returned, as JSON.

        Raises:
            RunFailed: there is no such tool (any more), the arguments are no JSON object, or it failed.
        """
        tool = self._usable().get(name)
        if tool is None:
            raise RunFailed(f"there is no tool {name!r:.80} that enough peers vouch for")
        given = arguments_of(arguments)
        try:
            found = await call_tool(tool, given, self._sandbox)
        except UsageError as why:
            raise RunFailed(str(why)) from why
        return msgspec.json.encode(found).decode()

    def _usable(self) -> dict[str, VouchedTool]:
        usable = self._shelf().usable(self._trusted)
        usable.sort(key=lambda tool: (len(tool.passed), tool.offer.tool))
        return {tool.offer.name: tool for tool in usable}


def parameters_of(offer: ToolOffer) -> str:
    """Return the JSON schema of a tool's arguments, by the head of its function; any object where that says nothing.

    >>> parameters_of(ToolOffer(name="twice", about="Doubles", code="def twice(x: int): return 2 * x", tests="1"))
    '{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}'
    """
    schema: dict[str, Any] = {"type": "object"}
    try:
        tree = ast.parse(offer.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return msgspec.json.encode(schema).decode()
    heads = [node.args for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == offer.name]
    if heads:
        args, only = heads[-1].args, heads[-1].kwonlyargs
        schema["properties"] = {one.arg: _schema(one.annotation) for one in (*args, *only)}
        must = [*args[: len(args) - len(heads[-1].defaults)]]
        must += [one for one, default in zip(only, heads[-1].kw_defaults, strict=True) if default is None]
        schema["required"] = [one.arg for one in must]
    return msgspec.json.encode(schema).decode()


def _schema(annotation: ast.expr | None) -> dict[str, str]:
    name = "" if annotation is None else ast.unparse(annotation).partition("[")[0]
    return {"type": _TYPES[name]} if name in _TYPES else {}
