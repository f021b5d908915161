"""Time as a protocol may see it; the simulator puts a virtual clock in its place."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from. Nothing above `core` asks the operating system for it."""

    def now(self) -> float:
        """Return seconds on a clock that never goes back; only differences mean anything."""
        ...

    def wall_ms(self) -> int:
        """Return milliseconds since 1970, shown to people and never used in decisions."""
        ...


class LoopClock:
    """Real time: the running event loop's clock, and the machine's wall clock."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000
