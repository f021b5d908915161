"""Merge two commits without a work tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from waggledance.tasks._git import GitFailed, commit_name, git, said_by_git, signed_by

_MERGER = "merge"
_SHOWN = 20
"""So many files are named when a merge fails."""


@dataclass(frozen=True)
class Merged:
    """A merge that went cleanly: its commit and the hash of its tree, the same wherever it is made."""

    commit: str
    tree: str


@dataclass(frozen=True)
class Collided:
    """A merge that did not: the files that both sides changed."""

    files: tuple[str, ...]


@dataclass(frozen=True)
class GitMerging:
    """Merges in one repository, by the ``ort`` strategy of ``git merge-tree`` (git 2.38 or newer)."""

    repository: Path

    async def merge(self, head: str, commit: str) -> Merged | Collided:
        """Merge a commit onto a head.

        Args:
            head: the commit to merge onto.
            commit: the one that is merged.

        Raises:
            RunFailed: a commit is not here, or both have no common beginning.
        """
        head, commit, at = commit_name(head), commit_name(commit), self.repository
        words = ("merge-tree", "--write-tree", "-z", "--name-only", head, commit)
        ended = await git(*words, at=at, fine=(0, 1))
        if not ended.stdout:  # of a commit that is not here it says 1 as well
            raise GitFailed(words, ended.returncode, ended.stderr.decode(errors="replace"))
        tree, *rest = ended.stdout.decode(errors="replace").split("\0")
        if ended.returncode == 1:
            files = rest[: rest.index("")] if "" in rest else rest
            return Collided(tuple(sorted(set(files)))[:_SHOWN])
        by = await signed_by(_MERGER, at, head)
        parents = ("-p", head, "-p", commit)
        made = await said_by_git("commit-tree", tree, *parents, at=at, feed=f"Merge {commit}".encode(), environment=by)
        return Merged(made, tree)

    async def export(self, tree: str, to: Path) -> None:
        """Write a tree's files into a folder; nothing else of the repository goes with them.

        Raises:
            RunFailed: there is no such tree.
        """
        index = {"GIT_INDEX_FILE": str(to.parent / f"{to.name}.index"), "GIT_WORK_TREE": str(to)}
        await git("read-tree", commit_name(tree), at=self.repository, environment=index)
        await git("checkout-index", "--all", "--force", at=self.repository, environment=index)
