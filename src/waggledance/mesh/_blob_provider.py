"""One peer that a blob is fetched from: how fast it answers, how much to ask of it at a time, whether to ask it at all.

Time-outs follow RFC 6298 (smoothed round trip plus four deviations, doubled at each time-out; an answer that comes late
counts from when it was asked for first). How many chunks are out at a time follows TCP Vegas: one more for each that
arrives, until the first loss, then one more a round, but none while answers take twice as long as the fastest did,
because then more requests only stand in a queue; half at each loss.

Source: RFC 6298; Brakmo, O'Malley, Peterson 1994, "TCP Vegas", doi:10.1145/190314.190317.
"""

from __future__ import annotations

from collections.abc import Set

from waggledance.core import PeerId
from waggledance.mesh._blobs import ChunkId

FIRST_TIMEOUT_S = 1.0
"""Before there is a round trip to go by. Source: RFC 6298 §2.1."""
MIN_TIMEOUT_S = 0.2
"""Source: the project's network specification, §3."""
MAX_TIMEOUT_S = 8.0
MAX_OUT = 16
"""Chunks asked of one peer and not answered: 4 MiB."""
SILENT_AFTER = 3
"""Time-outs in a row after which a peer is asked for one chunk at a time, and rarely."""


class Provider:
    """What a fetch knows about one peer."""

    def __init__(self, peer: PeerId) -> None:
        self.peer = peer
        self.fault = ""
        """Why it is not asked any more: it gave what is not what it said."""
        self.has: Set[ChunkId] = frozenset()
        self.out = dict[ChunkId, tuple[float, float]]()
        """What it was asked for and has not answered: when, and until when it is waited for."""
        self.ask_at = 0.0
        """When to ask it again what it has."""
        self.rest_until = 0.0
        self.silent = 0
        """Time-outs in a row."""
        self._window, self._slow_start = 2.0, True
        self._round_trip_s, self._deviation_s = 0.0, 0.0
        self._fastest_s = float("inf")
        self._timeout_s = FIRST_TIMEOUT_S
        self._late = dict[ChunkId, float]()
        """What was asked for, and when, and is not waited for any longer."""

    def room(self, now: float) -> int:
        """Return how many more chunks may be asked of it now."""
        if self.fault or now < self.rest_until:
            return 0
        return (1 if self.silent >= SILENT_AFTER else int(self._window)) - len(self.out)

    def asked(self, chunk: ChunkId, now: float) -> None:
        """Take down that it was asked for a chunk."""
        self.out[chunk] = (now, now + self._timeout_s)

    @property
    def usual_s(self) -> float:
        """How long it takes to answer, as a rule, in seconds; infinity before it has."""
        return self._round_trip_s or float("inf")

    def dropped(self, chunk: ChunkId) -> None:
        """Take down that a chunk that it was asked for came from somebody else."""
        out = self.out.pop(chunk, None)
        if out is not None:
            self._late.setdefault(chunk, out[0])

    def gave(self, chunk: ChunkId, now: float) -> None:
        """Take down that a chunk came from it."""
        self.silent, self.rest_until = 0, 0.0
        out = self.out.pop(chunk, (now, 0.0))
        took_s = now - self._late.pop(chunk, out[0])
        if took_s > 0:
            self._measure(took_s)
        if took_s <= 2 * self._fastest_s:
            self._window = min(MAX_OUT, self._window + (1 if self._slow_start else 1 / self._window))
        else:
            self._slow_start = False

    def said_wait(self, chunk: ChunkId, until: float) -> None:
        """Take down that it has given us our share for now."""
        self.silent = 0
        self.out.pop(chunk, None)
        self.rest_until = max(self.rest_until, until)
        self._halve()

    def lapsed(self, now: float) -> list[ChunkId]:
        """Return what is not waited for any longer, and ask less of the peer."""
        if self.rest_until <= now:
            self.rest_until = 0.0
        late = [chunk for chunk, (_, until) in self.out.items() if until <= now]
        for chunk in late:
            self._late.setdefault(chunk, self.out.pop(chunk)[0])
        if late:
            self.silent += 1
            self._timeout_s = min(MAX_TIMEOUT_S, 2 * self._timeout_s)
            if self.silent >= SILENT_AFTER:
                self.rest_until = now + self._timeout_s
            self._halve()
        return late

    def wakes_at(self) -> list[float]:
        """Return when something is due with it: an answer that is late, the end of its rest."""
        return [until for _, until in self.out.values()] + ([self.rest_until] if self.rest_until else [])

    def __str__(self) -> str:
        why = self.fault or ("silent" if self.silent else "has not what is missing")
        return f"{self.peer.hex()[:12]} {why}"

    def _halve(self) -> None:
        self._window, self._slow_start = max(1.0, self._window / 2), False

    def _measure(self, seconds: float) -> None:
        self._fastest_s = min(self._fastest_s, seconds)
        if self._round_trip_s:
            self._deviation_s += (abs(seconds - self._round_trip_s) - self._deviation_s) / 4
            self._round_trip_s += (seconds - self._round_trip_s) / 8
        else:
            self._round_trip_s, self._deviation_s = seconds, seconds / 2
        estimate = self._round_trip_s + 4 * self._deviation_s
        self._timeout_s = min(MAX_TIMEOUT_S, max(MIN_TIMEOUT_S, estimate))
