"""What words, servers and callers cannot do at the doors: rows of the threat catalogue, each with its pass mark."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from waggledance import Swarm
from waggledance.core import Key, Question
from waggledance.gateways import (
    Broker,
    Host,
    Hosted,
    OnBehalf,
    Order,
    PassedOn,
    Permit,
    Principal,
    Tenant,
    ToolRefused,
    read_on_behalf,
)
from waggledance.models import Request, Scripted, Tool, principal
from waggledance.peers import Agent
from waggledance.protocols import Vote
from waggledance.testing import on_virtual_time

# -- D11: confused deputy, scope creep in delegation -------------------------------------------------------------------

SCOPES = ("files_read", "files_write", "mail_send", "money_pay")
ADA, *OTHERS, EVE = (Key(bytes([n]) * 32) for n in range(1, 9))


class Servers:
    """A tenant's tools, one for each scope; keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def tools(self) -> Sequence[Tool]:
        return [Tool(scope, "") for scope in SCOPES]

    async def call(self, name: str, arguments: str) -> str:
        raise AssertionError("a broker says on whose behalf")

    async def call_for(self, name: str, arguments: str, meta: Mapping[str, Any]) -> str:
        assert read_on_behalf(meta).links, "the chain travels with the call"
        self.asked.append(name)
        return "done"


def broker(servers: Servers) -> Broker:
    return Broker(
        callers=[key.peer for key in (ADA, *OTHERS, EVE)],
        principals=[Principal("ada", "north", (ADA.peer,)), Principal("eve", "north", (EVE.peer,))],
        permits=[Permit(principals=("*",), tools=(scope,), scope=scope) for scope in SCOPES],
        tenants={"north": Tenant((servers,))},
        audit=lambda _: None,
    )


def made_up(behalf: OnBehalf) -> OnBehalf:
    last = behalf.links[-1]
    link = PassedOn(caller=last.caller, to=last.to, scopes=SCOPES, left_ms=last.left_ms, signature=bytes(64))
    return replace(behalf, scopes=SCOPES, links=(*behalf.links[:-1], link))


LIES: tuple[Callable[[OnBehalf], OnBehalf], ...] = (
    lambda behalf: replace(behalf, scopes=SCOPES),
    lambda behalf: replace(behalf, left_ms=behalf.links[-1].left_ms + 1),
    lambda behalf: replace(behalf, links=behalf.links[:-1]),
    lambda behalf: replace(behalf, links=(), scopes=SCOPES),
    lambda behalf: replace(behalf, principal="eve"),
    lambda behalf: replace(behalf, task="another"),
    made_up,
)
"""What a peer to whom a task was passed on may make of it: more rights, more time, nobody before it, another's task."""


def chain(rng: Random, lie: Callable[[OnBehalf], OnBehalf] | None = None) -> OnBehalf:
    """Return a task as it was passed on one to five times; one holder on the way lies, and all sign what they hold."""
    holders = rng.sample(OTHERS, rng.randint(1, 5))
    liar = rng.randrange(len(holders))
    held = tuple(sorted(rng.sample(SCOPES, rng.randint(2, 4))))
    behalf, key = OnBehalf(principal="ada", caller=ADA.peer, scopes=held, task="q1", left_ms=60_000), ADA
    for at, to in enumerate(holders):
        kept, took_ms = behalf.scopes, 0
        if lie is None or at <= liar:
            kept = tuple(rng.sample(kept, rng.randint(1, min(3, len(kept)))))
            took_ms = rng.randrange(1_000)
        behalf = behalf.passed_to(to.peer, key=key, scopes=kept, left_ms=behalf.left_ms - took_ms)
        behalf = lie(behalf) if lie and at == liar else behalf
        key = to
    return behalf.signed(key)


def test_attack_d11_of_a_thousand_chains_none_carries_more_than_was_passed_on() -> None:
    rng, servers = Random(11), Servers()
    desk = broker(servers)

    async def main() -> None:
        for at in range(1_000):
            behalf = chain(rng, LIES[at % len(LIES)])
            with pytest.raises(ToolRefused) as why:
                await desk.call(behalf, behalf.scopes[-1], "{}")
            assert why.value.error.sort == "auth", at

    on_virtual_time(main())
    assert servers.asked == []


def test_attack_d11_chains_of_honest_peers_reach_what_is_left_to_them_and_no_more() -> None:
    rng, servers = Random(12), Servers()
    desk = broker(servers)

    async def main() -> None:
        for _ in range(100):
            behalf = chain(rng)
            for scope in SCOPES:
                if scope in behalf.scopes:
                    assert await desk.call(behalf, scope, "{}") == "done"
                else:
                    with pytest.raises(ToolRefused, match="does not carry"):
                        await desk.call(behalf, scope, "{}")

    on_virtual_time(main())
    assert len(servers.asked) >= 100


# -- C2: side channels by caches ---------------------------------------------------------------------------------------


async def test_attack_c2_a_model_behind_a_door_is_asked_for_whoever_has_the_key() -> None:
    seen = dict[str, str]()

    def think(request: Request) -> str:
        seen[next(who for who in ("ada", "eve") if who in request.turns[-1].text)] = principal()
        return "Answer: 4"

    host = Host({"default": Hosted(Swarm([Agent("ann", Scripted(think))], protocol=Vote()))})
    orders = [Order(swarm="default", question=Question(text=f"2 + 2, {who}?"), caller=who) for who in ("ada", "eve")]
    await asyncio.gather(*(host.start(order).decision() for order in orders))
    assert seen == {"ada": "ada", "eve": "eve"}
    assert principal() == ""
