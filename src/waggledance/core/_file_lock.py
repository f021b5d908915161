"""One holder at a time, among processes and inside one: a locked file that names the process that holds it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from waggledance.core._errors import WaggleError

try:
    import fcntl
except ImportError:  # pragma: no cover — outside POSIX nobody is kept out
    fcntl = None  # type: ignore[assignment]


class FileLock:
    """Held from construction to `release`; the operating system lets go of it however the process ends.

    Args:
        path: the file to lock; it is made with mode 0600, and removed when the lock is released.
        in_use: makes the error to raise when somebody else holds it, from who that is (``"process 123"``).
    """

    def __init__(self, path: Path, in_use: Callable[[str], WaggleError]) -> None:
        self._path = path
        while True:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o600)
            if fcntl is None:  # pragma: no cover
                return
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
                os.close(self._file)
                mine = " (this one)" if holder == str(os.getpid()) else ""
                raise in_use(f"process {holder}{mine}") from None
            if self._is_the_file_there():
                break
            os.close(self._file)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next one in. Releasing twice is harmless."""
        if self._file >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def _is_the_file_there(self) -> bool:
        """Return whether what was locked is still the file of that name: its holder removes it in the end."""
        try:
            return os.fstat(self._file).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False
