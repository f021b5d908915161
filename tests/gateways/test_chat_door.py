"""Real WebSocket clients at a real server: one order for all, coming back, floods, floods of bytes, false names."""

from __future__ import annotations

import asyncio
import json
import logging
import socket as sockets
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from waggledance import Swarm
from waggledance.core import BlobRef, Log, Meta, Part
from waggledance.gateways._chat_client import ChatClient, NoRoom, chat_client
from waggledance.gateways._chat_door import ChatGateway
from waggledance.gateways._chat_frames import MAX_FRAME_BYTES, FromRoom, Here, Refused, Said
from waggledance.gateways._chat_room import TURNS_A_MINUTE, Room
from waggledance.gateways._chat_speaker import Speaker
from waggledance.gateways._host import Host
from waggledance.gateways._hosted import Hosted
from waggledance.gateways._keys import Keys
from waggledance.gateways._serving import app_of
from waggledance.mesh import Blobs
from waggledance.models import Scripted
from waggledance.peers import Agent
from waggledance.protocols import ByRules, Gates, Vote

KEY = "a-key-of-twenty-letters"


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("websockets").setLevel(logging.CRITICAL)


@asynccontextmanager
async def serving(folder: Path, keys: Keys | None = None, log: Log | None = None) -> AsyncGenerator[str]:
    """Serve a room with one swarm; give its address without the scheme."""
    model = Scripted("All but nine.\nAnswer: 9")
    host = Host({"default": Hosted(Swarm([Agent("p", model)], protocol=Vote(), log=log))}, log)
    room = Room("lobby", ["swarm"], log)
    speaker = Speaker(room, "swarm", host, "default", Gates((ByRules("swarm"),)), Random(0))
    door = ChatGateway({"lobby": room}, [speaker], Blobs(folder / "blobs"))
    listening = sockets.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app_of(host, [door], keys=keys), log_level="critical", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


def room_at(address: str) -> str:
    return f"ws://{address}/chat/lobby"


async def until(client: ChatClient, wanted: Callable[[FromRoom], bool]) -> list[FromRoom]:
    """Return what is heard up to the first frame that is wanted."""
    heard: list[FromRoom] = []
    async with asyncio.timeout(20):
        async for frame in client.heard():
            heard.append(frame)
            if wanted(frame):
                return heard
    raise AssertionError(f"the room ended it after {heard}")


def turn(n: int) -> Callable[[FromRoom], bool]:
    return lambda frame: isinstance(frame, Said) and frame.n == n


async def test_all_hear_all_turns_in_one_order_and_the_swarm_answers_when_called(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(chat_client(room_at(address), f"guest {c}")) for c in "abcde"]
        await asyncio.gather(*(client.say(f"{client.welcome.name} {i}") for i in range(4) for client in clients))
        heard = await asyncio.gather(*(until(client, turn(20)) for client in clients))
        orders = [[(f.n, f.id, f.name, f.text) for f in frames if isinstance(f, Said)] for frames in heard]
        assert all(order == orders[0] for order in orders)
        assert [n for n, *_ in orders[0]] == list(range(1, 21))
        for client in clients:
            own = [text for *_, name, text in orders[0] if name == client.welcome.name]
            assert own == [f"{client.welcome.name} {i}" for i in range(4)]
        await clients[0].say("@swarm how many sheep are left?")
        answered = await until(clients[1], lambda frame: isinstance(frame, Said) and frame.name == "swarm")
        said = answered[-1]
        assert isinstance(said, Said)
        assert said.text.startswith("All but nine.")
        assert said.decided_in


async def test_who_comes_back_hears_what_was_said_meanwhile_and_nothing_twice(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, chat_client(room_at(address), "bob") as bob:
        async with chat_client(room_at(address), "ada") as ada:
            await ada.say("one")
            await until(ada, turn(1))
            ticket, seen = ada.welcome.ticket, ada.seen
        await bob.say("two")
        await bob.say("three")
        await until(bob, turn(3))
        with pytest.raises(NoRoom, match="is taken"):
            async with chat_client(room_at(address), "ada"):
                pass
        async with chat_client(room_at(address), "ada", ticket=ticket, after=seen) as ada:
            frames = await until(ada, turn(3))
            assert [frame.n for frame in frames if isinstance(frame, Said)] == [2, 3]


async def test_a_room_is_the_same_after_its_server_was(tmp_path: Path) -> None:
    with Log(tmp_path / "log.sqlite") as log:
        async with serving(tmp_path, log=log) as address, chat_client(room_at(address), "ada") as ada:
            await ada.say("before")
            await until(ada, turn(1))
    with Log(tmp_path / "log.sqlite") as log:
        async with serving(tmp_path, log=log) as address, chat_client(room_at(address), "ada") as ada:
            await ada.say("after")
            frames = await until(ada, turn(2))
            assert [(f.name, f.text) for f in frames if isinstance(f, Said)] == [("ada", "before"), ("ada", "after")]


async def test_false_names_do_not_come_in(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, chat_client(room_at(address), "ada"):
        for name in ("Swarm", "ѕwаrm", "ADA", "аdа", "<b>x</b>", "", "a" * 33):
            with pytest.raises(NoRoom):
                async with chat_client(room_at(address), name):
                    pass


async def test_a_flood_is_refused_and_the_room_goes_on(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as address,
        chat_client(room_at(address), "ada") as ada,
        chat_client(room_at(address), "bob") as bob,
    ):
        for i in range(TURNS_A_MINUTE + 10):
            await ada.say(str(i))
        refused = await until(ada, lambda frame: isinstance(frame, Refused))
        assert "turns a minute" in str(refused[-1])
        await bob.say("still here?")
        frames = await until(bob, turn(TURNS_A_MINUTE + 1))
        assert isinstance(frames[-1], Said)
        assert frames[-1].name == "bob"


async def test_turns_wait_for_a_client_that_does_not_read_and_none_is_lost(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, bare(address) as slow, AsyncExitStack() as stack:
        await slow.send('{"do":"enter","name":"slow"}')
        clients = [await stack.enter_async_context(chat_client(room_at(address), f"guest {c}")) for c in "abcd"]
        for client in clients:
            for i in range(TURNS_A_MINUTE):
                await client.say(f"{i} {'words ' * 600}")
        await until(clients[-1], turn(4 * TURNS_A_MINUTE))
        seen: list[int] = []
        async with asyncio.timeout(20):
            while len(seen) < 4 * TURNS_A_MINUTE:
                frame = json.loads(await slow.recv())
                seen += [frame["n"]] if frame["is"] == "said" else []
        assert seen == list(range(1, 4 * TURNS_A_MINUTE + 1))


async def test_html_goes_out_as_the_text_that_it_is(tmp_path: Path) -> None:
    html = "<img src=x onerror=alert(1)>"
    async with serving(tmp_path) as address, chat_client(room_at(address), "ada") as ada:
        await ada.say(html)
        frames = await until(ada, turn(1))
        assert isinstance(frames[-1], Said)
        assert frames[-1].text == html


@asynccontextmanager
async def bare(address: str) -> AsyncGenerator[ClientConnection]:
    async with connect(room_at(address), proxy=None) as raw:
        yield raw


async def ends_with(raw: ClientConnection) -> int:
    async with asyncio.timeout(20):
        while True:
            try:
                await raw.recv()
            except ConnectionClosed as ended:
                return 0 if ended.rcvd is None else ended.rcvd.code


async def test_a_huge_frame_ends_the_connection(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, bare(address) as raw:
        await raw.send('{"do":"enter","name":"ada"}')
        await raw.send(json.dumps({"do": "say", "text": "a" * (MAX_FRAME_BYTES + 1)}))
        assert await ends_with(raw) == 1009


async def test_what_cannot_be_read_is_refused_and_too_much_of_it_ends_the_connection(tmp_path: Path) -> None:
    junk = ("", "x", "[]", '{"do":"dance"}', '{"do":"say","text":1}', "[" * 9_000, b"\xff\xfe")
    async with serving(tmp_path) as address:
        for frame in junk:
            async with bare(address) as raw:
                await raw.send(frame)
                assert "cannot be read" in str(await raw.recv())
                for _ in range(7):
                    await raw.send(frame)
                assert await ends_with(raw) == 1008


async def test_nobody_speaks_before_they_have_a_name_or_enters_twice(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, bare(address) as raw:
        await raw.send('{"do":"say","text":"boo"}')
        assert "come in first" in str(await raw.recv())
        await raw.send('{"do":"enter","name":"ada"}')
        assert '"is":"welcome"' in str(await raw.recv())
        await raw.send('{"do":"enter","name":"bob"}')
        while "in already" not in str(await raw.recv()):
            pass


async def test_a_client_of_a_room_that_has_ended_hears_no_more_and_cannot_speak(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with serving(tmp_path) as address:
            ada = await stack.enter_async_context(chat_client(room_at(address), "ada"))
        async with asyncio.timeout(20):
            async for frame in ada.heard():
                assert not isinstance(frame, Said)
        with pytest.raises(NoRoom, match="has ended"):
            await ada.say("anybody?")


async def test_keys_and_strange_rooms_are_looked_at_before_anything_else(tmp_path: Path) -> None:
    async with serving(tmp_path, Keys({"ada": KEY})) as address:
        with pytest.raises(NoRoom, match="401"):
            async with chat_client(room_at(address), "ada"):
                pass
        async with chat_client(room_at(address), "ada", key=KEY) as ada:
            assert ada.welcome.name == "ada"
        with pytest.raises(NoRoom):
            async with chat_client(f"ws://{address}/chat/elsewhere", "ada", key=KEY):
                pass


async def test_a_page_of_another_origin_gets_no_connection(tmp_path: Path) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.typing import Origin

    async with serving(tmp_path) as address:
        with pytest.raises(InvalidStatus):
            async with connect(room_at(address), origin=Origin("https://evil.example"), proxy=None):
                pass


async def test_those_who_are_here_are_told_who_comes_and_goes(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, chat_client(room_at(address), "ada") as ada:
        async with chat_client(room_at(address), "bob"):
            frames = await until(ada, lambda f: isinstance(f, Here) and "bob" in f.names)
            assert isinstance(frames[-1], Here)
            assert frames[-1].names == ("ada", "bob")
        await until(ada, lambda frame: isinstance(frame, Here) and frame.names == ("ada",))


async def test_media_come_as_blobs_and_a_missing_one_leaves_its_words(tmp_path: Path) -> None:
    content = b"RIFF" + bytes(50_000)
    async with (
        serving(tmp_path) as address,
        chat_client(room_at(address), "ada") as ada,
        httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as http,
    ):
        put = await http.post("/chat/lobby/blobs", content=content)
        hash = put.json()["hash"]
        assert (put.status_code, put.json()["size_bytes"]) == (201, len(content))
        assert (await http.get(f"/chat/lobby/blobs/{hash}")).status_code == 404  # nobody has said it yet
        here = Part(
            type="audio/wav",
            blob=BlobRef(bytes.fromhex(hash), len(content), "hi.wav"),
            alt="hi",
            meta=Meta(milliseconds=900),
        )
        gone = Part(type="image/png", blob=BlobRef(bytes(32), 7), alt="a red barn")
        await ada.say("listen", [here, gone, Part(type="image/gif", inline=b"GIF89a", alt="a dot")])
        frames = await until(ada, turn(1))
        assert isinstance(frames[-1], Said)
        assert [part.part().words for part in frames[-1].parts] == ["hi", "a red barn", "a dot"]
        got = await http.get(f"/chat/lobby/blobs/{hash}")
        assert got.content == content
        assert got.headers["content-type"] == "application/octet-stream"
        assert "sandbox" in got.headers["content-security-policy"]
        assert (await http.get(f"/chat/lobby/blobs/{bytes(32).hex()}")).status_code == 404
        assert (await http.get("/chat/lobby/blobs/zz")).status_code == 404
        listed = (await http.get("/chat")).json()["rooms"]
        assert listed == [{"name": "lobby", "speakers": ["swarm"], "here": ["ada"], "turns": 1}]


async def test_a_part_that_breaks_a_rule_is_refused_and_the_turn_with_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, bare(address) as raw:
        await raw.send('{"do":"enter","name":"ada"}')
        for part in (
            {"type": "audio/wav", "inline": "AAAA"},
            {"type": "audio/wav", "inline": "???", "alt": "x"},
            {"type": "audio/wav", "blob": "00", "alt": "x"},
            {"type": "audio/wav", "blob": "00" * 32, "alt": "x", "size_bytes": 1 << 40},
        ):
            await raw.send(json.dumps({"do": "say", "text": "listen", "parts": [part]}))
            while '"is":"refused"' not in (received := str(await raw.recv())):
                assert '"is":"said"' not in received
