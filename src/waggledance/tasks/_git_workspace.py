"""A workspace of one's own: a git work tree in a temporary folder, so that nobody sees another's half-done work.

Source: JiayiGeng et al. 2026, "CAID", arXiv:2603.21489: isolation by work trees; by instruction only it is worse.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from waggledance.core import RunFailed
from waggledance.tasks._git import commit_name, git, said_by_git, signed_by


@dataclass
class GitWorkspace:
    """One peer's work tree.

    Args:
        path: where its files are.
        repository: the repository that it is a work tree of.
        base: the commit that it began at.
        who: the peer, for the commits' author.
    """

    path: Path
    repository: Path
    base: str
    who: str

    async def commit(self, message: str) -> str:
        """Commit everything that was changed, added or removed; return the commit's hash.

        The same changes by the same peer on the same commit give the same hash: no clock enters it.

        Raises:
            RunFailed: nothing was changed, or git failed.
        """
        await git("add", "--all", at=self.path)
        parent = await said_by_git("rev-parse", "HEAD", at=self.path)
        tree = await said_by_git("write-tree", at=self.path)
        if tree == await said_by_git("rev-parse", "HEAD^{tree}", at=self.path):
            raise RunFailed(f"{self.who} has changed nothing since {parent[:12]}, so there is nothing to commit")
        by = await signed_by(self.who, self.path, parent)
        feed = message.encode(errors="replace") or b"work"
        commit = await said_by_git("commit-tree", tree, "-p", parent, at=self.path, feed=feed, environment=by)
        await git("reset", "--quiet", "--soft", commit, at=self.path)
        return commit

    async def bundle(self) -> bytes:
        """Return its commits since the base as a bundle, to be taken in by another repository that has the base.

        Raises:
            RunFailed: nothing was committed.
        """
        if await said_by_git("rev-parse", "HEAD", at=self.path) == self.base:
            raise RunFailed(f"{self.who} has committed nothing since {self.base[:12]}, so there is nothing to bundle")
        return (await git("bundle", "create", "--quiet", "-", "HEAD", f"^{self.base}", at=self.path)).stdout


@contextlib.asynccontextmanager
async def workspace(repository: Path, base: str, who: str) -> AsyncGenerator[GitWorkspace]:
    """Make a work tree at a commit, and take it away after use; commits stay in the repository.

    Args:
        repository: a git repository.
        base: the hash of the commit to begin at.
        who: the peer whose it is.

    Raises:
        RunFailed: there is no such commit or repository.
    """
    base, place = commit_name(base), Path(tempfile.mkdtemp(prefix="waggle-workspace-"))
    path = place / "tree"
    try:
        await git("worktree", "add", "--quiet", "--detach", str(path), base, at=repository)
        yield GitWorkspace(path, repository, base, who)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        await git("worktree", "prune", at=repository)


async def take_in(repository: Path, bundle: bytes, commit: str) -> None:
    """Take a bundle's commits into a repository. Git checks every object; no branch is moved.

    Raises:
        RunFailed: the bundle is broken, needs commits that are not here, or does not bring that commit.
    """
    commit = commit_name(commit)
    with tempfile.TemporaryDirectory(prefix="waggle-bundle-") as folder:
        file = Path(folder) / "work.bundle"
        file.write_bytes(bundle)
        await git("bundle", "unbundle", str(file), at=repository)
    if (await git("cat-file", "-t", commit, at=repository, fine=(0, 128))).stdout.strip() != b"commit":
        raise RunFailed(f"the bundle does not bring commit {commit[:12]}")
