"""The studio beside a run: served from this process while peers talk, and afterwards until Ctrl-C."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from waggledance._swarm import Interrupted
from waggledance.cli._config import InForce
from waggledance.cli._ending import end_in_time
from waggledance.cli._log_place import log_path
from waggledance.cli._printing import say
from waggledance.cli._safe_text import safe
from waggledance.core import Exchange, Message, RunFailed, UsageError, Words

if TYPE_CHECKING:
    from waggledance.studio import Studio

HOST = "127.0.0.1"


class Beside:
    """A studio that shows the run of this process.

    Args:
        studio: what is served.
        address: where.
    """

    def __init__(self, studio: Studio, address: str) -> None:
        self._studio, self._address = studio, address
        self._channel = ""
        """What the run shows itself in; empty until it has begun."""

    @property
    def has_begun(self) -> bool:
        """Say whether there is anything to look at."""
        return bool(self._channel)

    def see(self, seen: Message[Any] | Words | Exchange) -> None:
        """Take what the run shows of itself: messages say which channel it is, words are passed on."""
        if isinstance(seen, Message):
            self._channel = seen.channel
        elif isinstance(seen, Words) and self._channel:
            self._studio.hear(self._channel, seen)

    def stay(self) -> None:
        """Serve on until Ctrl-C."""
        sys.stdout.flush()
        say(f"the studio stays at {self._address} until Ctrl-C")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


@contextmanager
def studio_beside(force: InForce) -> Generator[Beside]:
    """Serve the studio over the log in force, in a thread of its own, while the context is open; and then until Ctrl-C,
    unless that has come already. Then the process ends in time, also where a model of a replay does not.

    Raises:
        UsageError: no log is kept, so there is nothing to show.
    """
    if not force.settings.log.keep:
        raise UsageError("the studio shows what the log holds: leave --no-log out, or --studio")
    from waggledance.cli._fork_command import LivePeers
    from waggledance.studio import Studio, open_port, server_of

    studio = Studio(log_path(force), peers=lambda: LivePeers(force))
    server = server_of(studio)
    with open_port(HOST, None) as opened:
        address = studio.address(HOST, opened.getsockname()[1])
        serving = threading.Thread(target=server.run, args=([opened],), name="studio")
        serving.start()
        say(f"watch it at {address}")
        beside, exit_code = Beside(studio, address), 1
        try:
            yield beside
            beside.stay()
            exit_code = 0
        except (typer.Exit, RunFailed) as why:
            exit_code = why.exit_code
            if exit_code != Interrupted.exit_code and beside.has_begun:
                if isinstance(why, RunFailed):
                    say(f"the run failed: {safe(str(why))}")
                beside.stay()
            raise
        finally:
            end_in_time(exit_code)
            server.should_exit = True
            serving.join()
