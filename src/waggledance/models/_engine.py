"""One llama.cpp server for all agents of this process that use the same model file.

They share one copy of the weights, and `slots` conversations are decoded together (continuous batching). Three things
are ours:

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
from collections.abc import Callable, Generator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from waggledance.core._errors import UsageError
from waggledance.core._turn import Turn
from waggledance.models._errors import (
    Refused,
    ServerFailed,
)
from waggledance.models._llama_chat import Reply, body_of
from waggledance.models._model import Request
from waggledance.models._openmp import load as load_openmp
from waggledance.models._weights import broken

logger = logging.getLogger(__name__)

SLOTS = 8
"""Conversations at once. On two cores 8 together decode 1.8 times the tokens a second of one alone."""
CONTEXT_TOKENS = 4096
"""Tokens of one conversation, answer included. SmolLM2-135M holds 23 kB of state a token: 94 MB a slot."""
_BATCH_TOKENS = 512
_SHARED_CHARS = 400  # shared beginnings shorter than this (about 100 tokens) cost less to compute than to share
_TAIL_CHARS = 16  # of an exact repeat, at least so much is computed again: never a batch of one
_HEADS = 16  # saved beginnings to keep on disk, the least recently used goes first
_SPINS = "1000"  # turns of a waiting OpenMP thread before it sleeps; by default it spins for milliseconds
_SOCKET_PATH_BYTES = 100  # the kernel takes 108


@dataclass(frozen=True)
class Shape:
    """What makes two models able to share a server."""

    path: Path
    threads: int
    slots: int
    context_tokens: int
    adapters: tuple[Path, ...] = ()
    """LoRA adapters that are added to the weights, GGUF files."""

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
    saved: "Future[bool]" = field(default_factory=Future[bool])


@dataclass(eq=False)
class _Job:
    """One request on its way."""

    model: str
    request: Request
    flat: str
    hear: Callable[[str], None] | None = None
    """Takes pieces of the text as they come; called from the slot's thread."""
    head: _Head | None = None
    cancelled: bool = False
    done: "Future[Reply]" = field(default_factory=Future[Reply])


def _flat(request: Request) -> str:
    """A request in one string, so that a common beginning can be found; roles are marked off by control characters.

    Templates write tools first, so what differs in tools has no common beginning.
    """
    tools = f"\x04{request.tools!r}" if request.tools else ""
    return tools + "".join(f"\x02{turn.role}\x03{turn.text}{turn.calls or ''}" for turn in request.turns)


def _is_plain(request: Request) -> bool:
    """Say whether a request is turns of text alone, of which a beginning can be asked by itself."""
    return not (request.tools or any(turn.calls or turn.call for turn in request.turns))


def _on_this_loop(hear: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that any thread may call, which calls the given one on the running loop."""
    loop = asyncio.get_running_loop()

    def told(piece: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody listens any more
            loop.call_soon_threadsafe(hear, piece)

    return told


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


class Engine:
    """One llama.cpp server, its slots, and the threads that talk to it; safe to use from several event loops."""

    def __init__(self, model: str, shape: Shape) -> None:
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
                    raise broken(self._model, self.shape.path, self.shape.adapters) from error

    def _started(self) -> Any:
        xllamacpp = _xllamacpp()
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
        params.lora_adapters = [_adapter(xllamacpp, path) for path in self.shape.adapters]
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
        with self._lock:
            self._closing = True
            jobs = [*self._arrived, *self._waiting]
        for job in jobs:
            with contextlib.suppress(InvalidStateError):
                job.done.set_exception(
                    ServerFailed(job.model, "it was closed before its turn came", "Ask before closing.")
                )
        for thread in list(self._threads):
            thread.join()
        self._server = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def ask(self, model: str, request: Request, hear: Callable[[str], None] | None = None) -> Reply:
        """Answer one request on the first slot that comes free; `hear` takes pieces of its text, on this loop."""
        job = _Job(model, request, _flat(request), None if hear is None else _on_this_loop(hear))
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
        jobs = sorted((job for job in self._arrived if _is_plain(job.request)), key=lambda job: job.flat)
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
        reply = Reply(job.model)
        failure: Exception | None = None
        try:
            evaluated = self._bring_to_head(job, slot)
            self._chat(body_of(job.request, slot.number, cache=_reusable(slot.said, job.flat)), reply, job, job.hear)
            reply.evaluated += evaluated
            slot.said = job.flat + "\x02assistant\x03" + "".join(reply.text)
            failure = reply.error
        except Exception as error:  # noqa: BLE001  # it belongs to whoever waits for the job
            failure = error
        if failure is not None:
            slot.said = ""
        with self._lock:  # first the slot, then the answer, so that the next question finds the slot that knows most
            self._free.append(slot)
            self._threads.discard(threading.current_thread())
            self._seat_waiting()
        with contextlib.suppress(InvalidStateError):  # the one who asked has gone
            if failure is None:
                job.done.set_result(reply)
            else:
                job.done.set_exception(failure)

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
            reply = Reply(job.model)
            self._chat(body_of(prompt, slot.number, cache=_reusable(slot.said, head.text)), reply, job)
            slot.said = head.text
            saved = reply.error is None and not job.cancelled and self._slot_file(slot, "save", head.file)
            return reply.evaluated
        finally:
            if not saved:
                with self._lock:
                    self._heads.pop(head.text, None)
            head.saved.set_result(saved)

    def _chat(self, body: bytes, reply: Reply, job: _Job, hear: Callable[[str], None] | None = None) -> None:
        """Stream one answer into `reply`; returning True from the callback frees the slot."""

        def on_chunk(raw: bytes) -> bool:
            piece = reply.take(raw)
            if hear is not None and piece:
                hear(piece)
            return job.cancelled or self._leaving()

        try:
            self._server.handle_chat_completions(body, on_chunk)
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


# One server for each file and shape, for as long as anybody uses it.

_engines: dict[Shape, Engine] = {}
_engines_lock = threading.Lock()


def engine_for(model: str, shape: Shape) -> Engine:
    """The loaded server of that shape; each call needs one `let_go`."""
    with _engines_lock:
        engine = _engines.setdefault(shape, Engine(model, shape))
        engine.users += 1
    try:
        engine.load()
    except BaseException:
        let_go(engine)
        raise
    return engine


def let_go(engine: Engine) -> None:
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


def _xllamacpp() -> Any:
    """The library: heavy, and without types.

    Its OpenMP threads spin while they wait for each other, which on a busy machine starves the one they wait for: two
    busy processes beside it on two cores took it from 88 tokens a second to 2. Spinning less, it keeps 14. The variable
    is read when the library is loaded, and not left behind.
    """
    ours = "GOMP_SPINCOUNT" not in os.environ and "OMP_WAIT_POLICY" not in os.environ
    if ours:
        os.environ["GOMP_SPINCOUNT"] = _SPINS
    try:
        load_openmp()
        return import_module("xllamacpp")
    finally:
        if ours:
            del os.environ["GOMP_SPINCOUNT"]


def _adapter(xllamacpp: Any, path: Path) -> Any:
    """Return what llama.cpp is told of an adapter: its file, to be added as it is."""
    info: Any = xllamacpp.CommonAdapterLoraInfo()
    info.path, info.scale = str(path), 1.0
    return info


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
