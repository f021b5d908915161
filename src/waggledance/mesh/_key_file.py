"""A peer's secret key in a small text file of its own, and how it is kept from everybody else.

    # waggledance key 1: SECRET. Whoever reads this file can speak as you. Never share, mail or commit it.
    public 3b6a27bc…29
    secret 4c0f…e1

The public half stands beside the secret, so that a changed digit is noticed. The file has mode 0600 in a folder that
nobody else can write to; one that others may read is not loaded, because it has to be taken for known. Nothing here
logs or prints the secret: a `Key` shows its public half only.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from waggledance.core import FileLock, Key, UsageError

MAX_KEY_FILE_BYTES = 1024

_FIRST_LINE = "# waggledance key 1: SECRET. Whoever reads this file can speak as you. Never share, mail or commit it."


class KeyRefused(UsageError):
    """A key file that is not used, or not made: which, why, and what to do."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"key file {self.path}: {self.why}"


class KeyInUse(UsageError):
    """Another process speaks with this key, and two with one key would contradict each other."""

    def __init__(self, path: str, holder: str) -> None:
        super().__init__(path, holder)
        self.path, self.holder = path, holder

    def __str__(self) -> str:
        return (
            f"key file {self.path}: {self.holder} speaks with this key already, and two at once would look like one "
            "liar to everybody else. End it, or take another key: waggle id new NAME"
        )


def new_key(path: Path) -> Key:
    """Make a key from the operating system's randomness and keep it in a new file.

    The folder is made with mode 0700 if it is missing. What is on the disk when this returns outlives a loss of power.

    Raises:
        KeyRefused: something of that name is there already, or others can write to the folder.
        OSError: the disk is full or read-only; nothing half-written stays.
    """
    seed = secrets.token_bytes(32)
    key = Key(seed)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_folder(path)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | _NO_LINK, 0o600)
    except FileExistsError:
        raise KeyRefused(str(path), "it is there already, and a key that is overwritten is lost for good. "
                                    "Choose another name") from None  # fmt: skip
    try:
        with os.fdopen(file, "wb") as out:
            out.write(f"{_FIRST_LINE}\npublic {key.peer.hex()}\nsecret {seed.hex()}\n".encode())
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return key


def load_key(path: Path) -> Key:
    """Read a key.

    Raises:
        KeyRefused: there is none, it is a link or somebody else's, others can read it, or it is damaged.
    """
    return Key(_seed_in(path, secret_text(path)))


def secret_text(path: Path) -> str:
    """Return a key file's whole text, the secret included: for a backup, and for nothing else.

    Raises:
        KeyRefused: as `load_key`.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | _NO_LINK)
    except FileNotFoundError:
        raise KeyRefused(str(path), "there is no such file. Make one with: waggle id new NAME") from None
    except OSError as why:
        what = "it is a link; give the file itself" if path.is_symlink() else (why.strerror or str(why)).lower()
        raise KeyRefused(str(path), what) from why
    try:
        _check_file(path, os.fstat(file))
        _check_folder(path)
        text = os.read(file, MAX_KEY_FILE_BYTES + 1)
    finally:
        os.close(file)
    try:
        shown = text.decode("ascii")
    except UnicodeDecodeError:
        raise _damaged(path) from None
    _seed_in(path, shown)
    return shown


def hold_key(path: Path) -> FileLock:
    """Keep every other process on this machine from speaking with the key in this file, until `release`.

    Raises:
        KeyInUse: another process does; says which.
    """
    return FileLock(path.with_name(path.name + ".lock"), lambda holder: KeyInUse(str(path), holder))


_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def _seed_in(path: Path, text: str) -> bytes:
    """Return the secret in a key file's text; it has to fit the public half beside it."""
    lines = text.splitlines()
    if len(lines) != 3 or lines[0] != _FIRST_LINE or not text.endswith("\n"):
        raise _damaged(path)
    fields = dict(line.split(" ", 1) for line in lines[1:] if " " in line)
    try:
        seed, public = bytes.fromhex(fields["secret"]), bytes.fromhex(fields["public"])
    except (KeyError, ValueError):
        raise _damaged(path) from None
    if len(seed) != 32 or Key(seed).peer != public:
        raise _damaged(path)
    return seed


def _damaged(path: Path) -> KeyRefused:
    return KeyRefused(
        str(path),
        "it is damaged or no key of waggledance: a line is missing or changed. Restore it from a backup, "
        "or make a new one, which has to be admitted anew: waggle id new NAME",
    )


def _check_file(path: Path, seen: os.stat_result) -> None:
    if not stat.S_ISREG(seen.st_mode):
        raise KeyRefused(str(path), "it is no regular file")
    if os.name != "posix":  # pragma: no cover — permissions are kept another way there
        return
    if seen.st_uid != os.geteuid():
        raise KeyRefused(str(path), f"it belongs to user {seen.st_uid}, and you are {os.geteuid()}")
    if seen.st_mode & 0o077:
        raise KeyRefused(
            str(path),
            f"others can read it (mode {stat.S_IMODE(seen.st_mode):04o}). If nobody has: chmod 600 {path}. "
            "If somebody may have, make a new key",
        )


def _check_folder(path: Path) -> None:
    mode = path.parent.stat().st_mode
    if os.name == "posix" and mode & 0o022:
        raise KeyRefused(
            str(path),
            f"others can write to its folder (mode {stat.S_IMODE(mode):04o}), and so exchange it: "
            f"chmod 700 {path.parent}",
        )


def sync_folder(folder: Path) -> None:
    """Let a new name in a folder outlive a loss of power."""
    if os.name != "posix":  # pragma: no cover
        return
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
