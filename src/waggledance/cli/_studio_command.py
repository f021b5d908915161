"""`waggle studio`: the log in a browser, until Ctrl-C."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

from waggledance.cli._config import in_force
from waggledance.cli._ending import end_in_time
from waggledance.cli._log_place import log_path
from waggledance.cli._mesh_commands import peer_meant
from waggledance.cli._printing import print_text, say
from waggledance.core import UsageError
from waggledance.mesh import Home


def studio(
    log: Path | None,
    config: Path | None,
    over: str | None = None,
    as_name: str | None = None,
    *,
    host: str,
    port: int | None,
    open_page: bool,
    locked: bool,
) -> None:
    """Serve the studio over a log.

    Args:
        log: the log's file; where the other commands keep it when None.
        config: a waggle.toml.
        over: a swarm on the network, to show what a peer of this machine holds of it.
        as_name: which peer that is; one that runs, if one does, when None.
        host: what to bind to.
        port: where; the usual one, or any that is free, when None.
        open_page: whether to open the page in this user's browser.
        locked: whether looking asks for the token on this machine, too.

    Raises:
        UsageError: no peer of that swarm is on this machine, or a file is named besides.
    """
    from waggledance.cli._fork_command import LivePeers
    from waggledance.studio import Studio, serve

    if over is not None or as_name is not None:
        log = _held(over, as_name, log)
    force = in_force({"log.path": None if log is None else str(log)}, config=config)
    place = log_path(force)

    def told(address: str) -> None:
        print_text(address)
        sys.stdout.flush()
        say(f"showing {place}{'' if place.exists() else ', which is not there yet'}; Ctrl-C ends it")
        if open_page:
            webbrowser.open(address)

    shown = Studio(place, host=host, locked=locked, peers=lambda: LivePeers(force))
    serve(shown, host, port, told=told, ending=end_in_time)


def _held(swarm: str | None, key: str | None, log: Path | None) -> Path:
    """Return the log of a peer of this machine."""
    if log is not None:
        raise UsageError("--mesh shows the log that a peer keeps, --log another one: leave one out")
    if swarm is None:
        raise UsageError("--as says which peer of a swarm is meant: say which swarm with --mesh")
    local = peer_meant(swarm, key)
    return Home().peer(local.swarm, local.key).log
