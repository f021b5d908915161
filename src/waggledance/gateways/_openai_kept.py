"""Responses that were given, as long as they are kept: a conversation goes on from one by its id.

One that another server began, whose swarm's members went on without it, is read from them: its id names the order.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from waggledance.core import Opening, Turn, whole_question
from waggledance.gateways._host import Host
from waggledance.gateways._openai_answer import answer_of
from waggledance.gateways._openai_asked import PREFIX as MODEL
from waggledance.gateways._openai_asked import Asked
from waggledance.gateways._openai_body import Item, ResponseBody
from waggledance.gateways._openai_fit import Fit
from waggledance.gateways._openai_response import begun, ended, items, turns_of
from waggledance.gateways._running import Running

PREFIX = "resp_"
"""Before an order's id, where it is a response's."""
WAIT_S = 5.0
"""So long a caller waits for the end of a response that is read from elsewhere; then it is told as it is."""


class Kept(msgspec.Struct, frozen=True):
    """One response, and the conversation that ends with it; it has none yet while it is being worked on."""

    caller: str
    response: dict[str, Any]
    raw: bytes
    """The body of its request."""
    turns: tuple[Turn, ...] = ()


class Shelf:
    """The last responses; the oldest are forgotten first. Everybody finds only their own.

    Args:
        room_for: how many are kept, ≥ 0.
    """

    def __init__(self, room_for: int) -> None:
        self._room_for = room_for
        self._kept: dict[str, Kept | None] = {}

    def keep(self, id: str, kept: Kept) -> None:
        """Keep a response."""
        self._kept[id] = kept
        while len(self._kept) > self._room_for:
            del self._kept[next(iter(self._kept))]

    def find(self, id: str, caller: str) -> Kept | None:
        """Return a caller's response; None where it is another's, forgotten, or never was."""
        kept = self._kept.get(id)
        return kept if kept is not None and kept.caller == caller else None

    def item(self, id: str, caller: str) -> Item | None:
        """Return an item of the output of a caller's response, as it stands in the input of a later one."""
        kept = self.find(f"{PREFIX}{id.split('_')[1]}", caller) if "_" in id else None
        found = [item for item in kept.response["output"] if item["id"] == id] if kept is not None else []
        return msgspec.convert(found[0], Item) if found else None

    def forget(self, id: str) -> None:
        """Forget a response; that it was to be forgotten is known as long as it would have been kept."""
        self._kept[id] = None

    def is_forgotten(self, id: str) -> bool:
        """Say whether its caller wanted a response forgotten."""
        return id in self._kept and self._kept[id] is None


async def read_elsewhere(host: Host, id: str, caller: str, now_s: int) -> Kept | None:
    """Return a response that another server began, as its swarm's members have it by now; None where nobody knows it.

    Args:
        host: this server's.
        id: the response's.
        caller: who asked for it there, and asks here.
        now_s: the time, in seconds since 1970: when it was asked for is not known here.

    Raises:
        WaggleError: it cannot be read, or came to no end.
    """
    order = id.removeprefix(PREFIX)
    for name in host.swarms if id.startswith(PREFIX) else ():
        running = await host.find_elsewhere(name, order, caller)
        if running is not None:
            response = begun(id, now_s, ResponseBody(model=f"{MODEL}{name}", input=""))
            await asyncio.wait((running.task,), timeout=WAIT_S)
            raw = msgspec.json.encode({"input": running.order.question.text})
            if running.state == "working":
                return Kept(caller, response, raw)
            asked = Asked(orders=(running.order,), fit=Fit())
            answer, _ = answer_of(asked, await running.decision(), running)
            whole = ended(response, items(order, answer), answer)
            return Kept(caller, whole, raw, (*_turns(running), *turns_of(answer)))
    return None


def _turns(running: Running) -> tuple[Turn, ...]:
    """Return the conversation that an order asked its question in, and the question."""
    said = running.messages()
    opening = next(message for message in said if isinstance(message.body, Opening))
    question = whole_question(opening, said) or opening.body.question
    return (*question.conversation, Turn("user", question.text))
