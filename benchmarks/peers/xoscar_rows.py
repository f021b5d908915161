"""Rows through three xoscar actors in one process, one call an actor a row."""

from typing import Any

import xoscar as xo
from _rows import ROLES, at_most, measured, think


class Role(xo.StatelessActor):
    def __init__(self, role: str) -> None:
        self.role = role

    async def ask(self, text: str, delay_s: float) -> str:
        return await think(self.role, text, delay_s)


async def work(count: int, in_flight: int, delay_s: float) -> tuple[float, list[str]]:
    pool = await xo.create_actor_pool("127.0.0.1", n_process=0)
    async with pool:
        actors = [await xo.create_actor(Role, role, address=pool.external_address, uid=role) for role in ROLES]

        async def one(row: dict[str, Any]) -> str:
            text: str = row["text"]
            for actor in actors:
                text = await actor.ask(text, delay_s)
            return text

        return await at_most(in_flight, count, one)


measured(work, "xoscar")
