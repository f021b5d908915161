"""The list of a log's channels."""

from __future__ import annotations

from waggledance.studio._archive import Archive
from waggledance.studio._shapes import Channels


def channels_of(archive: Archive, at_work: frozenset[str] = frozenset()) -> Channels:
    """Return all channels of a log, the newest first.

    Args:
        archive: the log.
        at_work: channels that this process is at work on.
    """
    with archive.lock:
        writing, index, window = archive.writing, archive.index, archive.window
        lines = [index.line(name, writing=writing or name in at_work) for name in index.newest()]
        return Channels(
            channels=tuple(lines),
            total=len(index),
            log=str(archive.path),
            broken=window.broken or None,
            newer=window.newer,
        )
