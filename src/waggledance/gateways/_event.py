"""What happens to an order, from its start to its end: the same events for every door."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from waggledance.core import Decision, Exchange, Message, RunFailed, WaggleError, Words


class Started(msgspec.Struct, frozen=True):
    """The swarm has opened a channel for the order."""

    id: str
    """The order's."""
    channel: str
    """Where its messages stand in the log."""


class Decided(msgspec.Struct, frozen=True):
    """The swarm has decided; nothing comes after this."""

    decision: Decision


class Failed(msgspec.Struct, frozen=True):
    """There is no decision, and why; nothing comes after this."""

    error: WaggleError


Event: TypeAlias = Started | Words | Exchange | Message[Any] | Decided | Failed
"""`Started` first, `Decided` or `Failed` last; between them what peers say, as they say it."""


class Cancelled(RunFailed):
    """The order was cancelled before the swarm decided; what had been said is in the log."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"the order {self.id!r} was cancelled before the swarm decided"


class Broken(RunFailed):
    """A bug ended the run: the host's log has the traceback, the caller only its name."""

    def __init__(self, id: str, what: str) -> None:
        super().__init__(id, what)
        self.id, self.what = id, what

    def __str__(self) -> str:
        return f"the order {self.id!r} ended in an error of ours ({self.what}); the server's log says where"


class Draining(RunFailed):
    """The host takes no more orders: it finishes those it has and stops."""

    def __str__(self) -> str:
        return "the server is stopping and takes no new questions; ask another one, or this one again later"


class TooBusy(RunFailed):
    """As many orders as the host takes are running."""

    def __init__(self, at_once: int) -> None:
        super().__init__(at_once)
        self.at_once = at_once

    def __str__(self) -> str:
        return f"{self.at_once:,} questions are being answered, which is the limit; ask again in a moment"
