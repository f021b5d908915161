"""Git by its own command, cut off from this machine's settings: the same commits come out wherever it runs."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from waggledance.core import RunFailed, UsageError

_TIMEOUT_S = 120.0
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SAME_EVERYWHERE = (
    "core.hooksPath=/dev/null", "core.autocrlf=false", "core.fsmonitor=false", "core.quotePath=false",
    "commit.gpgSign=false", "gc.auto=0", "merge.renames=true", "merge.directoryRenames=conflict",
    "merge.renameLimit=1000", "transfer.fsckObjects=true", "protocol.allow=never", "protocol.file.allow=always",
    "advice.detachedHead=false",
)  # fmt: skip


class GitFailed(RunFailed):
    """Git said no; carries what it was asked and what it said."""

    def __init__(self, words: tuple[str, ...], code: int, said: str) -> None:
        super().__init__(words, code, said)
        self.words, self.code, self.said = words, code, said

    def __str__(self) -> str:
        return f"git {' '.join(self.words)[:120]} ended with {self.code}: {self.said.strip()[-300:] or 'no word'}"


async def git(
    *words: str,
    at: Path,
    feed: bytes = b"",
    environment: Mapping[str, str] | None = None,
    fine: tuple[int, ...] = (0,),
) -> subprocess.CompletedProcess[bytes]:
    """Run git without anybody's settings, hooks or network.

    Args:
        words: the command and its arguments.
        at: the repository or work tree.
        feed: what it reads on stdin.
        environment: more variables.
        fine: the exit codes that are no failure.

    Raises:
        GitFailed: another exit code, or no end within two minutes.
        UsageError: git is not installed.
    """
    program = shutil.which("git")
    if program is None:
        raise UsageError("git is not installed here; get it from your system's packages")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    settings = [part for setting in _SAME_EVERYWHERE for part in ("-c", setting)]

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 — git itself
            [program, *settings, *words], cwd=at, input=feed, capture_output=True, timeout=_TIMEOUT_S, check=False,
            env={**clean, **own, **(environment or {})},
        )  # fmt: skip

    try:
        ended = await asyncio.to_thread(run)
    except subprocess.TimeoutExpired as why:
        raise GitFailed(words, -1, f"no end after {_TIMEOUT_S:g} s") from why
    if ended.returncode not in fine:
        raise GitFailed(words, ended.returncode, ended.stderr.decode(errors="replace"))
    return ended


async def said_by_git(*words: str, at: Path, feed: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
    """Return what git prints, without the last line's end; see `git`."""
    return (await git(*words, at=at, feed=feed, environment=environment)).stdout.decode(errors="replace").rstrip("\n")


def commit_name(text: str) -> str:
    """Return a commit's hash as it stands in a text.

    Raises:
        RunFailed: the text is no hash of 40 or 64 hexadecimal digits.
    """
    name = text.strip()
    if _COMMIT.fullmatch(name) is None:
        raise RunFailed(f"a commit is named by its whole hash, got {name!r:.80}")
    return name


async def signed_by(who: str, at: Path, parent: str) -> dict[str, str]:
    """Return the environment in which a commit is by `who`, a second after its parent: no clock enters its hash."""
    after = int(await said_by_git("show", "-s", "--format=%ct", parent, at=at)) + 1
    name = re.sub(r"[^\w .-]", "_", who)[:60].strip(" .") or "somebody"
    return {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name), ("EMAIL", "peer@waggledance.invalid"), ("DATE", f"@{after} +0000"))
    }
