"""Whole files as a peer writes them: ``=== path``, then the file's text; read leniently, written only into one tree.

=== bees/count.py
def count(bees):
    return len(bees)
=== removed: bees/old.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from waggledance.core import RunFailed

MAX_FILES = 64
MAX_CHARS = 400_000
"""Of all files of one answer."""
_MAX_PATH_CHARS = 240
_HEADING = re.compile(r"^={3,}[ \t]*(removed:)?[ \t]*([^\s=].*?)[ \t]*=*[ \t]*$", re.MULTILINE | re.IGNORECASE)
_FENCED = re.compile(r"\A\s*(`{3,}|~{3,})[^\n]*\n(.*?)^\1[`~]*[ \t]*$.*\Z", re.DOTALL | re.MULTILINE)


def read_files(text: str) -> dict[str, str | None]:
    r"""Return the files that an answer gives, by path; None for one that it takes away.

    Words before the first heading are passed over, and so are fences around a file's text and marks around its path.
    A file that is given twice is what it was given as last.

    Raises:
        RunFailed: no file is given, more than 64 or 400,000 characters are, or a path leads out of the tree.

    >>> read_files("Here:\n=== a.py\n```python\nx = 1\n```\n=== removed: b.py")
    {'a.py': 'x = 1\n', 'b.py': None}
    """
    if len(text) > MAX_CHARS:
        raise RunFailed(f"the answer has {len(text):,} characters; files of at most {MAX_CHARS:,} are taken")
    text = text.replace("\r\n", "\n")
    headings = list(_HEADING.finditer(text))
    ends = [*[heading.start() for heading in headings], len(text)]
    files: dict[str, str | None] = {}
    for heading, end in zip(headings, ends[1:], strict=True):
        path = checked_path(heading[2].strip("`*\"' "))
        files[path] = None if heading[1] else _unfenced(text[heading.end() : end])
    if not files:
        raise RunFailed("the answer gives no file: write '=== path' on a line, then the whole file below it")
    if len(files) > MAX_FILES:
        raise RunFailed(f"the answer gives {len(files)} files; at most {MAX_FILES} are taken")
    return files


def checked_path(name: str) -> str:
    """Return a path within a tree, in its plain form.

    Raises:
        RunFailed: it is absolute, leads out of the tree or into git's own folder, or cannot be a file's name.
    """
    path = PurePosixPath(name)
    own = any(part.casefold().rstrip(". ") in (".git", "git~1") for part in path.parts)
    if not path.parts or path.is_absolute() or ".." in path.parts or own or "\\" in name or name.endswith("/"):
        raise RunFailed(f"{name!r:.120} is no path of a file within the tree: write it as in 'folder/name.py'")
    if len(name) > _MAX_PATH_CHARS or not name.isprintable():
        raise RunFailed(f"{name!r:.120} cannot be a file's name: at most {_MAX_PATH_CHARS} printable characters")
    return str(path)


def write_files(files: Mapping[str, str | None], tree: Path) -> None:
    """Write files into a tree and take away those that are None. Nothing is written through a link.

    Raises:
        RunFailed: a path is none, leads through a link, or a file stands where a folder is to be, or the other way.
    """
    for name, text in files.items():
        place = tree / checked_path(name)
        steps = [place, *place.parents]
        if any(step.is_symlink() for step in steps[: steps.index(tree)]):
            raise RunFailed(f"{name!r:.120} leads through a link: files are written into the tree itself only")
        try:
            if text is None:
                place.unlink(missing_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        except OSError as why:
            raise RunFailed(f"{name!r:.120} cannot be written: {why.strerror}") from why


def files_of(tree: Path) -> dict[str, str]:
    """Return a tree's texts by path, sorted: no links, nothing of git's, nothing that is not UTF-8."""
    found: dict[str, str] = {}
    for folder, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            path = Path(folder) / name
            if name == ".git" or path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_CHARS:
                continue
            try:
                found[path.relative_to(tree).as_posix()] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return dict(sorted(found.items()))


def _unfenced(text: str) -> str:
    fenced = _FENCED.match(text)
    text = fenced[2] if fenced else text
    text = text.strip("\n")
    return f"{text}\n" if text else ""
