"""One key that datagrams are put to, and whether anybody is there to hear them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

_MATCHED_S = 1.0
"""How long it may take, after the first datagram for somebody, until it is known whether they are in reach."""
_CUT_OFF_S = 15.0
"""The engine takes ten seconds to notice that it closed the link to a frozen peer."""


class _Matching(Protocol):
    @property
    def matching(self) -> bool: ...


class Publisher(Protocol):
    """What is used of a zenoh publisher, whose own annotations are incomplete."""

    @property
    def matching_status(self) -> _Matching: ...
    def put(self, payload: bytes) -> None: ...
    def undeclare(self) -> None: ...


class Way:
    """A publisher, and whether anybody can hear it."""

    __slots__ = ("_cut_off_among", "_cut_off_until", "_unknown_until", "publisher", "to_one")

    def __init__(self, publisher: Publisher, now: float, *, to_one: bool) -> None:
        self.publisher, self.to_one = publisher, to_one
        self._unknown_until = now + _MATCHED_S
        self._cut_off_among: frozenset[str] = frozenset()
        self._cut_off_until = now

    def cut_off(self, links: frozenset[str], now: float) -> None:
        """Note that the link it went by was closed, from which the engine draws no conclusion for ten seconds."""
        self._cut_off_among, self._cut_off_until = links, now + _CUT_OFF_S

    def leads_nowhere(self, now: float, links: Callable[[], frozenset[str]]) -> bool:
        """Whether nobody is in reach, for sure. What is cut off is so for a while, or until there is a new link."""
        if not self.publisher.matching_status.matching:
            self._cut_off_until = now
            return now > self._unknown_until
        self._unknown_until = now
        if now < self._cut_off_until and not links() <= self._cut_off_among:
            self._cut_off_until = now
        return now < self._cut_off_until
