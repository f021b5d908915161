"""`waggle studio`: the log in a browser, until Ctrl-C."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

from waggledance.cli._config import in_force
from waggledance.cli._ending import end_in_time
from waggledance.cli._log_place import log_path
from waggledance.cli._printing import print_text, say


def studio(
    log: Path | None, config: Path | None, *, host: str, port: int | None, open_page: bool, locked: bool
) -> None:
    """Serve the studio over a log.

    Args:
        log: the log's file; where the other commands keep it when None.
        config: a waggle.toml.
        host: what to bind to.
        port: where; the usual one, or any that is free, when None.
        open_page: whether to open the page in this user's browser.
        locked: whether looking asks for the token on this machine, too.
    """
    from waggledance.cli._fork_command import LivePeers
    from waggledance.studio import Studio, serve

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
