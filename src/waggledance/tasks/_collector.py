"""Fewer looks for garbage while many rows are in flight: rows are no garbage, and looking costs up to half the time.

CPython looks through what is young each time 700 objects more were made than freed, and rows in flight are thousands.
For the time of a batch it looks once as many were made as `PER_ROW` a row in flight: so what waits to be found is in
proportion to what is in flight. The setting is the process's: it is the largest that any batch under way wants, never
less than what was set before, and is put back when the last of them has ended, unless somebody else set another since.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from threading import RLock

PER_ROW = 20
"""Objects that the collector counts: more than a row under way has."""
MOST = 50_000

_lock = RLock()  # a batch that was abandoned may end in the middle of a collection
_wanted: list[int] = []
_before = _set = (0, 0, 0)


@contextmanager
def fewer_collections(in_flight: int) -> Generator[None]:
    """Let the garbage collector look less often, in proportion to the rows in flight; a collector that is off stays so.

    Args:
        in_flight: rows under way at once, at least 1.
    """
    global _before, _set
    wants = min(MOST, PER_ROW * in_flight)
    with _lock:
        if not _wanted:
            _before = _set = gc.get_threshold()
        _wanted.append(wants)
        _choose()
    try:
        yield
    finally:
        with _lock:
            _wanted.remove(wants)
            _choose()


def _choose() -> None:
    """Set what the batches under way want; leave alone what somebody else has set, and a threshold of 0."""
    global _set
    if gc.get_threshold() == _set and _before[0]:
        _set = (max([_before[0], *_wanted]), *_before[1:])
        gc.set_threshold(*_set)
