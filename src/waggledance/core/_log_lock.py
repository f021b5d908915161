"""One writer a log: a locked file beside it that names the process."""

from __future__ import annotations

from pathlib import Path

from waggledance.core._errors import UsageError
from waggledance.core._file_lock import FileLock


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


def writer_lock(log: Path) -> FileLock:
    """Return the lock that is held while a log is open for writing.

    Raises:
        LogInUse: another writer holds it; says which process.
    """
    return FileLock(log.with_name(log.name + ".lock"), lambda holder: LogInUse(str(log), holder))
