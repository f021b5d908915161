"""llama.cpp's server in this process: started, asked, and made to save and restore what its slots have computed.

With one memory per slot and without flash attention, llama.cpp computes a token's state the same in any batch of two
tokens or more, whatever the other slots do.
"""

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
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from waggledance.core._errors import UsageError
from waggledance.models._openmp import load as load_openmp
from waggledance.models._weights import broken

logger = logging.getLogger(__name__)

_BATCH_TOKENS = 512
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


class LlamaServer:
    """A running server with a folder for the states of its slots; starting it blocks until the weights are read.

    Raises:
        WeightsBroken: llama.cpp cannot load the file or one of its adapters.
    """

    def __init__(self, model: str, shape: Shape) -> None:
        xllamacpp = _xllamacpp()
        params = _params(xllamacpp, shape)
        self._secret = secrets.token_hex(16)
        self._folder = tempfile.mkdtemp(prefix="waggledance-")
        self._open_way_in(params)
        try:
            with _signal_handlers_kept():
                self._server: Any = xllamacpp.Server(params)
        except RuntimeError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise broken(model, shape.path, shape.adapters) from error

    def _open_way_in(self, params: Any) -> None:
        """Say where it listens; it insists: a socket in a folder of our own, else a loopback port; with a key."""
        params.slot_save_path = self._folder + os.sep
        params.api_keys = [self._secret]
        params.n_threads_http = 1
        params.ui = False
        socket_path = str(Path(self._folder, "s.sock"))
        if hasattr(socket, "AF_UNIX") and len(os.fsencode(socket_path)) < _SOCKET_PATH_BYTES:
            params.hostnames = [socket_path]
        params.port = 0

    def chat(self, body: bytes, on_chunk: Callable[[bytes], bool]) -> None:
        """Answer one request piece by piece, until `on_chunk` returns True; blocks meanwhile.

        Raises:
            ValueError: llama.cpp refuses the request.
        """
        self._server.handle_chat_completions(body, on_chunk)

    def save(self, slot: int, file: str) -> bool:
        """Save what a slot has computed in a file of that name; False when that did not work."""
        return self._slot_file(slot, "save", file)

    def restore(self, slot: int, file: str) -> bool:
        """Put a saved state into a slot; False when that did not work."""
        return self._slot_file(slot, "restore", file)

    def _slot_file(self, slot: int, action: str, file: str) -> bool:
        headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
        connection = _connect(self._server.listening_address)
        try:
            connection.request("POST", f"/slots/{slot}?action={action}", json.dumps({"filename": file}), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            logger.debug("cannot %s slot %d: %s", action, slot, error)
            return False
        finally:
            connection.close()
        return answer.status == http.HTTPStatus.OK

    def forget(self, file: str) -> None:
        """Delete a saved state, if it is there."""
        Path(self._folder, file).unlink(missing_ok=True)

    def close(self) -> None:
        """Free the weights and delete every saved state."""
        self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _params(xllamacpp: Any, shape: Shape) -> Any:
    params: Any = xllamacpp.CommonParams()
    params.model.path = str(shape.path)
    params.n_parallel = shape.slots
    params.n_ctx = shape.slots * shape.context_tokens
    params.n_batch = max(_BATCH_TOKENS, 2048)
    params.n_ubatch = _BATCH_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = shape.threads
    params.kv_unified = False
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_idle_slots = False
    params.cache_ram_mib = 0
    params.ctx_shift = False
    params.verbosity = -1
    params.lora_adapters = [_adapter(xllamacpp, path) for path in shape.adapters]
    return params


def _adapter(xllamacpp: Any, path: Path) -> Any:
    """Return what llama.cpp is told of an adapter: its file, to be added as it is."""
    info: Any = xllamacpp.CommonAdapterLoraInfo()
    info.path, info.scale = str(path), 1.0
    return info


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
