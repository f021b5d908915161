"""Rows through three autogen-core agents on its single-threaded runtime, one direct message an agent a row."""

from dataclasses import dataclass
from typing import Any

from _rows import ROLES, at_most, measured, think
from autogen_core import AgentId, MessageContext, RoutedAgent, SingleThreadedAgentRuntime, message_handler


@dataclass
class Ask:
    text: str
    delay_s: float


@dataclass
class Said:
    text: str


class Role(RoutedAgent):
    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role

    @message_handler
    async def ask(self, message: Ask, ctx: MessageContext) -> Said:
        return Said(await think(self.role, message.text, message.delay_s))


async def work(count: int, in_flight: int, delay_s: float) -> tuple[float, list[str]]:
    runtime = SingleThreadedAgentRuntime()
    for role in ROLES:
        await Role.register(runtime, role, lambda role=role: Role(role))
    runtime.start()
    agents = [AgentId(role, "default") for role in ROLES]

    async def one(row: dict[str, Any]) -> str:
        text: str = row["text"]
        for agent in agents:
            said = await runtime.send_message(Ask(text, delay_s), agent)
            text = said.text
        return text

    result = await at_most(in_flight, count, one)
    await runtime.stop()
    return result


measured(work, "autogen-core")
