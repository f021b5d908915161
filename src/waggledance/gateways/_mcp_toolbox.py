"""Other people's MCP servers as tools of our agents: their names kept apart, their words bounded, and taken for data.

What a server says of its tools is shown to a model as its words, shortened; it was read once when the server was first
met and is held to that: a tool that says something else later is refused, and so is one that was not allowed.

Source: Model Context Protocol 2026-07-28; "rug pull" and tool poisoning as in Ferrag et al. 2025, arXiv:2506.23260.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from waggledance.core import RunFailed, Tool, UnknownName, UsageError
from waggledance.gateways._mcp_gateway import check_installed
from waggledance.gateways._mcp_known import KnownTool, text_of
from waggledance.peers import arguments_of
from waggledance.peers._plain import line

if TYPE_CHECKING:
    import mcp_types as types
    from mcp import Client

    from waggledance.gateways._mcp_link import McpLink

MAX_TOOLS = 64
"""Of one server that are shown to a model; more must be chosen from."""
MAX_PAGES = 20
STARTS = 3
"""How often a server that ends is started again, in one toolbox's life."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")


class McpTools:
    """The tools of one MCP server, as a `peers.Toolbox`.

    It is connected when first used, and again if the server ends, three times at most. Use it in ``async with``, or
    close it; the end of the event loop closes it as well.

    Args:
        name: what the server is called here: 1 to 24 lower-case letters, digits and hyphens; before each tool's name.
        command: what starts the server, for stdio.
        url: where it is, for Streamable HTTP; either this or a command.
        env: set in the server's environment, beside PATH, HOME and the like; nothing else of ours is in it.
        headers: sent with every request over HTTP, such as an Authorization.
        allow: which tools may be used, by the server's names; all when None.
        within_s: how long one call may take, and the start; > 0 s.

    Raises:
        RunFailed: the package that speaks MCP is not installed.
        UsageError: the name is none, both or neither of command and url are given, or the time is no positive number.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str] = (),
        url: str = "",
        env: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Collection[str] | None = None,
        within_s: float = 30.0,
    ) -> None:
        check_installed()
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"a tool server's name has 1 to 24 lower-case letters, digits and hyphens, got {name!r:.80}"
            )
        if bool(command) == bool(url):
            raise UsageError(f"the tool server {name!r} needs a command or a url, one of the two")
        if url and not url.startswith(("http://", "https://")):
            raise UsageError(f"the tool server {name!r} has no http or https address: {url!r:.200}")
        if not (math.isfinite(within_s) and within_s > 0):
            raise UsageError(f"a tool may take a positive number of seconds, got {within_s}")
        self.name = name
        self._command, self._url = tuple(command), url
        self._env, self._headers = dict(env or {}), dict(headers or {})
        self._allow = None if allow is None else frozenset(allow)
        self._within_s = within_s
        self._link: McpLink | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starts = 0
        self._opening = asyncio.Lock()
        self._known: dict[str, KnownTool] = {}
        """By our names; what each said of itself when it was first met."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the server, with all that it has started. Closing twice is harmless."""
        link, self._link = self._link, None
        if link is not None and self._loop is asyncio.get_running_loop():
            await link.close()

    async def tools(self) -> Sequence[Tool]:
        """Return the tools that may be used.

        Raises:
            ToolServerFailed: the server cannot be reached, or a tool says something else of itself than before.
            UsageError: a tool is allowed that there is not, or there are more than 64 and none are chosen.
        """
        await self._connected()
        return [known.tool for known in self._known.values()]

    async def call(self, name: str, arguments: str) -> str:
        """Use a tool; return what it says. Raises what `call_for` raises."""
        return await self.call_for(name, arguments, {})

    async def call_for(self, name: str, arguments: str, meta: Mapping[str, Any]) -> str:
        """Use a tool on somebody's behalf; return what it says, as text of at most 32,000 characters.

        Args:
            name: as `tools` has it.
            arguments: a JSON object.
            meta: goes with the call as its ``_meta``: JSON's own types.

        Raises:
            ToolServerFailed: the server cannot be reached, did not answer in time, or says that the tool failed; or
                there is no such tool, or it is not allowed.
        """
        from waggledance.gateways._mcp_link import ToolServerFailed, seen_of

        client = await self._connected()
        known = self._known.get(name)
        if known is None:
            raise ToolServerFailed(self.name, f"use {line(name, 80)}", "there is no such tool, or it is not allowed")
        doing = f"use {known.theirs}"
        given = self._arguments(known, arguments)
        try:
            async with asyncio.timeout(2 * self._within_s):
                result = await client.call_tool(
                    known.theirs, given, self._within_s, meta=cast("types.RequestParamsMeta | None", dict(meta) or None)
                )
        except TimeoutError:
            raise ToolServerFailed(self.name, doing, f"no answer within {self._within_s:g} s") from None
        except asyncio.CancelledError:
            raise
        except Exception as why:
            await self._drop_if_ended(why)
            raise ToolServerFailed(self.name, doing, seen_of(why)) from why
        text = text_of(result)
        if result.is_error:
            raise ToolServerFailed(self.name, doing, line(text, 1_000) or "it says so and no more")
        return text

    # -- within -------------------------------------------------------------------------------------------------

    def _arguments(self, known: KnownTool, arguments: str) -> dict[str, Any]:
        from waggledance.gateways._mcp_link import ToolServerFailed
        from waggledance.tasks._check_schema import validator_of

        doing = f"use {known.theirs}"
        try:
            given = arguments_of(arguments)
        except RunFailed as why:
            raise ToolServerFailed(self.name, doing, str(why)) from why
        try:
            found = list(islice(validator_of(known.schema).iter_errors(given), 3))
        except Exception:  # noqa: BLE001  a schema that is none, or refers to elsewhere, is for the server to hold
            found = []
        if found:
            faults = "; ".join(f"{fault.json_path}: {fault.message:.200}" for fault in found)
            raise ToolServerFailed(self.name, doing, f"the arguments do not fit: {faults}")
        return given

    async def _drop_if_ended(self, why: Exception) -> None:
        """Let go of a server that has hung up, so that it is started again when it is needed again."""
        from waggledance.gateways._mcp_link import has_hung_up

        if has_hung_up(why):
            await self.aclose()

    async def _connected(self) -> Client:
        """Return the client; connect, and list the tools, where that is not done or the server has ended."""
        from waggledance.gateways._mcp_link import McpLink, ToolServerFailed

        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # another run, whose end has closed the link
            self._loop, self._link, self._opening = loop, None, asyncio.Lock()
        async with self._opening:
            if self._link is not None and self._link.works:
                return await self._link.client()
            if self._starts >= STARTS:
                raise ToolServerFailed(self.name, "be reached", f"it has ended {STARTS} times and is left alone")
            self._starts += 1
            link = self._link = McpLink(
                self.name,
                command=self._command,
                url=self._url,
                env=self._env,
                headers=self._headers,
                within_s=self._within_s,
            )
            try:
                client = await link.client()
                await self._met(client)
            except BaseException:
                self._link = None
                await link.close()
                raise
            return client

    async def _met(self, client: Client) -> None:
        """List the tools, and hold them to what they said before."""
        listed = await self._listed(client)
        theirs = [tool.name for tool in listed]
        for name in sorted(self._allow or ()):
            if name not in theirs:
                raise UnknownName(f"tool of the server {self.name!r}", name, theirs)
        allowed = [tool for tool in listed if self._allow is None or tool.name in self._allow]
        if len(allowed) > MAX_TOOLS:
            raise UsageError(
                f"the tool server {self.name!r} has {len(allowed)} tools, and a model is shown at most {MAX_TOOLS}: "
                "choose with allow"
            )
        known = {one.tool.name: one for one in (KnownTool.of(self.name, tool) for tool in allowed)}
        if self._known and known != self._known:
            self._refuse(known)
        self._known = known

    def _refuse(self, known: dict[str, KnownTool]) -> None:
        from waggledance.gateways._mcp_link import ToolServerFailed

        names = self._known.keys() | known.keys()
        changed = sorted(name for name in names if self._known.get(name) != known.get(name))
        raise ToolServerFailed(
            self.name, "be trusted", f"it says something else of {', '.join(changed[:5])} than when it was first met"
        )

    async def _listed(self, client: Client) -> list[types.Tool]:
        from waggledance.gateways._mcp_link import ToolServerFailed, seen_of

        listed: list[types.Tool] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(2 * self._within_s):
                for _ in range(MAX_PAGES):
                    page = await client.list_tools(cursor=cursor)
                    listed += page.tools
                    cursor = page.next_cursor
                    if not cursor:
                        break
        except TimeoutError:
            raise ToolServerFailed(self.name, "list its tools", "no answer in time") from None
        except asyncio.CancelledError:
            raise
        except Exception as why:
            raise ToolServerFailed(self.name, "list its tools", seen_of(why)) from why
        return listed
