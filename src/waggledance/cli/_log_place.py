"""Where the log is: --log, WAGGLE_LOG, waggle.toml, or the user's data folder; and how it is opened."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from waggledance.cli._config import InForce, in_force
from waggledance.cli._printing import say
from waggledance.core import Log, LogInUse, Message, UnknownName, UsageError

LOOK_AGAIN_S = 0.2


def log_path(force: InForce) -> Path:
    """Return the log's file, whether it is there or not."""
    written = force.settings.log.path
    if written is not None:
        return force.path(written, "log.path")
    from platformdirs import user_data_path

    return user_data_path("waggledance", appauthor=False) / "log.db"


def place_of(log: Path | None, config: Path | None) -> Path:
    """Return the log's file for a command that takes ``--log`` and ``--config``."""
    return log_path(in_force({"log.path": None if log is None else str(log)}, config=config))


@contextmanager
def log_for_writing(path: Path) -> Generator[Log]:
    """Open a log to append to; wait for another process that is writing to it, saying so once.

    Raises:
        UsageError: it cannot be opened; says what to do.
        LogFailed: there is no room on the disk.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as why:
        raise UsageError(
            f"the log {path} cannot be made: {(why.strerror or str(why)).lower()}. Choose another place with --log, "
            "or keep none with --no-log"
        ) from why
    log = _open_when_free(path)
    try:
        yield log
    finally:
        log.close()


@contextmanager
def log_to_add_to(path: Path) -> Generator[Log]:
    """Open a log that is there already, to append to it; see `log_for_writing`.

    Raises:
        UsageError: there is none, or it cannot be opened; nothing is made.
    """
    Log(path, "r").close()
    with log_for_writing(path) as log:
        yield log


def _open_when_free(path: Path) -> Log:
    waiting = False
    while True:
        try:
            return Log(path)
        except LogInUse as why:
            if not waiting:
                say(f"waiting: {why}")
            waiting = True
            time.sleep(LOOK_AGAIN_S)


def read_channel(log: Log, wanted: str) -> tuple[Message[Any], ...]:
    """Return a channel's messages, by its name or by how it alone begins.

    Raises:
        UnknownName: no channel begins like that.
        UsageError: several do.
    """
    names = log.names()
    if wanted not in names:
        numbered = [name for name in names if name.startswith(f"{wanted}-")]
        starting = numbered or [name for name in names if wanted and name.startswith(wanted)]
        starting = [name for name in starting if name.split("~")[0] not in starting or "~" not in name]  # forks
        if len(starting) > 1:
            raise UsageError(f"{len(starting)} channels begin with {wanted!r}: {', '.join(starting[:5])}")
        if not starting:
            raise UnknownName("channel", wanted, names[-20:])
        wanted = starting[0]
    return log.read(wanted)
