"""The log of a run that somebody watches: messages go to the log and to the view; a full disk ends neither."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from waggledance.cli._config import InForce
from waggledance.cli._log_place import log_for_writing, log_path
from waggledance.core import Exchange, Log, LogFailed, Message


class Watched:
    """A journal that shows every message and keeps it, as long as it can be kept.

    Args:
        log: where messages are kept; nowhere when None.
        see: shows a message.
    """

    def __init__(self, log: Log | None, see: Callable[[Message[Any]], None]) -> None:
        self._log, self._see = log, see
        self.failure = ""
        """Why messages could not be written any more; empty while all went well."""

    def append(self, message: Message[Any], raw: bytes) -> None:
        self._see(message)
        if self._log is not None and not self.failure:
            self._log.append(message, raw)

    def append_exchange(self, exchange: Exchange) -> None:
        if self._log is not None and not self.failure:
            self._log.append_exchange(exchange)

    async def flush(self) -> None:
        if self._log is not None and not self.failure:
            try:
                await self._log.flush()
            except LogFailed as why:
                self.failure = str(why)

    def __len__(self) -> int:
        return 0 if self._log is None else len(self._log)

    def __contains__(self, channel: str) -> bool:
        return self._log is not None and channel in self._log


@contextmanager
def opened_log(force: InForce) -> Generator[Log | None]:
    """Open the log that settings ask for; None when they ask for none."""
    if not force.settings.log.keep:
        yield None
        return
    with log_for_writing(log_path(force)) as log:
        yield log
