"""`waggle chat`: open a room with a swarm in it, or go into one that somebody opened."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from waggledance.cli._chat_beside import media_of
from waggledance.cli._chat_view import Talk
from waggledance.cli._config import InForce, in_force
from waggledance.cli._journal import opened_log
from waggledance.cli._models_here import models_for
from waggledance.cli._printing import say
from waggledance.cli._seating import model_name, tables
from waggledance.cli._serve_command import hosted
from waggledance.core import Log, RunFailed, UsageError, run_awake
from waggledance.gateways import ChatGateway, Host, Keys, Room, Server, Speaker, app_of, chat_client
from waggledance.gateways._host import DEFAULT
from waggledance.gateways._loopback import LOOPBACK, is_loopback
from waggledance.models import Model
from waggledance.protocols import ByMeaning, ByModel, ByRules, Gate, Gates
from waggledance.tasks import register_protocols

if TYPE_CHECKING:
    from waggledance.gateways import ChatClient

KEY_VARIABLE = "WAGGLE_CHAT_KEY"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How a room is opened; see the flags of `waggle chat`."""

    room: str
    swarm: str
    about: tuple[str, ...]
    judge: str | None
    address: str
    port: int
    keys: Path | None
    open_to_all: bool


def go_into(where: str, name: str | None) -> None:
    """Talk in a room until the person leaves or the room ends.

    Raises:
        UsageError: the address is none.
        NoRoom: there is no room, or no way in.
        RunFailed: the room ended the connection.
    """
    run_awake(_talk(_address(where), name or _login()))


def open_room(flags: Mapping[str, object], opening: Opening, name: str | None, *, config: Path | None) -> None:
    """Open a room and talk in it; it ends when who opened it leaves.

    Raises:
        UsageError: it cannot be opened like that; says what to change.
    """
    force = in_force(flags, config=config)
    if force.file is not None:
        say(f"settings from {force.file}")
    keys = None if opening.keys is None else Keys.read(opening.keys)
    if keys is None and not opening.open_to_all and not is_loopback(opening.address):
        raise UsageError(
            f"other machines can reach {opening.address}: give --keys FILE, or let everybody in with --open"
        )
    register_protocols()
    wanted = {model_name(row, force) for row in tables(force)}
    if opening.judge is not None:
        wanted.add(opening.judge)
    models = models_for(wanted, force)
    with opened_log(force) as log:
        run_awake(_hold(opening, force, models, log, keys, name or _login()))


async def _hold(
    opening: Opening, force: InForce, models: dict[str, Model], log: Log | None, keys: Keys | None, name: str
) -> None:
    host = Host({DEFAULT: hosted(DEFAULT, force, models, log)}, log)
    room = Room(opening.room, [opening.swarm], log)
    gate = _gate(opening, None if opening.judge is None else models[opening.judge])
    rng = Random(f"{force.settings.ask.seed}/{opening.room}/{opening.swarm}")
    speaker = Speaker(room, opening.swarm, host, DEFAULT, gate, rng)
    door = ChatGateway({room.name: room}, [speaker], media_of(log))
    app = app_of(host, [door], keys=keys, hosts=LOOPBACK if is_loopback(opening.address) else ())
    server = Server(app, host, address=opening.address, port=opening.port, drain_s=0.0)
    serving = asyncio.create_task(server.serve())
    try:
        address = f"{server.address}/chat/{room.name}"
        say(f"{opening.swarm} is here: {', '.join(peer.name for peer in host.swarms[DEFAULT].swarm.peers)}")
        say(f"others come in with: waggle chat {address} --as NAME")
        await _talk(f"ws://{address}", name, key=_own_key(keys, opening.keys))
    finally:
        server.stop()
        with suppress(asyncio.CancelledError):
            await serving
        for model in models.values():
            await model.aclose()


def _gate(opening: Opening, judge: Model | None) -> Gates:
    row: list[Gate] = [ByRules(opening.swarm), ByMeaning(about=opening.about)]
    return Gates((*row, ByModel(judge)) if judge is not None else row)


async def _talk(url: str, name: str, *, key: str | None = None) -> None:
    """Be in a room as the person at this terminal."""
    async with chat_client(url, name, key=os.environ.get(KEY_VARIABLE, "") if key is None else key) as client:
        await _both_ways(client)


async def _both_ways(client: ChatClient) -> None:
    talk = Talk(client)
    reading, hearing = asyncio.create_task(talk.read()), asyncio.create_task(talk.hear())
    try:
        await asyncio.wait((reading, hearing), return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()
            if sys.stdin.isatty() or hearing.done():  # Ctrl-D leaves at once
                return
            reading = asyncio.create_task(talk.hear_out())
            await asyncio.wait((reading, hearing), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return
        hearing.result()
        raise RunFailed("the room has ended the connection; come back with the same command")
    finally:
        for task in (reading, hearing):
            task.cancel()
        await asyncio.gather(reading, hearing, return_exceptions=True)


def _own_key(keys: Keys | None, file: Path | None) -> str:
    """Return a key for who opened the room: the first of their own file."""
    if keys is None or file is None:
        return ""
    lines = (line.split() for line in file.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#"))
    return next(lines)[1]


def _address(where: str) -> str:
    """Return a room's whole address: the scheme may be left out."""
    return where if "://" in where else f"ws://{where}"


def _login() -> str:
    """Return what the person is called on this machine; ``guest`` where nobody knows."""
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError):
        return "guest"
