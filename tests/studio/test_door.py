"""The studio beside other doors: it shows the orders of its host while they are worked on."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from waggledance import Swarm
from waggledance.core import Log, Question, UsageError
from waggledance.gateways import Host, Hosted, Keys, Order, Server, app_of
from waggledance.models import Scripted
from waggledance.peers import Agent, FunctionPeer
from waggledance.protocols import Vote
from waggledance.studio import StudioDoor


@contextmanager
def serving(host: Host, door: StudioDoor, keys: Keys | None = None) -> Generator[tuple[httpx.Client, Server]]:
    server = Server(app_of(host, [door], keys=keys), host, port=0, drain_s=5)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://{server.address}", timeout=20) as client:
            while not server.started:
                thread.join(0.01)
            yield client, server
    finally:
        server.stop()
        thread.join()


def events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


def test_an_order_is_watched_live_with_the_words_of_its_peers(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        model = Scripted(["I think that it is 4."], delay_s=1.0)
        swarm = Swarm([Agent("bee", model)], log=log, protocol=Vote(samples=1))
        host = Host({"default": Hosted(swarm)}, log)
        door = StudioDoor(host)
        with serving(host, door) as (client, server):
            assert client.get("/studio/").status_code == 200
            asyncio.run_coroutine_threadsafe(started(host), loop_of(server)).result()
            name = channel_of(client)
            assert client.get(f"/studio/api/channels/{name}").json()["live"] is True
            with client.stream("GET", f"/studio/api/channels/{name}/live") as answer:
                seen = list(events(answer.iter_lines()))
    words = "".join(content["text"] for kind, content in seen if kind == "words")
    assert words == "I think that it is 4."
    assert [kind for kind, _ in seen if kind != "words"][-2:] == ["decision", "end"]
    first_word = next(i for i, (kind, _) in enumerate(seen) if kind == "words")
    said = next(i for i, (kind, content) in enumerate(seen) if kind == "message" and content["kind"] == "proposal/1")
    assert first_word < said


def loop_of(server: Server) -> asyncio.AbstractEventLoop:
    assert server._loop is not None
    return server._loop


async def started(host: Host) -> None:
    host.start(Order(swarm="default", question=Question(text="2 + 2?", expects="number")))


def channel_of(client: httpx.Client) -> str:
    """Return the name of the first channel, once there is one."""
    while True:
        channels = client.get("/studio/api/channels").json()["channels"]
        if channels:
            name: str = channels[0]["name"]
            return name


def test_where_callers_need_keys_the_studio_has_a_token_and_takes_no_key(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        host = Host({"default": Hosted(Swarm([FunctionPeer("p", lambda _: "4")], log=log))}, log)
        door = StudioDoor(host, locked=True)
        keys = Keys.of_text("ada secretsecretsecret", "here")
        with serving(host, door, keys) as (client, server):
            assert client.get("/metrics").status_code == 401
            assert client.get("/studio/api/channels").status_code == 401
            keyed = {"authorization": "Bearer secretsecretsecret"}
            assert client.get("/studio/api/channels", headers=keyed).status_code == 401
            assert client.get(door.address("127.0.0.1", server.port)).status_code == 303
            assert client.get("/studio/api/channels").status_code == 200
            assert client.get("/metrics").status_code == 401, "the studio's token opens no other door"


def test_a_server_that_stops_lets_its_viewers_go(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        model = Scripted(["4"], delay_s=0.5)
        host = Host({"default": Hosted(Swarm([Agent("bee", model)], log=log))}, log)
        with serving(host, StudioDoor(host)) as (client, server):
            asyncio.run_coroutine_threadsafe(started(host), loop_of(server)).result()
            with client.stream("GET", f"/studio/api/channels/{channel_of(client)}/live") as answer:
                lines = answer.iter_lines()
                assert next(lines) == "retry: 1000"
                server.stop()
                assert any(kind == "message" for kind, _ in events(lines)), "the order at work ends first"


def test_without_a_log_there_is_nothing_to_show() -> None:
    host = Host({"default": Hosted(Swarm([FunctionPeer("p", lambda _: "4")]))})
    with pytest.raises(UsageError, match="keeps none"):
        StudioDoor(host)
