"""Rows through three roles in bare asyncio: no names, no checks, no time-outs, no failures. The floor."""

from typing import Any

from _rows import ROLES, at_most, measured, think


async def work(count: int, in_flight: int, delay_s: float) -> tuple[float, list[str]]:
    async def one(row: dict[str, Any]) -> str:
        text: str = row["text"]
        for role in ROLES:
            text = await think(role, text, delay_s)
        return text

    return await at_most(in_flight, count, one)


measured(work)
