"""Books of skills for a server's callers: one each, because what one asked is shown to the swarm as an example."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from waggledance.core import UsageError
from waggledance.memory import SkillBook


class CallerSkills:
    """A folder with a book of skills for each caller, ``NAME.db``, opened when they first ask.

    Args:
        folder: made where it is missing, for its owner alone.
        names: who has one; nobody else's questions are kept.

    Raises:
        UsageError: the folder is none, or cannot be made.
    """

    def __init__(self, folder: Path, names: Collection[str]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as why:
            raise UsageError(f"skills {folder}: {why.strerror}; give a folder") from why
        self._folder, self._names = folder, frozenset(names)
        self._open: dict[str, SkillBook] = {}

    def of(self, caller: str) -> SkillBook | None:
        """Return a caller's book; None for those who have none.

        Raises:
            UsageError: its file is damaged.
        """
        if caller not in self._names:
            return None
        if caller not in self._open:
            self._open[caller] = SkillBook(self._folder / f"{caller}.db")
        return self._open[caller]

    def close(self) -> None:
        """Close all books."""
        while self._open:
            self._open.popitem()[1].close()
