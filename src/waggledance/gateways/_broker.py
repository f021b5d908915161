"""A broker between agents and tools: every call passes six stages in a fixed order, and leaves a row, refused or not.

    1 authenticate  the caller is known and has signed on whose behalf it calls, and all who passed it on have signed
    2 resolve       the principal, who lets the first of them act for it, and the tenant it belongs to
    3 authorise     a permit covers the tool, the call carries its scope, the arguments are of its form
    4 route         to the tenant's own servers; nobody sees another tenant's secrets
    5 execute       within the time that is left, shared out over the calls still to come
    6 audit         a row for every call, refused ones too; the tenant's secrets are cut out of what comes back

A stage that refuses ends the call: nothing later runs, and not a byte reaches a server. A refusal is data
(`ToolError`): what to do next follows from its class, by a fixed table, not from anybody's prose.

Source: Srinivasan 2026, "Bridging Protocol and Production", arXiv:2603.13417 (CABP, ATBA, SERF), as the card `cabp`
reads it: the paper's exact stages are not public.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from waggledance.core import Clock, LoopClock, PeerId, RunFailed, UsageError, WaggleError, show
from waggledance.gateways._on_behalf import OnBehalf
from waggledance.gateways._permits import Permit, Principal, refused
from waggledance.gateways._timeouts import Timeouts
from waggledance.gateways._tool_error import Sort, ToolError, error_of, tool_error
from waggledance.models import Tool
from waggledance.peers import Toolbox

MAX_WAIT_S = 5.0
"""For a server that wants a moment of quiet."""
CUT_OUT = "[secret]"


@runtime_checkable
class TakesMeta(Protocol):
    """A toolbox that passes on on whose behalf it is called."""

    async def call_for(self, name: str, arguments: str, meta: Mapping[str, Any]) -> str:
        """Use a tool as `Toolbox.call` does, with this ``_meta``."""
        ...


class Tenant(msgspec.Struct, frozen=True):
    """Whose tools these are: their servers, and the secrets that must not come back in an answer."""

    tools: tuple[Toolbox, ...]
    secrets: tuple[str, ...] = ()


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one call."""

    wall_ms: int
    principal: str
    tenant: str
    caller: str
    """Hexadecimal."""
    through: int
    """How many peers passed it on."""
    task: str
    tool: str
    stage: str
    """The last stage that it came to."""
    refused: str
    """Why, in words for people; empty when it was done."""
    milliseconds: int


class ToolRefused(RunFailed):
    """A call was refused or failed; `error` says what it means for the next step."""

    def __init__(self, error: ToolError) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return f"{self.error.where}: {self.error.cause} (next: {', '.join(self.error.suggest)})"


class Broker:
    """Lets calls through to tools: those that are permitted, on behalf of those that are known, within their time.

    Args:
        callers: the peers that may call; others are refused at the first stage.
        principals: on whose behalf they may call, by name.
        permits: what is allowed; what is not permitted is refused.
        tenants: servers and secrets, by tenant.
        audit: takes a row for every call; it must not block.
        clock: the loop's own when None.
    """

    def __init__(
        self,
        *,
        callers: Sequence[PeerId],
        principals: Sequence[Principal],
        permits: Sequence[Permit],
        tenants: Mapping[str, Tenant],
        audit: Callable[[AuditRow], None],
        clock: Clock | None = None,
    ) -> None:
        self._callers = frozenset(callers)
        self._principals = {principal.name: principal for principal in principals}
        self._permits, self._tenants, self._audit = tuple(permits), dict(tenants), audit
        self._clock = clock or LoopClock()
        self._homes: dict[str, dict[str, Toolbox]] = {}
        self.timeouts = Timeouts()
        for principal in principals:
            if principal.tenant not in self._tenants:
                raise UsageError(f"{principal.name!r} belongs to the tenant {principal.tenant!r}, which has no servers")

    async def call(
        self, behalf: OnBehalf, tool: str, arguments: str, *, then: Sequence[str] = (), since_s: float | None = None
    ) -> str:
        """Make a call on somebody's behalf; return what the tool says, without the tenant's secrets.

        What failed in passing is made again once, where the permit says that this does nothing twice and time is left.

        Args:
            behalf: on whose, signed by its caller.
            tool: its name.
            arguments: a JSON object.
            then: the tools that are to be called after it, for which time must be left.
            since_s: when its time began to run, by the broker's clock; now when None.

        Raises:
            ToolRefused: a stage refused it, or the tool failed.
        """
        passing = _Passing(behalf, tool, self._clock, since_s)
        try:
            return await self._through(passing, arguments, then)
        except ToolRefused as why:
            passing.refused = why.error.cause
            raise
        finally:
            self._audit(passing.row())

    def toolbox(self, behalf: OnBehalf) -> Toolbox:
        """Return the tools that may be used on somebody's behalf, for an agent; its time runs from now on."""
        return _Brokered(self, behalf, self._clock)

    async def permitted(self, behalf: OnBehalf) -> Sequence[Tool]:
        """Return the tools that a permit covers, with the scopes that are carried.

        Raises:
            ToolRefused: the caller or the principal is not known.
        """
        principal = self._resolved(_Passing(behalf, "tools", self._clock))
        covered = [g for g in self._permits if g.scope in behalf.scopes]
        tenant = self._tenants[principal.tenant]
        tools = [tool for box in tenant.tools for tool in await box.tools()]
        return [tool for tool in tools if any(permit.covers(principal.name, tool.name) for permit in covered)]

    # -- the stages -----------------------------------------------------------------------------------------------

    async def _through(self, passing: _Passing, arguments: str, then: Sequence[str]) -> str:
        principal = self._resolved(passing)
        permit = self._authorised(passing, principal, arguments)
        tenant, box = await self._routed(passing, principal)
        passing.stage = "execute"
        try:
            said = await self._executed(passing, box, arguments, then, repeatable=permit.repeatable)
        except ToolRefused as why:
            cause = _redacted(why.error.cause, tenant.secrets)
            raise ToolRefused(msgspec.structs.replace(why.error, cause=cause)) from None
        passing.stage = "audit"
        return _redacted(said, tenant.secrets)

    def _resolved(self, passing: _Passing) -> Principal:
        """Pass the first two stages: who calls, and on whose behalf."""
        behalf = passing.behalf
        if behalf.caller not in self._callers or not behalf.holds:
            why = "the caller is not known here, or somebody has not signed this call, or its passing on, as it is"
            raise passing.refusal("auth", why)
        passing.stage = "resolve"
        principal = self._principals.get(behalf.principal)
        if principal is None:
            raise passing.refusal("auth", f"nobody is known here as {behalf.principal[:80]!r}")
        if behalf.first not in principal.peers:
            raise passing.refusal("auth", f"{show(behalf.first)} does not act for {principal.name!r}")
        passing.tenant = principal.tenant
        return principal

    def _authorised(self, passing: _Passing, principal: Principal, arguments: str) -> Permit:
        passing.stage = "authorise"
        try:
            given = msgspec.json.decode(arguments or "{}", type=dict[str, Any])
        except msgspec.DecodeError as why:
            raise passing.refusal("input", f"the arguments are no JSON object: {why}") from None
        allowed = refused(self._permits, principal.name, passing.behalf.scopes, passing.tool, given)
        if isinstance(allowed, str):
            raise passing.refusal("policy", allowed)
        return allowed

    async def _routed(self, passing: _Passing, principal: Principal) -> tuple[Tenant, Toolbox]:
        passing.stage = "route"
        tenant, homes = self._tenants[principal.tenant], self._homes.setdefault(principal.tenant, {})
        if passing.tool not in homes:
            homes.clear()
            for box in tenant.tools:
                try:
                    homes.update((tool.name, box) for tool in await box.tools())
                except WaggleError as why:
                    passing.unreachable = str(why)
        if passing.tool not in homes:
            missing = f"no server of {principal.tenant!r} has the tool {passing.tool!r}"
            raise passing.refusal("missing", "; ".join(filter(None, (missing, passing.unreachable))))
        return tenant, homes[passing.tool]

    async def _executed(
        self, passing: _Passing, box: Toolbox, arguments: str, then: Sequence[str], *, repeatable: bool
    ) -> str:
        """Call, and once more where that is harmless and may help."""
        for again in (True, False):
            try:
                return await self._once(passing, box, arguments, then, repeatable=repeatable)
            except ToolRefused as why:
                wait_s = (why.error.retry_after_ms or 0) / 1_000
                if not (again and repeatable and why.error.retryable) or wait_s > MAX_WAIT_S:
                    raise
                if passing.left_s() <= wait_s:
                    raise
                await asyncio.sleep(wait_s)
        raise AssertionError("the second try returns or raises")

    async def _once(
        self, passing: _Passing, box: Toolbox, arguments: str, then: Sequence[str], *, repeatable: bool
    ) -> str:
        allowed_s = self.timeouts.next_timeout((passing.tool, *then), passing.left_s())
        if allowed_s <= 0:
            raise passing.refusal("budget", "no time is left for this call")
        began_s, finished = self._clock.now(), False
        try:
            async with asyncio.timeout(allowed_s):
                said = await self._asked(passing, box, arguments)
            finished = True
            return said
        except TimeoutError:
            raise passing.refusal("transient", f"no answer within {allowed_s:.1f} s") from None
        except ToolRefused:
            finished = True
            raise
        except WaggleError as why:
            finished = True
            raise ToolRefused(error_of(why, passing.tool, safe_to_repeat=repeatable)) from why
        finally:
            self.timeouts.observe(passing.tool, self._clock.now() - began_s, finished=finished)

    async def _asked(self, passing: _Passing, box: Toolbox, arguments: str) -> str:
        if isinstance(box, TakesMeta):
            left = msgspec.structs.replace(passing.behalf, left_ms=max(0, round(passing.left_s() * 1_000)))
            return await box.call_for(passing.tool, arguments, left.meta())
        return await box.call(passing.tool, arguments)


class _Passing:
    """One call on its way through the stages."""

    def __init__(self, behalf: OnBehalf, tool: str, clock: Clock, since_s: float | None = None) -> None:
        self.behalf, self.tool = behalf, tool
        self.stage, self.tenant, self.refused, self.unreachable = "authenticate", "", "", ""
        self._clock, self._began_s, self._wall_ms = clock, clock.now(), clock.wall_ms()
        self._since_s = self._began_s if since_s is None else since_s

    def left_s(self) -> float:
        """Return how many seconds the task has left."""
        return self.behalf.left_ms / 1_000 - (self._clock.now() - self._since_s)

    def refusal(self, sort: Sort, cause: str) -> ToolRefused:
        """Return the refusal of a stage."""
        return ToolRefused(tool_error(sort, cause, self.tool, code=f"refused-at-{self.stage}", safe_to_repeat=False))

    def row(self) -> AuditRow:
        """Return what became of it."""
        behalf = self.behalf
        return AuditRow(
            wall_ms=self._wall_ms,
            principal=behalf.principal,
            tenant=self.tenant,
            caller=behalf.caller.hex(),
            through=len(behalf.links),
            task=behalf.task,
            tool=self.tool,
            stage=self.stage,
            refused=self.refused,
            milliseconds=round((self._clock.now() - self._began_s) * 1_000),
        )


class _Brokered:
    """What an agent holds: tools behind a broker, on somebody's behalf."""

    def __init__(self, broker: Broker, behalf: OnBehalf, clock: Clock) -> None:
        self._broker, self._behalf, self._since_s = broker, behalf, clock.now()

    async def tools(self) -> Sequence[Tool]:
        return await self._broker.permitted(self._behalf)

    async def call(self, name: str, arguments: str) -> str:
        return await self._broker.call(self._behalf, name, arguments, since_s=self._since_s)


def _redacted(said: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if secret:
            said = said.replace(secret, CUT_OUT)
    return said
