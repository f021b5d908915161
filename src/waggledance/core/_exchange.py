"""What a peer asks of its model and tools while it thinks: kept in its own log beside the messages, sent to nobody.

A message says what a peer says; an exchange says how it came to it: the prompt, the reply, a tool's result. It holds
what others must not see, so it stays on the machine where the peer thinks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import msgspec

from waggledance.core._ids import PeerId

if TYPE_CHECKING:
    from waggledance.core._clock import Clock


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a peer asked of a model or a tool, and what came back."""

    channel: str
    author: PeerId
    """Who asked."""
    number: int
    """The seat's call in which it was, from 1."""
    step: int = 0
    """Its place in that call, from 0: agents with tools ask several times."""
    sequence: int = 0
    """The author's counter of the message it went into, if it went into one: of the next that was written."""
    skill: str
    """What the peer was asked for, such as ``"propose"``."""
    round: int
    kind: Literal["model", "tool"] = "model"
    of: str = ""
    """The model's or the tool's name."""
    asked: str = ""
    """JSON: the request to the model, or the tool's arguments."""
    answered: str = ""
    """JSON: the model's completion; or the tool's result as it came; empty when it failed."""
    failure: str = ""
    """Why there is no answer."""
    wall_ms: int = 0
    """When it began, in milliseconds since 1970 by the seat's clock."""
    milliseconds: int = 0


class Words(msgspec.Struct, frozen=True):
    """A piece of what a peer is saying right now; it may still think better of it."""

    peer: PeerId
    name: str
    number: int
    """The seat's call, from 1: pieces of one answer have one number."""
    text: str


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told what goes on at a seat beside its messages; nobody, as a rule. Neither may block or raise."""

    exchange: Callable[[Exchange], None] | None = None
    words: Callable[[Words], None] | None = None
    wanted: Callable[[], bool] | None = None
    """Says, of each call as it begins, whether its words are wanted; all are when None."""


UNSEEN = Witness()


@runtime_checkable
class KeepsExchanges(Protocol):
    """Where exchanges are kept; `Log` is one."""

    def append_exchange(self, exchange: Exchange, /) -> None:
        """Take an exchange; it may be written a little later."""
        ...


class Asking:
    """An exchange under way; `answered` is set to what came back: words, or a struct that is kept as JSON."""

    __slots__ = ("answered",)

    def __init__(self) -> None:
        self.answered: str | msgspec.Struct = ""


class Exchanges:
    """The exchanges of one call, told to a witness one by one as they end.

    Args:
        tell: takes each exchange.
        clock: the seat's.
        sequence: gives the counter of the author's next message.
        like: what all of them share.
    """

    __slots__ = ("_clock", "_like", "_sequence", "_step", "_tell")

    def __init__(
        self, tell: Callable[[Exchange], None], clock: Clock, sequence: Callable[[], int], like: Exchange
    ) -> None:
        self._tell, self._clock, self._sequence, self._like, self._step = tell, clock, sequence, like, 0

    @contextmanager
    def asking(self, kind: Literal["model", "tool"], of: str, asked: str | msgspec.Struct) -> Generator[Asking]:
        """Tell the exchange that the block is, with its answer or why there is none."""
        step, self._step = self._step, self._step + 1
        began_s, wall_ms, under_way, failure = self._clock.now(), self._clock.wall_ms(), Asking(), ""
        try:
            yield under_way
        except BaseException as why:
            failure = str(why) or type(why).__name__
            raise
        finally:
            exchange = msgspec.structs.replace(
                self._like,
                step=step,
                sequence=self._sequence(),
                kind=kind,
                of=of,
                asked=_json(asked),
                answered="" if failure else _json(under_way.answered),
                failure=failure,
                wall_ms=wall_ms,
                milliseconds=round((self._clock.now() - began_s) * 1_000),
            )
            self._tell(exchange)


def _json(said: str | msgspec.Struct) -> str:
    return said if isinstance(said, str) else msgspec.json.encode(said).decode()
