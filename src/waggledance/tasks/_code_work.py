"""Code as work: each task in a work tree of its own from the newest head, and in by the gate on the merged tree only.

There is no manager and no main branch that somebody owns: the head is a function of the plan's results (`integrated`),
the same for all who hold them. What does not fit it is a failed try, with the files and the reason, so whoever claims
the task next begins at the head that refused it. Two that were done at once and exclude each other are both done in
the plan; the last task, which comes after all, sees which one the head has refused, and has it done again.

Source: JiayiGeng et al. 2026, "CAID", arXiv:2603.21489, without its manager.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from waggledance.core import MessageId, RunFailed, UsageError
from waggledance.tasks._check import Finding
from waggledance.tasks._code_prompt import asks_for_files, shown_files
from waggledance.tasks._delivery import Delivery, read_delivery
from waggledance.tasks._edit import Add, Link, Op, PlanEdit
from waggledance.tasks._file_blocks import read_files, write_files
from waggledance.tasks._git import GitFailed, commit_name, git
from waggledance.tasks._git_workspace import take_in, workspace
from waggledance.tasks._merge import GitMerging
from waggledance.tasks._merge_gate import Bounced, Delivered, Integration, TreeCheck, integrate, passes
from waggledance.tasks._plan import Plan
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._task import Task
from waggledance.tasks._work import Result, Work

INTEGRATE = "integrate"
"""The kind of the task that comes after all others: it says what the head is."""
_ROUNDS = 4
"""So often what was done at once and excludes each other is done again, before the plan has failed."""


def code_plan(tasks: Sequence[Task], *, stubs: Task | None = None) -> list[Op]:
    """Return the plan that does tasks on one repository and then says what the head is.

    Args:
        tasks: what is to be done, each in a work tree of its own; link those that build on each other.
        stubs: writes the heads of the functions that the others write or call; all come after it.

    Raises:
        UsageError: there is no task.
    """
    if not tasks:
        raise UsageError("code_plan() needs at least one task, got none")
    first = [] if stubs is None else [stubs]
    last = Task(goal="Say what the head is, and what it has refused", kind=INTEGRATE)
    links = [Link(stubs.id, task.id) for task in tasks if stubs is not None]
    into = [Link(task.id, last.id, when="end") for task in (*first, *tasks)]
    return [*map(Add, (*first, *tasks, last)), *links, *into]


@dataclass
class CodeWork:
    """Does the tasks of a `code_plan`: an executor for peers that write whole files.

    Results are `Delivery` texts. A bundle goes with the result as base64 up to 560 kB, above that into the shared
    folder. Each bundle holds all since `base`, so it can be taken in whatever else is there; the price is that bundles
    grow with the plan.

    Args:
        repository: this peer's own clone, bare or not; nothing checked out and no branch of it is touched. Peers in one
            process may use one.
        base: the commit that the plan begins at, the same for all peers.
        test: the command that must pass on every head, such as ``["pytest", "-q"]``; without one every clean merge
            enters.
        sandbox: where it runs; needed for a command.
        shared: the folder that all peers see, for bundles that are too large for a result.

    Raises:
        UsageError: a command without a sandbox, or the shared folder is none.
        RunFailed: the base is no commit's whole hash.
    """

    repository: Path
    base: str
    test: Sequence[str] = ()
    sandbox: Sandbox | None = None
    shared: Path | None = None
    _found: dict[str, Finding] = field(default_factory=dict[str, Finding], repr=False)
    _at_hand: dict[Delivery, str] = field(default_factory=dict[Delivery, str], repr=False)
    """Of each delivery that was looked at: what is wrong with its bundle, or nothing."""
    _one: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    def __post_init__(self) -> None:
        self.base = commit_name(self.base)
        if self.test and self.sandbox is None:
            raise UsageError("tests are peers' code and run in a sandbox: CodeWork(…, sandbox=Sandbox())")
        if self.shared is not None and not self.shared.is_dir():
            raise UsageError(f"there is no shared folder {self.shared}")

    async def __call__(self, work: Work) -> Result:
        """Do a task: write and deliver, or say what the head is.

        Raises:
            RunFailed: the peer gave no files, or what it made does not fit the head; says which files, and why.
        """
        return await (self._integrate(work) if work.task.kind == INTEGRATE else self._write(work))

    async def integrated(self, plan: Plan) -> Integration:
        """Return the head that a plan's results make, and what it has refused: the same for all who hold them.

        Raises:
            RunFailed: the base is not in the repository, a bundle in the shared folder is not here yet, or the check
                could not say.
        """
        async with self._one:
            await git("cat-file", "-e", f"{self.base}^{{commit}}", at=self.repository)  # or all would seem broken
            deliveries, broken = await self._deliveries(plan)
            made = await integrate(self.base, deliveries, GitMerging(self.repository), self._gate())
            return replace(made, bounced=(*made.bounced, *broken))

    # -- writing ------------------------------------------------------------------------------------------------

    async def _write(self, work: Work) -> Result:
        now = await self.integrated(work.plan)
        past = [*work.past, *[one.reason for one in now.bounced if one.delivered.task == work.task.parent]]
        async with workspace(self.repository, now.head, work.seat.name) as mine:
            said = await work.ask(
                asks_for_files(work.task.goal), expects="free", notes=shown_files(mine.path, work.task.goal, past)
            )
            files = read_files(said.text)
            write_files(files, mine.path)
            commit = await mine.commit(work.task.goal)
            bundle = await replace(mine, base=self.base).bundle()
        await self._fits(work, commit)
        return Result(Delivery.of(commit, tuple(sorted(files)), bundle, self.shared).text(), said.cost)

    async def _fits(self, work: Work, commit: str) -> None:
        """Raise why a commit does not enter the newest head; look again when that has moved on meanwhile."""
        mine = Delivered(work.task.id, commit, 0, 0, MessageId(bytes(32)))
        head, newest = "", (await self.integrated(work.plan)).head
        while head != newest:
            head = newest
            async with self._one:
                tried = await integrate(head, [mine], GitMerging(self.repository), self._gate())
            if tried.bounced:
                raise RunFailed(f"it does not fit the head {head[:12]}: {tried.bounced[0].reason}")
            newest = (await self.integrated(work.plan)).head

    # -- integrating --------------------------------------------------------------------------------------------

    async def _integrate(self, work: Work) -> Result:
        now, plan = await self.integrated(work.plan), work.plan
        followed = {entry.task.parent for entry in plan.entries.values()}
        again = [one for one in now.bounced if one.delivered.task not in followed]
        if again and _rounds(plan, work.task) >= _ROUNDS:
            raise RunFailed(f"done again and again, and still not in the head: {'; '.join(_lines(plan, again))}")
        if again:
            await work.seat.publish(PlanEdit(ops=tuple(_once_more(plan, work.task, again)[:256])))
        lines = [f"head {now.head}", *[f"merged {plan.entries[one.task].task}" for one in now.merged]]
        return Result("\n".join([*lines, *_lines(plan, now.bounced)]))

    async def _deliveries(self, plan: Plan) -> tuple[list[Delivered], list[Bounced]]:
        """Return what a plan's tasks have delivered, taken in; and what is broken and cannot be."""
        whole, broken = list[Delivered](), list[Bounced]()
        for id, entry in plan.entries.items():
            made = read_delivery(plan.result(id) or "") if entry.status == "done" else None
            if made is None or entry.done is None:
                continue
            lamport = plan.result_notes(id)[-1].lamport
            one = Delivered(id, made.commit, entry.task.priority, lamport, entry.done)
            wrong = await self._take_in(made)
            if wrong:
                broken.append(Bounced(one, self.base, wrong))
            else:
                whole.append(one)
        return whole, sorted(broken, key=lambda b: b.delivered.done)

    async def _take_in(self, made: Delivery) -> str:
        """Take a delivery's commit in, once; return what is wrong with it, or nothing."""
        if made not in self._at_hand:
            bundle = made.bundle(self.shared, self.base)
            self._at_hand[made] = "its bundle is broken, or needs other commits than the plan's first"
            if bundle is not None:
                self._at_hand[made] = await self._wrong_with(bundle, made.commit)
        return self._at_hand[made]

    async def _wrong_with(self, bundle: bytes, commit: str) -> str:
        try:
            await take_in(self.repository, bundle, commit)
            await git("merge-base", "--is-ancestor", self.base, commit, at=self.repository)
        except RunFailed as why:
            if isinstance(why, GitFailed) and why.code < 0:  # no end in time: this machine's fault
                raise
            return f"its bundle cannot be taken in: {why}"
        return ""

    def _gate(self) -> TreeCheck | None:
        """Return the check of a tree, asked once for each tree as long as this lives."""
        if not self.test or self.sandbox is None:
            return None
        check = passes(self.test, GitMerging(self.repository), self.sandbox)

        async def once(tree: str) -> Finding:
            if tree not in self._found:
                self._found[tree] = await check(tree)
            return self._found[tree]

        return once


def _once_more(plan: Plan, last: Task, bounced: Sequence[Bounced]) -> list[Op]:
    """Return the edits that have refused deliveries done again, and the head looked at after that.

    They are the same whoever makes them. A task done again has the refused one as its parent.
    """
    before = [plan.entries[one.delivered.task].task for one in bounced]
    tasks = [_with_parent(task, task) for task in before]
    after = _with_parent(last, last)
    links = [Link(task.id, after.id, when="end") for task in (*tasks, last)]
    return [*map(Add, (*tasks, after)), *links]


def _with_parent(task: Task, parent: Task) -> Task:
    return Task(
        goal=task.goal, kind=task.kind, needs=task.needs, checks=task.checks, reviews=task.reviews, tries=task.tries,
        budget=task.budget, parent=parent.id, depth=parent.depth + 1, priority=task.priority,
        deadline_ms=task.deadline_ms,
    )  # fmt: skip


def _rounds(plan: Plan, task: Task) -> int:
    """Return how many looks at the head came before this one."""
    n, at = 0, task.parent
    while at is not None and at in plan.entries:
        n, at = n + 1, plan.entries[at].task.parent
    return n


def _lines(plan: Plan, bounced: Sequence[Bounced]) -> list[str]:
    return [f"refused {plan.entries[one.delivered.task].task}: {one.reason}" for one in bounced]
