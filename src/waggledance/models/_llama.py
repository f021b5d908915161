"""Language models in this process: llama.cpp through xllamacpp.

All agents that use the same file share one server: one copy of the weights, `slots` conversations decoded together
(continuous batching). Three things are ours:

- *Slots.* The server would pick a slot by itself; we pick it, so we know what each one has already computed and can
  hand a question to the slot that knows most of it.
- *Shared beginnings.* When questions that begin alike arrive together (a swarm's peers asked at once), their common
  beginning is computed once, its state is saved and put into the other slots: about 2 ms each instead of seconds.
  Questions of the same event-loop tick count as together.
- *Same question and seed, asked alone: same text.* What a slot remembers must not change the arithmetic. With one
  memory per slot and without flash attention, llama.cpp computes a token's state the same in any batch of two tokens
  or more, but not in a batch of one; so an exact repeat, of which only the last token would be left to compute, goes
  back to a shorter beginning or starts afresh. (One prompt in 512 may still end in a batch of one.)
"""

import asyncio
import atexit
import contextlib
import ctypes
import http.client
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from waggledance.core._errors import UsageError
from waggledance.models._catalogue import CATALOGUE, DEFAULT, cache_folder, path_of, weights_named
from waggledance.models._errors import (
    PromptTooLong,
    Refused,
    ServerFailed,
    TimedOut,
    WeightsBroken,
    WeightsMissing,
)
from waggledance.models._get import sha256_of
from waggledance.models._model import Completion, ModelError, Request, Turn

logger = logging.getLogger(__name__)

SLOTS = 8
"""Conversations at once. On two cores 8 together make 1.8 times the tokens of one alone, 16 no more than 8."""
CONTEXT_TOKENS = 4096
"""Tokens of one conversation, answer included. SmolLM2-135M holds 23 kB of state a token: 94 MB a slot."""
_BATCH_TOKENS = 512
_SHARED_CHARS = 400  # shared beginnings shorter than this (about 100 tokens) cost less to compute than to share
_TAIL_CHARS = 16  # of an exact repeat, at least so much is computed again: never a batch of one
_HEADS = 16  # saved beginnings to keep on disk, the least recently used goes first
_RANDOM_SEED = 2**32 - 1  # llama.cpp draws a random seed for this one
_TOP_K, _TOP_P, _MIN_P = 40, 0.95, 0.05  # llama.cpp's own defaults, said aloud so that they stay
_SOCKET_PATH_BYTES = 100  # the kernel takes 108


class Gguf:
    """A model from a GGUF file, shared with everyone in this process who uses the same file.

    Args:
        path: the file.
        threads: CPU threads to compute with; default: all cores.
        slots: how many conversations at once.
        context_tokens: the longest conversation, answer included.

    Raises:
        WeightsMissing: there is no such file.
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
        self._shape = _Shape(self.path.resolve(), threads or os.cpu_count() or 1, slots, context_tokens)
        self._engine: _Engine | None = None
        _check_file(self.name, self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, slots={self._shape.slots})"

    async def complete(self, request: Request) -> Completion:
        """Answer one request; loads the model when nobody in the process has."""
        started = perf_counter()
        try:
            async with asyncio.timeout(request.timeout_s):
                if self._engine is None:
                    engine = await asyncio.to_thread(_engine_for, self.name, self._shape)
                    if self._engine is None:
                        self._engine = engine
                    else:
                        _let_go(engine)
                reply = await self._engine.ask(self.name, request)
        except TimeoutError:
            what = f"no answer within {request.timeout_s:g} s, waiting for a free slot included"
            raise TimedOut(
                self.name, what, "Allow more time with timeout_s, or fewer tokens with max_tokens."
            ) from None
        return _completion(reply, request, perf_counter() - started)

    async def aclose(self) -> None:
        """Let go of the server; the last to do so frees it."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(_let_go, engine)


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
        if path.is_file() and path_of(name) is None:
            what = f"{path} has {path.stat().st_size:,} bytes, not {weights.size_bytes:,}"
            raise WeightsBroken(f"embedded:{name}", what, f"Delete it and run `waggle models get {name}`.")
        if not path.is_file():
            what = f"its weights ({weights.size_bytes / 1e6:,.0f} MB) are not on this machine"
            raise WeightsMissing(f"embedded:{name}", what, f"Run `waggle models get {name}`.")
        context_tokens = min(context_tokens, weights.context_tokens)
        super().__init__(path, threads=threads, slots=slots, context_tokens=context_tokens, name=f"embedded:{name}")


# What a server has computed, and how a request finds its slot.


@dataclass(frozen=True)
class _Shape:
    """What makes two models able to share a server."""

    path: Path
    threads: int
    slots: int
    context_tokens: int

    def __post_init__(self) -> None:
        if self.threads < 1 or self.slots < 1 or self.context_tokens < 1:
            raise UsageError(
                f"threads, slots and context_tokens must be at least 1, got {self.threads}, {self.slots} and "
                f"{self.context_tokens}"
            )


@dataclass
class _Slot:
    """One conversation of the server; `said` is what it has computed, as `_flat` writes it."""

    number: int
    said: str = ""


@dataclass
class _Head:
    """A beginning that several questions share, and the file its state is saved in, once it is."""

    text: str
    file: str
    owner: "_Job | None" = None
    saved: "Future[bool]" = field(default_factory=Future)


@dataclass
class _Reply:
    """What the server said to one request, as it comes in."""

    text: list[str] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    evaluated: int = 0
    error: ModelError | None = None


@dataclass(eq=False)
class _Job:
    """One request on its way."""

    model: str
    request: Request
    flat: str
    head: _Head | None = None
    cancelled: bool = False
    done: "Future[_Reply]" = field(default_factory=Future)


def _flat(turns: tuple[Turn, ...]) -> str:
    """The turns in one string, so that a common beginning can be found; roles are marked off by control characters."""
    return "".join(f"\x02{turn.role}\x03{turn.text}" for turn in turns)


def _beginning(turns: tuple[Turn, ...], length: int) -> tuple[Turn, ...]:
    """The turns whose `_flat` is about the first `length` characters of that of `turns`."""
    kept: list[Turn] = []
    for turn in turns:
        room = length - len(turn.role) - 2
        if room <= 0:
            break
        kept.append(Turn(turn.role, turn.text[:room]))
        length = room - len(turn.text)
    return tuple(kept)


def _shared(first: str, second: str) -> int:
    """How many characters two strings begin with alike."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _reusable(said: str, wanted: str) -> bool:
    """Whether what a slot has computed may serve `wanted`: we know what it is, and enough is left to compute."""
    return said != "" and not said.startswith(wanted)


class _Engine:
    """One llama.cpp server, its slots, and the threads that talk to it; safe to use from several event loops."""

    def __init__(self, model: str, shape: _Shape) -> None:
        self.shape = shape
        self.users = 0
        self.loading = threading.Lock()
        self._model = model
        self._server: Any = None
        self._lock = threading.Lock()
        self._free = [_Slot(number) for number in range(shape.slots)]
        self._waiting: deque[_Job] = deque()
        self._arrived: list[_Job] = []
        self._heads: OrderedDict[str, _Head] = OrderedDict()
        self._folder = ""
        self._secret = secrets.token_hex(16)
        self._threads: set[threading.Thread] = set()
        self._closing = False

    def load(self) -> None:
        """Start the server, once; blocks for as long as reading the weights takes."""
        with self.loading:
            if self._server is None:
                self._folder = tempfile.mkdtemp(prefix="waggledance-")
                try:
                    self._server = self._started()
                except RuntimeError as error:
                    shutil.rmtree(self._folder, ignore_errors=True)
                    raise _broken(self._model, self.shape.path) from error

    def _started(self) -> Any:
        import xllamacpp

        params: Any = xllamacpp.CommonParams()
        params.model.path = str(self.shape.path)
        params.n_parallel = self.shape.slots
        params.n_ctx = self.shape.slots * self.shape.context_tokens
        params.n_batch = max(_BATCH_TOKENS, 2048)
        params.n_ubatch = _BATCH_TOKENS
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self.shape.threads
        params.kv_unified = False
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.cache_idle_slots = False
        params.cache_ram_mib = 0
        params.ctx_shift = False
        params.verbosity = -1
        # llama.cpp insists on a way in from outside: a socket in a folder of our own, else a loopback port; with a key.
        params.slot_save_path = self._folder + os.sep
        params.api_keys = [self._secret]
        params.n_threads_http = 1
        params.ui = False
        socket_path = str(Path(self._folder, "s.sock"))
        if hasattr(socket, "AF_UNIX") and len(os.fsencode(socket_path)) < _SOCKET_PATH_BYTES:
            params.hostnames = [socket_path]
        params.port = 0
        with _signal_handlers_kept():
            return xllamacpp.Server(params)

    def close(self) -> None:
        """Stop what is under way, then free the weights."""
        self._closing = True
        for thread in list(self._threads):
            thread.join()
        self._server = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def ask(self, model: str, request: Request) -> _Reply:
        """Answer one request on the first slot that comes free."""
        job = _Job(model, request, _flat(request.turns))
        with self._lock:
            self._arrived.append(job)
        await asyncio.sleep(0)  # let those who ask in the same tick arrive
        with self._lock:
            self._find_heads()
            self._seat_waiting()
        try:
            return await asyncio.wrap_future(job.done)
        except asyncio.CancelledError:
            job.cancelled = True
            with self._lock, contextlib.suppress(ValueError):
                self._waiting.remove(job)
            raise

    def _find_heads(self) -> None:
        """Give those who just arrived and begin alike a beginning to share; the lock is held."""
        self._waiting.extend(self._arrived)
        jobs = sorted(self._arrived, key=lambda job: job.flat)
        self._arrived.clear()
        while jobs:
            common, group = jobs[0].flat, [jobs[0]]
            for job in jobs[1:]:
                length = _shared(common, job.flat)
                if length < max(_SHARED_CHARS, len(common) // 2 if len(group) > 1 else 0):
                    break
                common, group = common[:length], [*group, job]
            jobs = jobs[len(group) :]
            shortest = min(len(job.flat) for job in group)
            head = self._head(common[: shortest - _TAIL_CHARS], worth_saving=len(group) > 1)
            for job in group:
                job.head = head

    def _head(self, text: str, *, worth_saving: bool) -> _Head | None:
        """The saved beginning that covers most of `text`, or a new one if that leaves much to compute."""
        known = [head for head in self._heads.values() if text.startswith(head.text)]
        best = max(known, key=lambda head: len(head.text), default=None)
        if worth_saving and len(text) - (len(best.text) if best else 0) >= _SHARED_CHARS:
            best = _Head(text, f"{secrets.token_hex(8)}.state")
            self._heads[text] = best
        if best is not None:
            self._heads.move_to_end(best.text)
        while len(self._heads) > _HEADS:
            _, old = self._heads.popitem(last=False)
            Path(self._folder, old.file).unlink(missing_ok=True)
        return best

    def _seat_waiting(self) -> None:
        """Start as many waiting jobs as there are free slots; the lock is held."""
        while self._waiting and self._free and not self._closing:
            job = self._waiting.popleft()
            if job.cancelled:
                continue
            slot = max(self._free, key=lambda slot: _shared(slot.said, job.flat))
            self._free.remove(slot)
            thread = threading.Thread(target=self._work, args=(job, slot), name=f"waggledance slot {slot.number}")
            self._threads.add(thread)
            thread.start()

    def _work(self, job: _Job, slot: _Slot) -> None:
        """Answer one job on one slot; runs in a thread of its own."""
        reply = _Reply()
        try:
            evaluated = self._bring_to_head(job, slot)
            self._chat(_body(job.request, slot.number, cache=_reusable(slot.said, job.flat)), reply, job)
            reply.evaluated += evaluated
            slot.said = job.flat + "\x02assistant\x03" + "".join(reply.text)
        except Exception as error:  # noqa: BLE001  # it belongs to whoever waits for the job
            slot.said = ""
            with contextlib.suppress(InvalidStateError):  # the one who asked has gone
                job.done.set_exception(error)
        else:
            if reply.error is not None:
                slot.said = ""
            with contextlib.suppress(InvalidStateError):
                if reply.error is None:
                    job.done.set_result(reply)
                else:
                    job.done.set_exception(reply.error)
        finally:
            with self._lock:
                self._free.append(slot)
                self._threads.discard(threading.current_thread())
                self._seat_waiting()

    def _bring_to_head(self, job: _Job, slot: _Slot) -> int:
        """Bring a slot to the beginning the job shares with others; returns how many tokens that computed."""
        head = job.head
        if head is None:
            return 0
        with self._lock:
            if head.owner is None:
                head.owner = job
        if head.owner is job and not head.saved.done():
            return self._save_head(job, slot, head)
        while not head.saved.done() and not (job.cancelled or self._leaving()):
            with contextlib.suppress(TimeoutError):
                head.saved.result(timeout=0.5)
        knows = _shared(slot.said, job.flat)
        if head.saved.done() and head.saved.result() and (knows < len(head.text) or slot.said.startswith(job.flat)):
            slot.said = head.text if self._slot_file(slot, "restore", head.file) else ""
        return 0

    def _save_head(self, job: _Job, slot: _Slot, head: _Head) -> int:
        """Compute a shared beginning on this slot and save its state for the others."""
        saved = False
        try:
            turns = _beginning(job.request.turns, len(head.text))
            prompt = Request(turns=turns, max_tokens=1, temperature=0.0)
            reply = _Reply()
            self._chat(_body(prompt, slot.number, cache=_reusable(slot.said, head.text)), reply, job)
            slot.said = head.text
            saved = reply.error is None and not job.cancelled and self._slot_file(slot, "save", head.file)
            return reply.evaluated
        finally:
            if not saved:
                with self._lock:
                    self._heads.pop(head.text, None)
            head.saved.set_result(saved)

    def _chat(self, body: dict[str, Any], reply: _Reply, job: _Job) -> None:
        """Stream one answer into `reply`; returning True from the callback frees the slot."""

        def on_chunk(raw: bytes) -> bool:
            _take(json.loads(raw), reply, job)
            return job.cancelled or self._leaving()

        try:
            self._server.handle_chat_completions(json.dumps(body).encode(), on_chunk)
        except ValueError as error:
            reply.error = Refused(job.model, f"llama.cpp refused the request ({error})", "Check its turns and stops.")
        if reply.error is None and not reply.finish:
            reply.error = ServerFailed(job.model, "llama.cpp stopped inside the answer", "Ask again.")

    def _leaving(self) -> bool:
        """Whether this server or the whole process is on its way out."""
        return self._closing or not threading.main_thread().is_alive()

    def _slot_file(self, slot: _Slot, action: str, file: str) -> bool:
        """Save a slot's state to a file or restore it from there; False when that did not work."""
        headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
        connection = _connect(self._server.listening_address)
        try:
            connection.request("POST", f"/slots/{slot.number}?action={action}", json.dumps({"filename": file}), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            logger.debug("cannot %s slot %d: %s", action, slot.number, error)
            return False
        finally:
            connection.close()
        return answer.status == http.HTTPStatus.OK


def _connect(address: str) -> http.client.HTTPConnection:
    """A connection to our own server, at ``unix://PATH`` or ``http://HOST:PORT``."""
    scheme, _, place = address.partition("://")
    if scheme != "unix":
        return http.client.HTTPConnection(place, timeout=60)
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(60)
    connection.sock.connect(place)
    return connection


def _body(request: Request, slot: int, *, cache: bool) -> dict[str, Any]:
    """The request as llama.cpp's chat endpoint takes it."""
    body: dict[str, Any] = {
        "messages": [{"role": turn.role, "content": turn.text} for turn in request.turns],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % _RANDOM_SEED,
        "top_k": _TOP_K,
        "top_p": _TOP_P,
        "min_p": _MIN_P,
        "stop": list(request.stop),
        "id_slot": slot,
        "cache_prompt": cache,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
    }
    if request.logprobs:
        body |= {"logprobs": True, "top_logprobs": 1}
    return body


def _take(chunk: Mapping[str, Any], reply: _Reply, job: _Job) -> None:
    """Add one streamed chunk to the reply."""
    if error := chunk.get("error"):
        reply.error = _refusal(job.model, error)
        return
    for choice in chunk.get("choices", ()):
        delta = choice.get("delta", {})
        reply.text.append(delta.get("content") or "")
        reply.logprobs.extend(token["logprob"] for token in (choice.get("logprobs") or {}).get("content") or ())
        reply.finish = choice.get("finish_reason") or reply.finish
    reply.usage = chunk.get("usage") or reply.usage
    reply.evaluated = (chunk.get("timings") or {}).get("prompt_n", reply.evaluated)


def _refusal(model: str, error: Mapping[str, Any]) -> ModelError:
    """The error for what llama.cpp said."""
    if error.get("type") == "exceed_context_size_error":
        what = f"the conversation has {error.get('n_prompt_tokens')} tokens, the context holds {error.get('n_ctx')}"
        return PromptTooLong(model, what, "Shorten it, or load the model with more context_tokens.")
    if error.get("code", 500) < 500:
        return Refused(model, f"llama.cpp refused the request ({error.get('message')})", "Check its turns and stops.")
    return ServerFailed(model, f"llama.cpp failed ({error.get('message')})", "Ask again; if it stays so, report it.")


def _completion(reply: _Reply, request: Request, seconds: float) -> Completion:
    """The completion that a finished reply amounts to."""
    return Completion(
        text="".join(reply.text),
        prompt_tokens=reply.usage.get("prompt_tokens", 0),
        completion_tokens=reply.usage.get("completion_tokens", 0),
        finish="length" if reply.finish == "length" else "stop",
        seconds=seconds,
        evaluated_prompt_tokens=reply.evaluated,
        logprobs=tuple(reply.logprobs) if request.logprobs else None,
    )


# One server for each file and shape, for as long as anybody uses it.

_engines: dict[_Shape, _Engine] = {}
_engines_lock = threading.Lock()


def _engine_for(model: str, shape: _Shape) -> _Engine:
    """The loaded server of that shape; each call needs one `_let_go`."""
    with _engines_lock:
        engine = _engines.setdefault(shape, _Engine(model, shape))
        engine.users += 1
    try:
        engine.load()
    except BaseException:
        _let_go(engine)
        raise
    return engine


def _let_go(engine: _Engine) -> None:
    """Close the server when nobody else uses it."""
    with _engines_lock:
        engine.users -= 1
        last = engine.users == 0
        if last:
            _engines.pop(engine.shape, None)
    if last:
        engine.close()


@atexit.register
def _close_all() -> None:
    """Free the servers nobody closed before the interpreter goes."""
    while _engines:
        _engines.popitem()[1].close()


def _check_file(model: str, path: Path) -> None:
    """Raise unless there is a file that begins as GGUF files do."""
    if not path.is_file():
        raise WeightsMissing(model, f"there is no file {path}", "Check the path, or use `waggle models get NAME`.")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise _broken(model, path)


def _broken(model: str, path: Path) -> WeightsBroken:
    """The error for a file that is no model, compared with the catalogue's entry if it is one of it."""
    for weights in CATALOGUE.values():
        if path.name == weights.file:
            size, digest = path.stat().st_size, sha256_of(path)
            if digest == weights.sha256:
                what = f"llama.cpp cannot load {path}, though its SHA-256 is right"
                return WeightsBroken(model, what, "See that there is enough memory free.")
            what = (
                f"{path} is broken: {size:,} bytes with SHA-256 {digest[:12]}…, "
                f"not {weights.size_bytes:,} with {weights.sha256[:12]}…"
            )
            return WeightsBroken(model, what, f"Delete it and run `waggle models get {weights.name}`.")
    what = f"llama.cpp cannot load {path} ({path.stat().st_size:,} bytes)"
    return WeightsBroken(model, what, "See that it is a whole GGUF file of a language model and fits into memory.")


@contextmanager
def _signal_handlers_kept() -> Generator[None]:
    """Keep the process's SIGINT and SIGTERM handlers, which llama.cpp's server replaces by its own.

    Through libc, because this runs in a worker thread, where Python's `signal.signal` is not allowed.
    """
    if sys.platform == "win32":
        yield
        return
    libc = ctypes.CDLL(None)
    kept = {number: ctypes.create_string_buffer(1024) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, buffer in kept.items():
        libc.sigaction(int(number), None, buffer)
    try:
        yield
    finally:
        for number, buffer in kept.items():
            libc.sigaction(int(number), buffer, None)
