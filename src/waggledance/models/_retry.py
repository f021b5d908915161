"""Ask again when asking again may help: rate limits, failing servers, broken connections. Nothing else.

Before try k + 1 the wait is drawn uniformly from 0 to ``min(cap_s, base_s * 2**k)`` ("full jitter", Brooker 2015,
"Exponential Backoff And Jitter", AWS Architecture Blog), from the generator passed in, and is never shorter than the
server's Retry-After. The request's `timeout_s` bounds all tries and waits together: a wait that would not fit is not
begun.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from waggledance.core._errors import UsageError
from waggledance.models._errors import RateLimited, TimedOut
from waggledance.models._gate import Gate
from waggledance.models._model import Completion, Model, ModelError, Request, Streaming, sees

logger = logging.getLogger(__name__)


class Retrying:
    """A model that asks another one again after failures that may pass, and never too often at once.

    Args:
        model: who is asked.
        rng: where the jitter comes from.
        tries: how often to ask in all.
        base_s: the first wait is at most this long, each later one at most twice the one before.
        cap_s: no wait is drawn longer than this.
        concurrency: how many requests may be under way at once; the others wait.

    Raises:
        UsageError: `tries` or `concurrency` is below 1.
    """

    def __init__(
        self,
        model: Model,
        *,
        rng: Random,
        tries: int = 5,
        base_s: float = 0.5,
        cap_s: float = 20.0,
        concurrency: int | None = None,
    ) -> None:
        if tries < 1:
            raise UsageError(f"tries must be at least 1, got {tries}")
        if concurrency is not None and concurrency < 1:
            raise UsageError(f"concurrency must be at least 1, got {concurrency}")
        self.model, self.tries = model, tries
        self._rng, self._base_s, self._cap_s = rng, base_s, cap_s
        self._gate = None if concurrency is None else Gate(concurrency)

    @property
    def name(self) -> str:
        """The name of the model behind."""
        return self.model.name

    @property
    def sees(self) -> bool:
        """Whether the model behind can be shown pictures."""
        return sees(self.model)

    def __repr__(self) -> str:
        return f"Retrying({self.model!r}, tries={self.tries})"

    async def complete(self, request: Request) -> Completion:
        """Ask until there is an answer, an error that will not pass, or no time left."""
        return await self._in_time(request, self.model.complete)

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Do the same, and tell each piece of the text as it comes; once one was told, nothing is asked again."""
        model = self.model
        if not isinstance(model, Streaming):
            completion = await self.complete(request)
            hear(completion.text)
            return completion
        told = False

        def tell(piece: str) -> None:
            nonlocal told
            told = True
            hear(piece)

        async def once(asked: Request) -> Completion:
            try:
                return await model.stream(asked, tell)
            except ModelError as error:
                if told:
                    error.passing = False
                raise

        return await self._in_time(request, once)

    async def _in_time(self, request: Request, ask: Callable[[Request], Awaitable[Completion]]) -> Completion:
        deadline = asyncio.get_running_loop().time() + request.timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                if self._gate is None:
                    return await self._asked(request, deadline, ask)
                async with self._gate:
                    return await self._asked(request, deadline, ask)
        except TimeoutError:
            what = f"no answer within {request.timeout_s:g} s, waiting for other requests and retries included"
            raise TimedOut(self.name, what, "Allow more time with timeout_s, or ask fewer at once.") from None

    async def aclose(self) -> None:
        """Close the model behind."""
        await self.model.aclose()

    async def _asked(
        self, request: Request, deadline: float, ask: Callable[[Request], Awaitable[Completion]]
    ) -> Completion:
        loop = asyncio.get_running_loop()
        for attempt in range(self.tries):
            left_s = deadline - loop.time()
            try:
                return await ask(msgspec.structs.replace(request, timeout_s=max(left_s, 0.001)))
            except ModelError as error:
                wait_s = self._rng.uniform(0.0, min(self._cap_s, self._base_s * 2**attempt))
                if isinstance(error, RateLimited) and error.retry_after_s is not None:
                    wait_s = max(wait_s, error.retry_after_s)
                last = attempt == self.tries - 1
                if not error.passing or last or loop.time() + wait_s >= deadline:
                    raise
                logger.info("%s; asking again in %.1f s (try %d of %d)", error, wait_s, attempt + 2, self.tries)
            await asyncio.sleep(wait_s)
        raise AssertionError("the last try returns or raises")


def with_retries(model: Model, *, rng: Random, tries: int = 5, concurrency: int | None = None) -> Retrying:
    """`model`, asked up to `tries` times when it fails in a way that may pass."""
    return Retrying(model, rng=rng, tries=tries, concurrency=concurrency)
