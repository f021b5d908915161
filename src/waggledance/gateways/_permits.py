"""Who may use which tool with what: permits, and nothing that is not permitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from waggledance.core import PeerId, UsageError


class Principal(msgspec.Struct, frozen=True):
    """Somebody on whose behalf calls are made."""

    name: str
    tenant: str
    """Whose servers and secrets are used for them; other tenants' never are."""
    peers: tuple[PeerId, ...]
    """The peers that may act for them first hand; others do so only with what these passed on."""


class Permit(msgspec.Struct, frozen=True, kw_only=True):
    """A right: who, which tools, under which scope, with arguments of which form."""

    principals: tuple[str, ...]
    """Names, or patterns such as ``"*"``."""
    tools: tuple[str, ...]
    """Names, or patterns such as ``"files_*"``."""
    scope: str
    """What a call must carry to use it."""
    arguments: Mapping[str, Any] = {}
    """A JSON schema that the arguments must fit; any when empty."""
    repeatable: bool = False
    """Whether calling twice does nothing twice, so that a call may be made again after it failed."""

    def __post_init__(self) -> None:
        if not (self.principals and self.tools and self.scope):
            raise UsageError("a permit names principals, tools and a scope")

    def covers(self, principal: str, tool: str) -> bool:
        """Say whether it is about this principal and this tool."""
        return any(fnmatchcase(principal, p) for p in self.principals) and any(fnmatchcase(tool, t) for t in self.tools)


def refused(
    permits: Iterable[Permit], principal: str, scopes: Iterable[str], tool: str, arguments: Mapping[str, Any]
) -> str | Permit:
    """Return the permit that allows a call, or why none does."""
    about = [permit for permit in permits if permit.covers(principal, tool)]
    if not about:
        return f"nothing permits {principal!r} the tool {tool!r}"
    held = [permit for permit in about if permit.scope in set(scopes)]
    if not held:
        return f"the tool {tool!r} needs the scope {about[0].scope!r}, which the call does not carry"
    for permit in held:
        if _fits(permit.arguments, arguments):
            return permit
    return f"the arguments of {tool!r} are not of the form that is permitted"


def _fits(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    if not schema:
        return True
    from waggledance.tasks._check_schema import validator_of

    return next(iter(validator_of(schema).iter_errors(arguments)), None) is None
