"""What a peer is told that is to change a repository: the task, the form of its answer, the files as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from waggledance.core import Message, Note
from waggledance.tasks._file_blocks import files_of
from waggledance.tasks._unsent import unsent

SHOWN_CHARS = 24_000
"""Of all files together; of those that do not fit, the names only."""
_FILE_CHARS = 11_000
_NAMES = 200
_REASONS = 4
_REASON_CHARS = 1_000

FORM = (
    "Answer with whole files, as they are to be, and with nothing else. Each begins with a line '=== path'; the file's "
    "text stands below it, to the next such line. Take a file away with '=== removed: path'. Leave out what stays."
)


def asks_for_files(goal: str) -> str:
    """Return what asks for a task's files."""
    return f"{goal}\n\n{FORM}"


def shown_files(tree: Path, goal: str, past: Sequence[str]) -> tuple[Message[Note], ...]:
    """Return what a peer goes by, as notes to be fenced: what was wrong before, the files' names, and their texts.

    Files that the goal names come first, then the short ones, as far as there is room.

    Args:
        tree: the work tree.
        goal: the task's.
        past: why earlier tries failed, the newest last.
    """
    files = files_of(tree)
    notes = [unsent("earlier-tries", reason[:_REASON_CHARS]) for reason in past[-_REASONS:]]
    names = "\n".join([*list(files)[:_NAMES], *(["…"] if len(files) > _NAMES else [])])
    notes.append(unsent("files", names or "There is no file yet."))
    left = SHOWN_CHARS
    for name in sorted(files, key=lambda name: (Path(name).name not in goal, len(files[name]), name)):
        if len(files[name]) <= min(left, _FILE_CHARS):
            left -= len(files[name])
            notes.append(unsent("file", f"=== {name}\n{files[name]}"))
    return tuple(notes)
