"""At most so many at once, on whichever event loop they run.

An asyncio semaphore belongs to the loop that first waits on it, and a model may be asked from several loops one after
another (`ask_sync` starts a new one each time), so there is one semaphore for each loop.
"""

import asyncio
from types import TracebackType
from weakref import WeakKeyDictionary


class Gate:
    """Lets `limit` tasks of one event loop through at a time; the others wait in order of arrival."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._per_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    def _here(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if loop not in self._per_loop:
            self._per_loop[loop] = asyncio.Semaphore(self.limit)
        return self._per_loop[loop]

    async def __aenter__(self) -> None:
        await self._here().acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._here().release()
