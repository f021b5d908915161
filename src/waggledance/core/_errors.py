"""Every error we raise on purpose, split by whose fault it is.

- `UsageError`: our caller asked for the impossible. Exit code 2.
- `PeerFault`: another peer broke the rules; kept as evidence, never fatal to the swarm.
- `RunFailed`: nobody lied; the run still could not finish. Exit code 3 or its own.

An error's arguments are its raw fields, so that it survives a trip to another process; its text is made in
`__str__` and says what happened, what was seen, and what to do next.
"""

import difflib
from collections.abc import Iterable

SHOWN_NAMES = 40
"""So many known names an error lists at most."""


class WaggleError(Exception):
    """Everything we raise on purpose."""

    exit_code = 1


class UsageError(WaggleError, ValueError):
    """Our caller asked for the impossible."""

    exit_code = 2


def why_unreadable(why: OSError | UnicodeDecodeError) -> str:
    """Return in a few words why a text file cannot be read, without Python's own.

    >>> why_unreadable(FileNotFoundError(2, "No such file or directory"))
    'no such file or directory'
    """
    if isinstance(why, UnicodeDecodeError):
        return f"not UTF-8 at byte {why.start}; save it as UTF-8"
    return (why.strerror or str(why)).lower()


class PeerFault(WaggleError):
    """Another peer broke the rules: kept as evidence, never fatal to the swarm.

    `reason` is a short fixed word for counting (``"signature"``, ``"oversize"``), `detail` what was seen.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return f"refused ({self.reason}): {self.detail}"


class RunFailed(WaggleError):
    """Nobody lied; the run still could not finish."""

    exit_code = 3


class UnknownName(UsageError):
    """A name that is not on a list; says the nearest one that is."""

    def __init__(self, noun: str, name: str, known: Iterable[str]) -> None:
        self.noun, self.name, self.known = noun, name, tuple(sorted(known))
        super().__init__(noun, name, self.known)

    def __str__(self) -> str:
        called = "called " if "'" in self.noun else ""  # no two names in quotes side by side
        if not self.known:
            return f"there is no {self.noun} {called}{self.name!r}; none is known."
        near = difflib.get_close_matches(self.name, self.known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        more = f" and {len(self.known) - SHOWN_NAMES:,} more" if len(self.known) > SHOWN_NAMES else ""
        return (
            f"there is no {self.noun} {called}{self.name!r}{hint} Known: {', '.join(self.known[:SHOWN_NAMES])}{more}."
        )
