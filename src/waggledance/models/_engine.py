"""One llama.cpp server for all agents of this process that use the same model file.

They share one copy of the weights, and `slots` conversations are decoded together (continuous batching). Three things
are ours:

- *Slots.* The server would pick a slot by itself; we pick it, so we know what each one has already computed and can
  hand a question to the slot that knows most of it.
- *Shared beginnings.* When questions that begin alike arrive together (a swarm's peers asked at once), their common
  beginning is computed once, its state is saved and put into the other slots: about 2 ms each instead of seconds.
  Questions of the same event-loop tick count as together.
- *Same question and seed, asked alone: same text.* What a slot remembers must not change the arithmetic. Started as
  `_llama_server` says, llama.cpp computes a token's state the same in any batch of two tokens or more, but not in a
  batch of one; so an exact repeat, of which only the last token would be left to compute, goes back to a shorter
  beginning or starts afresh. (One prompt in 512 may still end in a batch of one.)
- *One account a principal.* What was computed for one is used for no other, see `asked_for`: each begins afresh.
"""

import asyncio
import contextlib
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from waggledance.models._asked_for import ACCOUNT_CHARS, account
from waggledance.models._beginnings import WORTH_SHARING, answered, begin_alike, flat, is_plain, shared, turns_of
from waggledance.models._errors import Refused, ServerFailed
from waggledance.models._llama_chat import Reply, body_of
from waggledance.models._llama_server import LlamaServer, Shape
from waggledance.models._model import Request

SLOTS = 8
"""Conversations at once. On two cores 8 together decode 1.8 times the tokens a second of one alone."""
CONTEXT_TOKENS = 4096
"""Tokens of one conversation, answer included. SmolLM2-135M holds 23 kB of state a token: 94 MB a slot."""
_HEADS = 16  # saved beginnings to keep on disk, the least recently used goes first


@dataclass
class _Slot:
    """One conversation of the server; `said` is what it has computed, as `flat` writes it, behind the account."""

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


class Engine:
    """One llama.cpp server, its slots, and the threads that talk to it; safe to use from several event loops."""

    def __init__(self, model: str, shape: Shape) -> None:
        self.shape = shape
        self.users = 0
        self.loading = threading.Lock()
        self._model = model
        self._server: LlamaServer | None = None
        self._lock = threading.Lock()
        self._free = [_Slot(number) for number in range(shape.slots)]
        self._waiting: deque[_Job] = deque()
        self._arrived: list[_Job] = []
        self._heads: OrderedDict[str, _Head] = OrderedDict()
        self._threads: set[threading.Thread] = set()
        self._closing = False

    def load(self) -> None:
        """Start the server, once; blocks for as long as reading the weights takes."""
        with self.loading:
            if self._server is None:
                self._server = LlamaServer(self._model, self.shape)

    @property
    def _running(self) -> LlamaServer:
        assert self._server is not None, "an engine is loaded before it is asked"
        return self._server

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
        if self._server is not None:
            self._server.close()
            self._server = None

    async def ask(self, model: str, request: Request, hear: Callable[[str], None] | None = None) -> Reply:
        """Answer one request on the first slot that comes free; `hear` takes pieces of its text, on this loop."""
        job = _Job(model, request, account() + flat(request), None if hear is None else _on_this_loop(hear))
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
        jobs = [job for job in self._arrived if is_plain(job.request)]
        self._arrived.clear()
        for beginning, group in begin_alike([job.flat for job in jobs]):
            head = self._head(beginning, worth_saving=len(group) > 1)
            for index in group:
                jobs[index].head = head

    def _head(self, text: str, *, worth_saving: bool) -> _Head | None:
        """The saved beginning that covers most of `text`, or a new one if that leaves much to compute."""
        known = [head for head in self._heads.values() if text.startswith(head.text)]
        best = max(known, key=lambda head: len(head.text), default=None)
        if worth_saving and len(text) - (len(best.text) if best else 0) >= WORTH_SHARING:
            best = _Head(text, f"{secrets.token_hex(8)}.state")
            self._heads[text] = best
        if best is not None:
            self._heads.move_to_end(best.text)
        while len(self._heads) > _HEADS:
            _, old = self._heads.popitem(last=False)
            self._running.forget(old.file)
        return best

    def _seat_waiting(self) -> None:
        """Start as many waiting jobs as there are free slots; the lock is held."""
        while self._waiting and self._free and not self._closing:
            job = self._waiting.popleft()
            if job.cancelled:
                continue
            slot = max(self._free, key=lambda slot: shared(slot.said, job.flat))
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
            slot.said = answered(job.flat, "".join(reply.text))
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
        knows = shared(slot.said, job.flat)
        if head.saved.done() and head.saved.result() and (knows < len(head.text) or slot.said.startswith(job.flat)):
            slot.said = head.text if self._running.restore(slot.number, head.file) else ""
        return 0

    def _save_head(self, job: _Job, slot: _Slot, head: _Head) -> int:
        """Compute a shared beginning on this slot and save its state for the others."""
        saved = False
        try:
            turns = turns_of(job.request.turns, len(head.text) - ACCOUNT_CHARS)
            prompt = Request(turns=turns, max_tokens=1, temperature=0.0)
            reply = Reply(job.model)
            self._chat(body_of(prompt, slot.number, cache=_reusable(slot.said, head.text)), reply, job)
            slot.said = head.text
            saved = reply.error is None and not job.cancelled and self._running.save(slot.number, head.file)
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
            self._running.chat(body, on_chunk)
        except ValueError as error:
            reply.error = Refused(job.model, f"llama.cpp refused the request ({error})", "Check its turns and stops.")
        if reply.error is None and not reply.finish:
            reply.error = ServerFailed(job.model, "llama.cpp stopped inside the answer", "Ask again.")

    def _leaving(self) -> bool:
        """Whether this server or the whole process is on its way out."""
        return self._closing or not threading.main_thread().is_alive()


def _on_this_loop(hear: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that any thread may call, which calls the given one on the running loop."""
    loop = asyncio.get_running_loop()

    def told(piece: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody listens any more
            loop.call_soon_threadsafe(hear, piece)

    return told


def _reusable(said: str, wanted: str) -> bool:
    """Whether what a slot has computed may serve `wanted`: it was for the same principal, and enough is left to do."""
    return said[:ACCOUNT_CHARS] == wanted[:ACCOUNT_CHARS] and not said.startswith(wanted)
