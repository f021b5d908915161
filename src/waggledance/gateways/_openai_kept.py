"""Responses that were given, as long as they are kept: a conversation goes on from one by its id."""

from __future__ import annotations

from typing import Any

import msgspec

from waggledance.core import Turn
from waggledance.gateways._openai_body import Item


class Kept(msgspec.Struct, frozen=True):
    """One response, and the conversation that ends with it."""

    caller: str
    response: dict[str, Any]
    turns: tuple[Turn, ...]


class Shelf:
    """The last responses; the oldest are forgotten first. Everybody finds only their own.

    Args:
        room_for: how many are kept, ≥ 0.
    """

    def __init__(self, room_for: int) -> None:
        self._room_for = room_for
        self._kept: dict[str, Kept] = {}

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
        kept = self.find(f"resp_{id.split('_')[1]}", caller) if "_" in id else None
        found = [item for item in kept.response["output"] if item["id"] == id] if kept is not None else []
        return msgspec.convert(found[0], Item) if found else None

    def forget(self, id: str, caller: str) -> bool:
        """Forget a caller's response; say whether there was one."""
        return self.find(id, caller) is not None and self._kept.pop(id, None) is not None
