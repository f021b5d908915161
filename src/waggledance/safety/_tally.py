"""Messages that are alike, wherever they stand: how many of them somebody had seen is counted when it is asked.

Kept as a state, such counts would have to be made anew for every past that nobody had before, and in a ring that is
every message's. Few messages are alike, so those that are get looked up, and a past says which of them are in it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import msgspec

from waggledance.core import Message
from waggledance.safety._causal_past import UNUSED, Node
from waggledance.safety._contract import Counts
from waggledance.safety._seen import Seen
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]


class Tally:
    """The messages that one contract counts, by what they are counted together with.

    Args:
        contract: how many may be alike.
    """

    __slots__ = ("_alike", "_contract", "_crowded")

    def __init__(self, contract: Counts) -> None:
        self._contract = contract
        self._alike: dict[Hashable, tuple[Node, ...]] = {}
        self._crowded: set[Hashable] = set()
        """Keys of more messages than may be alike, some of which perhaps do not know of each other."""

    def add(self, node: Node) -> None:
        """Take a message in its place."""
        key = self._contract.alike(node.message)
        nodes = self._alike[key] = (*self._alike.get(key, ()), node)
        if len(nodes) > self._contract.most:
            self._crowded.add(key)

    def among(self, key: Hashable, seen: Seen) -> list[AnyMessage]:
        """Return those of a past that are counted under a key, causes before effects, ties by id."""
        nodes = [node for node in self._alike.get(key, ()) if node.number != UNUSED and seen.has(node.number)]
        if len(nodes) > 1:
            nodes.sort(key=lambda node: node.place)
        return [node.message for node in nodes]

    def too_many(self, seen: Seen) -> Violation | None:
        """Return what a past breaks by coming together: of several kinds of messages that with the smallest id."""
        most = self._contract.most
        crowds = [said for key in self._crowded if len(said := self.among(key, seen)) > most]
        if not crowds:
            return None
        said = min(crowds, key=lambda said: said[most].id)
        found = self._contract.too_many(said[most], most + 1, said[0])
        return msgspec.structs.replace(found, involved=tuple(dict.fromkeys((said[most].id, *found.involved))))
