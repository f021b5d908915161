"""The order in which pending calls are sent: longest shared beginning first, equal calls once, none put off forever.

A server that keeps the state of a prompt's beginning computes only what is new, as long as its cache still holds that
beginning. Calls in order of arrival jump between documents and lose it; in the order of a trie of prompts (each
beginning finished before the next is begun) a small cache is enough:

    next = the pending call that begins most like the one sent last

In a sorted list that call is a neighbour of the last one's place, so a choice costs two comparisons. A walk by this
rule finishes the deepest shared beginning first, then the one around it: depth first through the trie. It would leave
a call that shares nothing for last, so a call overtaken `overtake` times goes next.

Which call goes when never changes what it asks: seed and sampling travel with the call, and only calls that ask
exactly the same are merged. Source: Halo (arXiv:2509.02121), whose objective counts prefill, decode and reuse of
caches; its beam search over placements and its moves of cached state are left out: the first is worth little once
calls are sorted, the second is the server's own business.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from math import inf

import msgspec
from blake3 import blake3

from waggledance.core import UsageError
from waggledance.models import Request
from waggledance.models._bank import request_key
from waggledance.models._beginnings import flat, shared

OVERTAKE = 1_024
"""How often a call may be overtaken before it goes next; a batch that holds more calls back comes near the order of
arrival again. 768 calls over 8 documents gain 3.02 with 1,024, 2.40 with 256 and 1.60 with 0."""


class Call(msgspec.Struct, frozen=True, order=True, gc=False):
    """One pending model call, as the order sees it; sorts by what it says, then by a hash."""

    text: str
    """The prompt in one string, beginning first: what is compared."""
    key: str
    """Names what is asked, sampling included: equal keys are one call."""
    arrived: int = 0
    """Its place in the order of arrival; used for fairness only."""


def call_of(request: Request, arrived: int = 0) -> Call:
    """Return a request as a call.

    The time-out shapes no answer, nor does the seed where the likeliest token is always taken, so both are left out of
    what makes two calls equal.
    """
    asked = msgspec.structs.replace(request, seed=0) if request.temperature == 0 else request
    return Call(flat(request), request_key("", asked), arrived)


class Pending:
    """Calls that wait to be sent; `take` gives the next one.

    Args:
        overtake: how many calls that came later may be sent before a call, at least 0; 0 is the order of arrival.

    Raises:
        UsageError: `overtake` is negative.
    """

    def __init__(self, overtake: int = OVERTAKE) -> None:
        if overtake < 0:
            raise UsageError(f"overtake must be at least 0, got {overtake}")
        self._overtake = overtake
        self._sorted: list[Call] = []
        self._by_arrival: list[tuple[int, Call]] = []
        self._overtaking: list[int] = []
        self._last = ""

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, call: Call) -> None:
        """Let a call wait."""
        insort(self._sorted, call)
        insort(self._by_arrival, (call.arrived, call))

    def remove(self, call: Call) -> None:
        """Let a call go that nobody waits for any more.

        Raises:
            UsageError: it does not wait here.
        """
        if not self._drop(call):
            raise UsageError("this call does not wait here: it was taken, or removed before")

    def take(self) -> Call:
        """Return the next call, which then waits no more.

        Raises:
            UsageError: none waits.
        """
        if not self._sorted:
            raise UsageError("no call waits: ask len() first")
        oldest, call = self._by_arrival[0]
        if len(self._overtaking) < self._overtake:
            call = self._nearest()
        if call.arrived != oldest:
            insort(self._overtaking, call.arrived)
        self._drop(call)
        self._last = call.text
        return call

    def take_oldest(self) -> Call:
        """Return the call that waits longest, for somebody else than who sent the last one.

        Raises:
            UsageError: none waits.
        """
        if not self._sorted:
            raise UsageError("no call waits: ask len() first")
        call = self._by_arrival[0][1]
        self._drop(call)
        return call

    def _nearest(self) -> Call:
        """The call that begins most like the last one; of equals, the one that is named by the smaller hash."""
        place = bisect_left(self._sorted, Call(self._last, ""))
        near = self._sorted[max(place - 1, 0) : place + 1]
        return min(near, key=lambda call: (-shared(call.text, self._last), _tie(call)))

    def _drop(self, call: Call) -> bool:
        place = bisect_left(self._sorted, call)
        if place == len(self._sorted) or self._sorted[place] != call:
            return False
        del self._sorted[place]
        del self._by_arrival[bisect_left(self._by_arrival, (call.arrived, call))]
        oldest = self._by_arrival[0][0] if self._by_arrival else inf
        del self._overtaking[: bisect_left(self._overtaking, oldest)]
        return True


def consolidate(calls: Iterable[Call], *, overtake: int = OVERTAKE) -> tuple[tuple[Call, ...], ...]:
    """Return the calls in the order to send them, calls that ask the same together: a function of the set.

    Args:
        calls: what is pending; each `arrived` once.
        overtake: see `Pending`.

    Returns:
        One tuple for each call to make, of all calls it answers, in order of arrival.

    Raises:
        UsageError: two calls have one `arrived`, or `overtake` is negative.

    >>> asked = ("doc 1, b?", "doc 2, c?", "doc 1, b?", "doc 1, d?")
    >>> calls = [Call(text, text, number) for number, text in enumerate(asked)]
    >>> [[call.arrived for call in same] for same in consolidate(calls)]
    [[0, 2], [3], [1]]
    """
    same: dict[str, list[Call]] = {}
    arrived: set[int] = set()
    for call in sorted(calls, key=lambda call: call.arrived):
        if call.arrived in arrived:
            raise UsageError(f"two calls say they arrived as number {call.arrived}; number them apart")
        arrived.add(call.arrived)
        same.setdefault(call.key, []).append(call)
    pending = Pending(overtake)
    for group in same.values():
        pending.add(group[0])
    return tuple(tuple(same[pending.take().key]) for _ in range(len(pending)))


def _tie(call: Call) -> bytes:
    return blake3(b"waggle/call/1\0" + call.key.encode()).digest()
