"""What steps print goes to stderr, and not without end: stdout is for the result alone, which a program may read."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

SHOWN_CHARS = 64 * 1_024


class Shown(io.TextIOBase):
    """A stream that passes on so much of what is written to it, says so, and drops the rest.

    Args:
        to: where it goes.
        room: how many characters.
    """

    def __init__(self, to: TextIO, room: int = SHOWN_CHARS) -> None:
        self._to, self._room = to, room

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if self._room > 0:
            self._to.write(text[: self._room])
            self._room -= len(text)
            if self._room <= 0:
                self._to.write("\n(what steps print after that is not shown)\n")
        return len(text)

    def flush(self) -> None:
        self._to.flush()

    def fileno(self) -> int:
        """Return the file behind it: programs that a step starts write there."""
        return self._to.fileno()


@contextmanager
def prints_apart() -> Generator[None]:
    """Send what is printed meanwhile to stderr: by Python up to 64 Ki characters, by its children as it is."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(Shown(sys.stderr)):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
