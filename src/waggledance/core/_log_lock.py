"""One writer a log: a locked file beside it that names the process."""

from __future__ import annotations

import os
from pathlib import Path

from waggledance.core._errors import UsageError

try:
    import fcntl
except ImportError:  # pragma: no cover — outside POSIX SQLite's own locks still keep the file whole
    fcntl = None  # type: ignore[assignment]


class LogInUse(UsageError):
    """Another process writes to this log, and a log has one writer. Carries the log and who holds it."""

    def __init__(self, log: str, holder: str) -> None:
        super().__init__(log, holder)
        self.log, self.holder = log, holder

    def __str__(self) -> str:
        return (
            f"log {self.log}: {self.holder} is writing to it, and a log has one writer. "
            "Wait for it to end, give another file with --log, or open this one for reading"
        )


class WriterLock:
    """Held while a log is open for writing; the operating system lets go of it however the process ends.

    Raises:
        LogInUse: another writer holds it; says which process.
    """

    def __init__(self, log: Path) -> None:
        self._path = log.with_name(log.name + ".lock")
        while True:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if fcntl is None:  # pragma: no cover
                return
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
                os.close(self._file)
                mine = " (this one)" if holder == str(os.getpid()) else ""
                raise LogInUse(str(log), f"process {holder}{mine}") from None
            if self._is_the_file_there():
                break
            os.close(self._file)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next writer in."""
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
