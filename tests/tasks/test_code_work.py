"""Peers change one repository at once, for real: git, the sandbox, the plan; only what they write is scripted."""

from __future__ import annotations

import asyncio
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from waggledance import Swarm
from waggledance.core import Channel, RunFailed, UsageError, swarm_id
from waggledance.peers import FunctionPeer
from waggledance.tasks import (
    Claiming,
    CodeWork,
    Delivery,
    Plan,
    PlanEdit,
    Result,
    Sandbox,
    Task,
    Work,
    code_plan,
    read_delivery,
    run_plan,
)
from waggledance.testing._seats_at import seats_at

START = {
    "bees.py": "def count(bees):\n    return len(bees)\n",
    "test_bees.py": "import bees\n\nassert bees.count([1, 2]) == 2\n",
    "README": "Bees.\n",
    "all.py": "import glob\nimport runpy\n\nfor name in sorted(glob.glob('test_*.py')):\n    runpy.run_path(name)\n",
}
TEST = ("python", "all.py")
ONE_EACH = Claiming(in_flight=1, lease_s=2.0, stagger_s=0.05)
RENAME, CALL, README = (Task(goal=goal) for goal in ("Rename count to number", "Add mean", "Write the README"))
RENAMED = (
    "=== bees.py\ndef number(bees):\n    return len(bees)\n"
    "=== test_bees.py\nimport bees\n\nassert bees.number([1, 2]) == 2\n"
)


def git(*words: str, at: Path) -> str:
    return subprocess.run(["git", *words], cwd=at, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def start(tmp_path: Path) -> tuple[Path, str]:
    at = tmp_path / "home"
    at.mkdir()
    git("init", "-q", at=at)
    for name, text in START.items():
        (at / name).write_text(text)
    git("add", "-A", at=at)
    git("-c", "user.name=x", "-c", "user.email=x@x.invalid", "commit", "-q", "-m", "start", at=at)
    return at, git("rev-parse", "HEAD", at=at)


def scripted(asked: str) -> str:
    """Rename a function, and where it is called as far as shown; call it by the name it has there; write a README."""
    goal = asked.partition("\n")[0]
    if goal == RENAME.goal:
        mean = "=== mean.py\nimport bees\n\n\ndef mean(xs):\n    return sum(xs) / bees.number(xs)\n"
        return RENAMED + (mean if "bees.count(xs)" in asked else "")
    if goal == CALL.goal:
        name = "number" if "def number" in asked else "count"
        return (
            f"=== mean.py\nimport bees\n\n\ndef mean(xs):\n    return sum(xs) / bees.{name}(xs)\n"
            "=== test_mean.py\nimport mean\n\nassert mean.mean([1, 3]) == 2\n"
        )
    return "=== README\nBees, counted.\n"


def peers(n: int = 3, says: Any = scripted) -> list[FunctionPeer]:
    return [FunctionPeer(f"p{i}", says) for i in range(n)]


def green(head: str, at: Path, to: Path) -> bool:
    to.mkdir()
    git("worktree", "add", "-q", "--detach", str(to / "tree"), head, at=at)
    return subprocess.run(["python3", "all.py"], cwd=to / "tree", check=False, capture_output=True).returncode == 0


async def test_who_renames_and_who_calls_at_once_both_get_in_and_every_head_is_green(
    start: tuple[Path, str], tmp_path: Path
) -> None:
    at, base = start
    both, here = asyncio.Event(), set[str]()

    async def at_once(asked: str) -> str:
        """Hold back whoever renames, and whoever calls, until the other has been asked as well."""
        here.add(asked.partition("\n")[0])
        if {RENAME.goal, CALL.goal} <= here:
            both.set()
        await both.wait()
        return scripted(asked)

    work = CodeWork(at, base, TEST, Sandbox())
    swarm = Swarm(peers(says=at_once), seed=3)
    made = await swarm.run(code_plan([RENAME, CALL, README]), execute=work, claiming=ONE_EACH)
    assert made.plan.complete
    seen = await work.integrated(made.plan)
    assert len(seen.merged) == 3
    assert all(green(head, at, tmp_path / f"t{n}") for n, head in enumerate(seen.heads))
    tree = git("ls-tree", "--name-only", seen.head, at=at).split()
    assert {"mean.py", "test_mean.py"} <= set(tree)
    assert git("show", f"{seen.head}:README", at=at) == "Bees, counted."
    tried = [entry for entry in made.plan.entries.values() if entry.task.goal in (RENAME.goal, CALL.goal)]
    again = [reason for entry in tried for reason in entry.reasons] + [one.reason for one in seen.bounced]
    assert any("merged it fails" in why or "both changed" in why for why in again)
    assert f"head {seen.head}" in made.text
    assert (git("rev-parse", "HEAD", at=at), git("status", "--porcelain", at=at)) == (base, "")


async def test_a_peer_that_was_elsewhere_comes_to_the_same_head_from_the_messages_alone(
    start: tuple[Path, str], tmp_path: Path
) -> None:
    at, base = start
    for name in ("other", "small"):
        git("clone", "-q", "--bare", str(at), name, at=tmp_path)
    work, said = CodeWork(at, base, TEST, Sandbox()), list[Any]()
    swarm = Swarm(peers(), seed=1)
    made = await swarm.run(code_plan([RENAME, CALL, README]), execute=work, claiming=ONE_EACH, watch=said.append)
    elsewhere = CodeWork(tmp_path / "other", base, TEST, Sandbox())
    backwards = await elsewhere.integrated(Plan.fold(reversed(said)))
    assert backwards == await work.integrated(made.plan)
    assert backwards.head in made.text
    with pytest.raises(RunFailed, match="not a git repository"):
        await CodeWork(tmp_path, base).integrated(made.plan)


class Racing(CodeWork):
    """Delivers without a look at the head, as peers do that cannot have heard of each other yet."""

    async def _fits(self, work: Work, commit: str) -> None:
        if work.task.parent is not None:
            await super()._fits(work, commit)


async def test_what_was_done_at_once_and_excludes_each_other_is_done_again_by_the_plan(start: tuple[Path, str]) -> None:
    at, base = start
    work = Racing(at, base, TEST, Sandbox())
    asked, both = list[str](), asyncio.Event()

    async def at_once(words: str) -> str:
        asked.append(words)
        if len(asked) >= 2:
            both.set()
        await both.wait()
        return scripted(words)

    made = await Swarm(peers(2, at_once), seed=5).run(code_plan([RENAME, CALL]), execute=work, claiming=ONE_EACH)
    assert made.plan.complete
    seen = await work.integrated(made.plan)
    assert (len(seen.merged), len(seen.bounced)) == (2, 1)
    assert len(asked) == 3
    assert "merged it fails" in asked[2]
    assert seen.head in made.text
    assert "mean.py" in git("ls-tree", "--name-only", seen.head, at=at)


class Careless(CodeWork):
    """Delivers whatever was written."""

    async def _fits(self, work: Work, commit: str) -> None:
        """Look at nothing."""


async def test_what_is_refused_again_and_again_fails_the_plan_and_the_head_stays(start: tuple[Path, str]) -> None:
    at, base = start
    work = Careless(at, base, ("false",), Sandbox())
    made = await Swarm(peers(1)).run(code_plan([README]), execute=work, claiming=ONE_EACH)
    assert not made.plan.complete
    assert [entry.status for entry in made.plan.entries.values() if entry.task.goal == README.goal] == ["done"] * 5
    assert any("still not in the head" in why for entry in made.plan.entries.values() for why in entry.reasons)
    assert (await work.integrated(made.plan)).heads == (base,)


async def test_a_peer_that_is_killed_costs_a_lease_and_nothing_of_the_repository(start: tuple[Path, str]) -> None:
    at, base = start
    work, never, began = CodeWork(at, base, TEST, Sandbox()), asyncio.Event(), asyncio.Event()
    stuck = list[str]()

    async def one_hangs(words: str) -> str:
        if not stuck:
            stuck.append(words)
            began.set()
            await never.wait()
        return scripted(words)

    channel = Channel(swarm_id("code"), "code")
    seats = seats_at(channel, peers(2, one_hangs))
    await seats[0].publish(PlanEdit(ops=tuple(code_plan([RENAME, README]))))
    running = [asyncio.create_task(run_plan(seat, execute=work, claiming=ONE_EACH)) for seat in seats]
    await began.wait()
    held = {e.task.goal: e.holder for e in Plan.fold(channel.messages()).busy()}
    victim = running[[seat.me for seat in seats].index(held[stuck[0].partition("\n")[0]] or seats[0].me)]
    victim.cancel()
    ended = [await task for task in running if task is not victim]
    assert ended[0].complete
    assert len((await work.integrated(ended[0])).merged) == 2
    assert git("worktree", "list", at=at).count("\n") == 0


async def test_stubs_come_before_all_that_builds_on_them(start: tuple[Path, str]) -> None:
    at, base = start
    stubs, order = Task(goal="Write stubs"), list[str]()

    def says(asked: str) -> str:
        goal = asked.partition("\n")[0]
        order.append(goal)
        if goal == stubs.goal:
            return "=== hive.py\ndef weigh(hive):\n    raise NotImplementedError\n"
        assert "def weigh(hive)" in asked
        return f"=== {goal}.py\nimport hive\n"

    tasks = [Task(goal="left"), Task(goal="right")]
    made = await Swarm(peers(says=says)).run(
        code_plan(tasks, stubs=stubs), execute=CodeWork(at, base), claiming=ONE_EACH
    )
    assert made.plan.complete
    assert order[0] == stubs.goal
    assert sorted(order[1:]) == ["left", "right"]


class Answers(list[str]):
    """Answers one after the other, whatever is asked."""

    def next(self, _asked: str) -> str:
        return self.pop(0)


async def test_an_answer_without_files_or_with_a_path_outside_fails_and_says_so(start: tuple[Path, str]) -> None:
    at, base = start
    answers = Answers(["No.", "=== ../out.py\nx", "=== README\nBees.\n", "=== README\nBees!\n"])
    made = await Swarm(peers(1, answers.next)).run(
        code_plan([Task(goal="Change the README", tries=4)]), execute=CodeWork(at, base), claiming=ONE_EACH
    )
    [entry] = [entry for entry in made.plan.entries.values() if entry.task.goal.startswith("Change")]
    assert [word in why for word, why in zip(("=== path", "no path", "changed nothing"), entry.reasons, strict=True)]
    assert made.plan.complete
    assert not (at.parent / "out.py").exists()


async def delivered(at: Path, base: str, **more: Any) -> tuple[CodeWork, Plan, Delivery]:
    work = CodeWork(at, base, **more)
    made = await Swarm(peers(1)).run(code_plan([README]), execute=work, claiming=ONE_EACH)
    [text] = [text for id in made.plan.entries if read_delivery(text := made.plan.result(id) or "")]
    found = read_delivery(text)
    assert found is not None
    return work, made.plan, found


async def test_a_broken_or_foreign_bundle_is_refused_by_all_and_the_rest_enters(start: tuple[Path, str]) -> None:
    at, base = start
    _, _, good = await delivered(at, base)
    other = b64encode(f"# v2 git bundle\n-{'1' * 40} x\n{good.commit} HEAD\n\nPACK".encode()).decode()
    cut = b64encode(b"# v2 git bundle").decode()
    for bad in (replace_in(good, base64=other), replace_in(good, base64=cut), replace_in(good, base64="§"),
                replace_in(good, commit="--help"), replace_in(good, commit="2" * 40)):  # fmt: skip

        async def deliver(_work: Work, bad: Delivery = bad) -> Result:
            return Result(bad.text())

        made = await Swarm(peers(1)).run(README, execute=deliver, claiming=ONE_EACH)
        seen = await CodeWork(at, base).integrated(made.plan)
        assert (seen.heads, len(seen.bounced)) == ((base,), 1)
        assert "bundle" in seen.bounced[0].reason


def replace_in(delivery: Delivery, **fields: Any) -> Delivery:
    return msgspec.structs.replace(delivery, **fields)


async def test_a_bundle_too_large_for_a_result_goes_by_the_shared_folder(
    start: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, base = start
    monkeypatch.setattr("waggledance.tasks._delivery.FITS_BYTES", 10)
    (tmp_path / "shared").mkdir()
    work, plan, made = await delivered(at, base, shared=tmp_path / "shared")
    assert made.base64 == ""
    git("clone", "-q", "--bare", str(at), "other", at=tmp_path)
    other = CodeWork(tmp_path / "other", base, shared=tmp_path / "shared")
    assert (await other.integrated(plan)).head == (await work.integrated(plan)).head != base
    file = tmp_path / "shared" / made.file
    for spoil in (lambda: file.write_bytes(b"other"), file.unlink):
        spoil()
        with pytest.raises(RunFailed, match="shared folder"):
            await CodeWork(tmp_path / "other", base, shared=tmp_path / "shared").integrated(plan)
    made = await Swarm(peers(1)).run(code_plan([replace_goal()]), execute=CodeWork(at, base), claiming=ONE_EACH)
    assert any("they share" in why for entry in made.plan.entries.values() for why in entry.reasons)


def replace_goal() -> Task:
    return Task(goal="Write the README", tries=1)


def test_senseless_wishes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one task"):
        code_plan([])
    with pytest.raises(UsageError, match="sandbox"):
        CodeWork(tmp_path, "0" * 40, ("true",))
    with pytest.raises(UsageError, match="no shared folder"):
        CodeWork(tmp_path, "0" * 40, shared=tmp_path / "none")
    with pytest.raises(RunFailed, match="whole hash"):
        CodeWork(tmp_path, "HEAD")
