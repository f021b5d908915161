"""The flags of `waggle chat`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._flag import Log, Models, NoLog, OpenToAll, Protocol, Scrub, Seed, flag


@ending_well
def chat(
    where: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="A room to go into, as its opener's terminal says it.")
    ] = None,
    as_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="What you want to be called (default: your login).")
    ] = None,
    room: Annotated[str, flag("The room's name.", "NAME")] = "lobby",
    swarm: Annotated[str, flag("What the swarm is called in the room.", "NAME")] = "swarm",
    about: Annotated[
        list[str] | None, flag("What the swarm knows well: it speaks up sooner about that; give several.", "TEXT")
    ] = None,
    judge: Annotated[
        str | None, flag("A small model that decides when to speak where rules cannot tell (default: none).", "SPEC")
    ] = None,
    host: Annotated[str, flag("The address to listen on; 127.0.0.1 is this machine alone.", "ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 takes a free one.", metavar="N")] = 8010,
    keys: Annotated[
        Path | None, flag("API keys that others must show, one a line as: name key; mode 0600.", "FILE")
    ] = None,
    open_to_all: OpenToAll = False,
    peers: Annotated[int | None, flag("How many peers the swarm has, 1 to 64 (default: 5).", "N")] = None,
    model: Models = None,
    protocol: Protocol = None,
    max_tokens: Annotated[int | None, flag("Tokens of one peer's answer at most (default: 256).", "N")] = None,
    scrub: Scrub = None,
    seed: Seed = None,
    log: Log = None,
    no_log: NoLog = False,
    config: Annotated[Path | None, flag("A waggle.toml (default: looked for here and above).", "FILE")] = None,
) -> None:
    """Talk with a swarm, alone or several of you: the swarm listens, and speaks when there is a reason to.

    Without ADDRESS a room is opened here and its address printed; others come in with: waggle chat ADDRESS. Call the
    swarm by its name (@swarm) and it answers in any case. Ctrl-D leaves; where you opened the room, that ends it. Lines
    that come through a pipe are said, and the answer that is due to the last one is waited for.
    With WAGGLE_CHAT_KEY set, that key is shown at the door.

    Exit codes: 0 left, 2 it cannot be done like that, 3 no way in, or the room has ended, 74 the log cannot be
    written.
    """
    from waggledance.cli._chat_command import Opening, go_into, open_room

    if where is not None:
        go_into(where, as_name)
        return
    flags = {
        "ask.peers": peers,
        "ask.model": tuple(model) if model else None,
        "ask.protocol": protocol,
        "ask.max_tokens": max_tokens,
        "ask.scrub": scrub,
        "ask.seed": seed,
        "log.path": None if log is None else str(log),
        "log.keep": False if no_log else None,
    }
    opening = Opening(
        room=room, swarm=swarm, about=tuple(about or ()), judge=judge, address=host, port=port, keys=keys,
        open_to_all=open_to_all,
    )  # fmt: skip
    open_room(flags, opening, as_name, config=config)
