"""What the studio's tests share: logs of real runs, and a real server on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from waggledance import Swarm
from waggledance.core import Decision, Log, Question
from waggledance.peers import FunctionPeer
from waggledance.protocols import AskProtocol, Debate
from waggledance.studio import Studio
from waggledance.studio._serve import app_of, open_port

Served = Callable[[Studio], AbstractContextManager[httpx.Client]]
Asked = Callable[..., Decision]


class _Switch:
    """An app that is whichever studio is served now: starting and stopping a server takes a third of a second."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def _server() -> Generator[tuple[_Switch, str]]:
    switch = _Switch()
    server = uvicorn.Server(uvicorn.Config(switch, log_config=None, access_log=False, lifespan="off", ws="none"))
    with open_port("127.0.0.1", 0) as opened:
        thread = threading.Thread(target=server.run, args=([opened],))
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.01)
        yield switch, f"http://127.0.0.1:{opened.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def served(_server: tuple[_Switch, str]) -> Served:
    """Return what serves a studio as long as the context is open, and gives a client of it."""
    switch, address = _server

    @contextmanager
    def served(studio: Studio) -> Generator[httpx.Client]:
        switch.app = app_of(studio)
        try:
            with httpx.Client(base_url=address, timeout=20) as client:
                yield client
        finally:
            studio.close()

    return served


def answer_of(i: int) -> Callable[[str], str]:
    """Return a peer that is wrong when it is the first."""
    return lambda _question: "5" if i == 0 else "4"


def _asked(
    path: Path, text: str = "2 + 2?", *, peers: int = 5, protocol: AskProtocol | None = None, expects: str = "number"
) -> Decision:
    with Log(path) as log:
        swarm = Swarm(
            [FunctionPeer(f"p{i}", answer_of(i)) for i in range(peers)], log=log, protocol=protocol or Debate()
        )
        return swarm.ask_sync(Question(text=text, expects=expects))  # type: ignore[arg-type]


@pytest.fixture
def asked() -> Asked:
    """Return what asks a swarm of five, the first of whom is wrong, and keeps what is said in a log."""
    return _asked


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of one question, debated by five peers."""
    path = tmp_path / "log.db"
    _asked(path)
    return path
