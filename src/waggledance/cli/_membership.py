"""Swarms on the network that this process serves: as whom it is a member of which, and how it meets the others."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from waggledance.cli._config import InForce
from waggledance.cli._settings import SwarmTable
from waggledance.core import LoopClock, UsageError
from waggledance.gateways import Running
from waggledance.gateways._host import DEFAULT
from waggledance.mesh import Dialling, Home, Node, praise, present, way_to

THEIRS = ("peers", "model", "temperature", "max_tokens", "tools", "scrub")
"""Settings of ``[ask]`` that on a network each member makes for itself."""


@dataclass(frozen=True)
class Membership:
    """As whom this process is a member of which swarm on the network, and how it meets the others."""

    what: str
    """An invite, a swarm's name, or an endpoint."""
    key_name: str
    dialling: Dialling
    certify: bool = False
    """Whether members certify what they decide."""


def memberships(force: InForce, default: Membership | None, dialling: Dialling) -> dict[str, Membership]:
    """Return which of the swarms that are served are on the network, by the name under which they are served.

    Args:
        force: settings, with ``[swarms.NAME]``.
        default: of the swarm ``"default"``; it is of this process when None.
        dialling: how the others are met.

    Raises:
        UsageError: what each member decides for itself is set for all of them, or two swarms have one key.
    """
    found: dict[str, Membership] = {}
    if default is not None:
        mine = [f"--{name.replace('_', '-')}" for name in THEIRS if force.by_flag(f"ask.{name}")]
        if mine:
            raise UsageError(f"with --mesh the members think, each with its own: leave out {', '.join(mine)}")
        found[DEFAULT] = default
    for name, table in force.settings.swarms.items():
        if name == DEFAULT and default is not None:
            raise force.wrong(f"swarms.{name}", f"[swarms.{name}] and --mesh both say who answers: leave one out")
        if table.mesh is not None:
            found[name] = _of_table(name, table, table.mesh, force, dialling)
        elif table.key is not None or table.certify is not None:
            raise force.wrong(f"swarms.{name}", "key and certify are for a swarm on the network: give mesh too")
    keys = [membership.key_name for membership in found.values()]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise UsageError(
            f"two swarms cannot be asked with the one key {twice[0]!r}: give each its own, as in key = ..."
        )
    return found


def _of_table(name: str, table: SwarmTable, what: str, force: InForce, dialling: Dialling) -> Membership:
    theirs = [field for field in THEIRS if getattr(table, field, None) is not None]
    if theirs:
        raise force.wrong(f"swarms.{name}", f"its members think, each with its own: leave out {', '.join(theirs)}")
    return Membership(what, table.key or f"server-{name}", dialling, bool(table.certify))


@asynccontextmanager
async def joined(membership: Membership) -> AsyncGenerator[Node]:
    """Be present as long as the context is open.

    Raises:
        NotLetIn: nobody of the swarm answers, or this key is no member.
        UsageError: see `way_to` and `present`.
    """
    home = Home()
    way = way_to(home, membership.what, now_ms=LoopClock().wall_ms())
    async with present(home, way, membership.key_name, membership.dialling) as node:
        yield node


def praise_at(nodes: Mapping[str, Node], running: Running) -> None:
    """Say in the lobby whose answers an order's decision took, where members of a network answered."""
    node = nodes.get(running.order.swarm)
    if node is not None and running.state == "done":
        praise(node, running.channel)
