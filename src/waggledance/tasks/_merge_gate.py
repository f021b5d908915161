"""The merge gate: work enters the head only when the *merged* tree passes its check, whatever passed on the branch.

Which commits make up the head is a function of the deliveries: any peer who holds the same ones, in any order, comes
to the same chain. A clean merge of text can be broken all the same: one peer renames what another calls.
Source: JiayiGeng et al. 2026, "CAID", arXiv:2603.21489; the paper trusts the engineer's own run, we do not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from waggledance.core import MessageId, RunFailed
from waggledance.tasks._check import Finding
from waggledance.tasks._check_command import command_in
from waggledance.tasks._merge import Collided, GitMerging, Merged
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._task import TaskId


@dataclass(frozen=True)
class Delivered:
    """A task's result that is a commit, and where its message stands among all."""

    task: TaskId
    commit: str
    priority: int
    """The task's; the higher one enters first."""
    lamport: int
    """The logical clock of the message that said the task is done."""
    done: MessageId
    """That message."""


@dataclass(frozen=True)
class Bounced:
    """A delivery that did not enter: to be done again on the head that refused it."""

    delivered: Delivered
    head: str
    reason: str
    files: tuple[str, ...] = ()
    """The files that both sides changed; none where the merged tree failed its check."""


@dataclass(frozen=True)
class Integration:
    """What became of all deliveries."""

    heads: tuple[str, ...]
    """The chain of heads, the first one before any delivery; each after it passed its check."""
    merged: tuple[Delivered, ...]
    """Which deliveries entered, one for each head but the first."""
    bounced: tuple[Bounced, ...]

    @property
    def head(self) -> str:
        """The newest head."""
        return self.heads[-1]


class Merging(Protocol):
    """Merges commits, the same everywhere; `GitMerging` is one."""

    async def merge(self, head: str, commit: str) -> Merged | Collided: ...


TreeCheck = Callable[[str], Awaitable[Finding]]
"""Looks at a tree by its hash; the same for the same tree, or peers come to different heads."""


async def integrate(
    head: str, deliveries: Iterable[Delivered], merging: Merging, check: TreeCheck | None
) -> Integration:
    """Merge deliveries onto a head one after the other: by priority, then by logical clock, then by message id.

    Args:
        head: the commit to begin at.
        deliveries: in any order; one given twice counts once.
        merging: makes merges.
        check: what a merged tree must pass; asked once a tree. Without one every clean merge enters.

    Raises:
        RunFailed: the check could not say.
    """
    seen: dict[str, Finding] = {}
    heads, merged, bounced = [head], list[Delivered](), list[Bounced]()
    for one in sorted(set(deliveries), key=lambda d: (-d.priority, d.lamport, d.done)):
        try:
            made = await merging.merge(heads[-1], one.commit)
        except RunFailed as why:  # a commit that nobody has, or of another repository: its author's fault
            bounced.append(Bounced(one, heads[-1], str(why)))
            continue
        if isinstance(made, Collided):
            bounced.append(Bounced(one, heads[-1], f"both changed {', '.join(made.files)}", made.files))
            continue
        if check is not None and made.tree not in seen:
            seen[made.tree] = await check(made.tree)
        if check is None or seen[made.tree].passed:
            heads.append(made.commit)
            merged.append(one)
        else:
            bounced.append(Bounced(one, heads[-1], f"merged it fails: {seen[made.tree].reason}"))
    return Integration(tuple(heads), tuple(merged), tuple(bounced))


def passes(words: Sequence[str], merging: GitMerging, sandbox: Sandbox) -> TreeCheck:
    """Return the check that a command ends with exit code 0 in a merged tree, in a sandbox that holds its files.

    Args:
        words: the command, such as ``["pytest", "-q"]``; see `command`.
        merging: the repository.
        sandbox: where it runs; a peer's tests are a peer's code.
    """

    async def check(tree: str) -> Finding:
        with tempfile.TemporaryDirectory(prefix="waggle-tree-") as folder:
            to = Path(folder) / "tree"
            to.mkdir()
            await merging.export(tree, to)
            return await command_in(words, to, sandbox)

    return check
