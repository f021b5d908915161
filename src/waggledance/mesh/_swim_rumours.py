"""News on its way: each piece rides on a bounded number of datagrams, the least told first.

One piece a peer: what is newer about it takes its place. After 3·⌈log2(N+1)⌉ tellings a piece is dropped, by when
everybody has it with high probability; what is lost all the same is repaired when somebody repeats what is outdated.
Source: Das, Gupta, Motivala 2002, "SWIM", §4.1 (λ log n).
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

from waggledance.core import PeerId
from waggledance.mesh._swim_messages import MAX_NEWS, News

REPEATS = 3
"""λ: tellings, and periods that a suspicion lasts, per ⌈log2(N+1)⌉."""


def repeats(n_members: int) -> int:
    """Return 3·⌈log2(N+1)⌉ for N members, oneself counted.

    >>> [repeats(n) for n in (1, 2, 7, 8, 32, 128)]
    [3, 6, 9, 12, 18, 24]
    """
    return REPEATS * n_members.bit_length()


class Rumours:
    """What one peer still has to tell."""

    __slots__ = ("_serial", "_told")

    def __init__(self) -> None:
        self._told: dict[PeerId, tuple[int, int, News]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._told)

    def add(self, news: News) -> None:
        """Tell this from now on, and nothing older about its peer."""
        self._serial += 1
        self._told[PeerId(news.peer)] = (0, -self._serial, news)

    def forget(self, peer: PeerId) -> None:
        """Tell nothing more about this peer."""
        self._told.pop(peer, None)

    def pick(self, to: PeerId, first: Iterable[News], n_members: int) -> tuple[News, ...]:
        """Return what to put on a datagram: `first`, then what was told least and came last; counts the tellings.

        Nobody is told that it is well itself, which it knows.
        """
        picked = {PeerId(news.peer): news for news in first}
        limit = repeats(n_members)
        room = MAX_NEWS - len(picked)
        rest = [(*held, peer) for peer, held in self._told.items() if peer != to and peer not in picked]
        for told, serial, news, peer in nsmallest(room, rest):
            picked[peer] = news
            if told + 1 >= limit:
                del self._told[peer]
            else:
                self._told[peer] = (told + 1, serial, news)
        return tuple(picked.values())[:MAX_NEWS]
