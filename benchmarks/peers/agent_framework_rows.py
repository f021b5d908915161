"""Rows through three agents of Microsoft's Agent Framework, one run an agent a row.

ROWS_AGENT=Agent takes the class it recommends, RawAgent (the default) its minimal form.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from _rows import ROLES, at_most, measured, think
from agent_framework import Agent, BaseChatClient, ChatResponse, Message, RawAgent

logging.disable(logging.WARNING)


class Fake(BaseChatClient):
    def __init__(self, role: str, delay_s: float) -> None:
        super().__init__()
        self.role, self.delay_s = role, delay_s

    async def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **kwargs: Any
    ) -> ChatResponse:
        text = await think(self.role, messages[-1].text, self.delay_s)
        return ChatResponse(messages=[Message(role="assistant", contents=[text])], response_id="fake")


async def work(count: int, in_flight: int, delay_s: float) -> tuple[float, list[str]]:
    kind: Any = {"Agent": Agent, "RawAgent": RawAgent}[os.environ.get("ROWS_AGENT", "RawAgent")]
    agents = [kind(client=Fake(role, delay_s), name=role) for role in ROLES]

    async def one(row: dict[str, Any]) -> str:
        text: str = row["text"]
        for agent in agents:
            text = (await agent.run(text)).text
        return text

    return await at_most(in_flight, count, one)


measured(work, "agent-framework-core")
