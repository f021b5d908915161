"""Language models in this process: llama.cpp through xllamacpp, from any GGUF file or from the catalogue."""

import asyncio
import os
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from waggledance.models._catalogue import DEFAULT, cache_folder, weights_named, whole
from waggledance.models._engine import CONTEXT_TOKENS, SLOTS, Engine
from waggledance.models._engines import engine_for, let_go
from waggledance.models._errors import TimedOut, WeightsBroken, WeightsMissing
from waggledance.models._llama_chat import completion_of
from waggledance.models._llama_server import Shape
from waggledance.models._model import Completion, Request, check_sight
from waggledance.models._openmp import check_openmp
from waggledance.models._weights import check_file


def _cores() -> int:
    """Return how many cores this process may use: threads that share one wait for each other by spinning."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


class Gguf:
    """A model from a GGUF file, shared with everyone in this process who uses the same file.

    Args:
        path: the file.
        threads: CPU threads to compute with; default: all cores that this process may use.
        slots: how many conversations at once.
        context_tokens: the longest conversation, answer included.

    Raises:
        WeightsMissing: there is no such file, or no OpenMP library to run it with.
        WeightsBroken: it is not a GGUF file.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        threads: int | None = None,
        slots: int = SLOTS,
        context_tokens: int = CONTEXT_TOKENS,
        name: str | None = None,
    ) -> None:
        self.path = Path(path).expanduser()
        self.name = name or f"gguf:{self.path.name}"
        self._shape = Shape(self.path.resolve(), threads or _cores(), slots, context_tokens)
        self._engine: Engine | None = None
        check_file(self.name, self.path)
        check_openmp(self.name)

    def adapted(self, adapters: Sequence[Path]) -> "Gguf":
        """Return the same model with LoRA adapters added to its weights; this one stays as it is.

        It reads the weights again, so while both are loaded they take the memory of two. It is this caller's to close.

        Args:
            adapters: GGUF files, made for this very model; as it was without any.

        Raises:
            WeightsMissing: there is no such file.
            WeightsBroken: it is no GGUF file. Whether it fits this model shows when it is loaded, at the first request.
        """
        for adapter in adapters:
            check_file(self.name, adapter)
        other = copy(self)
        other._engine = None  # noqa: SLF001  # of our own kind
        other._shape = replace(self._shape, adapters=tuple(path.resolve() for path in adapters))  # noqa: SLF001
        return other

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, slots={self._shape.slots})"

    @property
    def slots(self) -> int:
        """How many conversations it holds at once."""
        return self._shape.slots

    async def complete(self, request: Request) -> Completion:
        """Answer one request; loads the model when nobody in the process has."""
        return await self._answered(request, None)

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Answer one request, and tell each piece of the text as it is computed."""
        return await self._answered(request, hear)

    async def _answered(self, request: Request, hear: Callable[[str], None] | None) -> Completion:
        check_sight(self, request)
        started = perf_counter()
        try:
            async with asyncio.timeout(request.timeout_s):
                reply = await (await self._loaded()).ask(self.name, request, hear)
        except TimeoutError:
            what = f"no answer within {request.timeout_s:g} s, waiting for a free slot included"
            raise TimedOut(
                self.name,
                what,
                "Allow more time with timeout_s (--patience), or fewer tokens with max_tokens (--max-tokens).",
            ) from None
        return completion_of(reply, request, perf_counter() - started)

    async def _loaded(self) -> Engine:
        """The server, started by whoever asks first."""
        if self._engine is None:
            starting = asyncio.get_running_loop().run_in_executor(None, engine_for, self.name, self._shape)
            try:
                engine = await asyncio.shield(starting)
            except asyncio.CancelledError:
                starting.add_done_callback(_let_go_of_started)
                raise
            if self._engine is None:
                self._engine = engine
            else:
                let_go(engine)
        return self._engine

    async def aclose(self) -> None:
        """Let go of the server; the last to do so frees it."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(let_go, engine)


class Embedded(Gguf):
    """A model of the catalogue, from the cache folder; see `waggledance.models.get`.

    Raises:
        UnknownName: the catalogue has no such name.
        WeightsMissing: its file has not been fetched.
        WeightsBroken: its file has another size than the catalogue says.
    """

    def __init__(
        self,
        name: str = DEFAULT,
        *,
        threads: int | None = None,
        slots: int = SLOTS,
        context_tokens: int = CONTEXT_TOKENS,
    ) -> None:
        weights = weights_named(name)
        path = cache_folder() / weights.file
        if path.is_file() and whole(weights) is None:
            what = f"{path} has {path.stat().st_size:,} bytes, not {weights.size_bytes:,}"
            raise WeightsBroken(f"embedded:{name}", what, f"Delete it and run `waggle models get {name}`.")
        if not path.is_file():
            what = f"its weights ({weights.size_bytes / 1e6:,.0f} MB) are not on this machine"
            raise WeightsMissing(f"embedded:{name}", what, f"Run `waggle models get {name}`.")
        context_tokens = min(context_tokens, weights.context_tokens)
        super().__init__(path, threads=threads, slots=slots, context_tokens=context_tokens, name=f"embedded:{name}")


def _let_go_of_started(starting: "asyncio.Future[Engine]") -> None:
    """Let go of a server whose asker has gone."""
    if not starting.cancelled() and starting.exception() is None:
        let_go(starting.result())
