"""How long to wait, from how long answers took, and how well oneself is.

    wait  = clamp(3 · p99 of own round trips, 0.2 s, period / 2) · (1 + score)
    score: 0 to 8. Up by one for each helper that did not even say no, for a failed probe without helpers, for having
           been suspected oneself; down by one for a probe that was answered.

Who is slow or half cut off hears too little of everybody: it should doubt itself before it accuses others.
Source: Dadgar, Phillips, Currey 2018, "Lifeguard", arXiv:1707.00788, §IV-A (Local Health Multiplier, S = 8).
"""

from __future__ import annotations

from collections import deque

MIN_WAIT_S = 0.2
"""Floor of a time-out: a loaded interpreter is late by as much."""
TIMES_P99 = 3
WORST = 8
"""S in the paper."""
KEPT = 256


class Health:
    """One peer's own round trips and score.

    Args:
        period_s: a protocol period, seconds.
    """

    __slots__ = ("_period_s", "_rtts", "_usual_s", "score")

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._rtts: deque[float] = deque(maxlen=KEPT)
        self._usual_s: float | None = None
        self.score = 0

    def took(self, rtt_s: float) -> None:
        """Note a round trip."""
        self._rtts.append(rtt_s)
        self._usual_s = None

    def shift(self, by: int) -> None:
        """Raise or lower the score."""
        self.score = min(max(self.score + by, 0), WORST)

    @property
    def stretch(self) -> int:
        """How many times as long as usual everything takes: 1 to 9."""
        return 1 + self.score

    @property
    def wait_s(self) -> float:
        """How long to wait for a direct answer, in doubt of oneself; seconds."""
        return self.usual_s * self.stretch

    @property
    def usual_s(self) -> float:
        """How long to wait without that doubt; half a period before the first answer."""
        if self._usual_s is None:
            longest = self._period_s / 2
            if self._rtts:
                p99 = sorted(self._rtts)[(99 * len(self._rtts)) // 100]
                longest = min(longest, max(MIN_WAIT_S, TIMES_P99 * p99))
            self._usual_s = longest
        return self._usual_s
