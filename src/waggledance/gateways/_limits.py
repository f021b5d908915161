"""How much each caller may ask for: the size of a request, and how many of them a minute."""

from __future__ import annotations

import msgspec

from waggledance.core import UsageError

MAX_BODY_BYTES = 10 * 1024 * 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the server takes from a caller, whatever door they come to."""

    body_bytes: int = MAX_BODY_BYTES
    """The largest request, > 0."""
    a_minute: int | None = None
    """Requests a minute of one caller, > 0; as many as they like when None."""

    def __post_init__(self) -> None:
        if self.body_bytes < 1 or (self.a_minute is not None and self.a_minute < 1):
            raise UsageError(f"limits are 1 or more, got {self.body_bytes} bytes and {self.a_minute} requests a minute")

    def pace(self) -> Pace | None:
        """Return what holds callers to it; None where they may ask as often as they like."""
        return None if self.a_minute is None else Pace(self.a_minute)


class Pace:
    """Lets each caller through at an even pace, with a minute's worth at once at most.

    The generic cell rate algorithm: each caller has the time at which their allowance would be whole again; a request
    moves it on by one interval, and is refused while it lies more than a minute ahead. Source: ITU-T I.371, annex A
    (virtual scheduling).

    Args:
        a_minute: requests a minute of one caller, > 0.
    """

    def __init__(self, a_minute: int) -> None:
        self._interval_s = 60.0 / a_minute
        self._whole_s: dict[str, float] = {}

    def wait_s(self, caller: str, now_s: float) -> float:
        """Take one request of a caller, and return 0; or take none, and return in how many seconds one is let through.

        >>> pace = Pace(a_minute=2)
        >>> [pace.wait_s("ada", 0.0) for _ in range(3)], pace.wait_s("ben", 0.0), pace.wait_s("ada", 30.0)
        ([0.0, 0.0, 30.0], 0.0, 0.0)
        """
        whole_s = max(self._whole_s.get(caller, now_s), now_s)
        wait_s = whole_s + self._interval_s - 60.0 - now_s
        if wait_s > 1e-9:  # of a float's rounding
            return wait_s
        self._whole_s[caller] = whole_s + self._interval_s
        return 0.0
