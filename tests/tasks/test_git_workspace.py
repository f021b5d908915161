import os
import subprocess
from pathlib import Path
from random import Random

import pytest

from waggledance.core import MessageId, RunFailed, UsageError
from waggledance.tasks import (
    Collided,
    Delivered,
    GitFailed,
    GitMerging,
    Merged,
    Sandbox,
    TaskId,
    integrate,
    passes,
    take_in,
    workspace,
)  # fmt: skip
from waggledance.tasks._git import said_by_git


def run(*words: str, at: Path) -> str:
    return subprocess.run(["git", *words], cwd=at, check=True, capture_output=True, text=True).stdout.strip()


def repository(at: Path, files: dict[str, str]) -> tuple[Path, str]:
    at.mkdir(parents=True)
    run("init", "-q", at=at)
    for path, text in files.items():
        (at / path).write_text(text)
    run("add", "-A", at=at)
    run("-c", "user.name=x", "-c", "user.email=x@x.invalid", "commit", "-q", "--date=@0 +0000", "-m", "start", at=at)
    return at, run("rev-parse", "HEAD", at=at)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "@0 +0000")
    calls = "from a import f\n\n\ndef test_f():\n    assert f() == 1\n"
    return repository(tmp_path / "home", {"a.py": "def f():\n    return 1\n", "b.py": "x = 1\n", "test_a.py": calls})


async def work(at: Path, base: str, who: str, files: dict[str, str]) -> str:
    async with workspace(at, base, who) as mine:
        for path, text in files.items():
            (mine.path / path).write_text(text)
        return await mine.commit(f"{who} was here")


def delivered(commit: str, lamport: int, priority: int = 0) -> Delivered:
    return Delivered(TaskId(bytes(32)), commit, priority, lamport, MessageId(bytes([lamport]) * 32))


async def test_the_same_work_is_the_same_commit_whoever_looks_and_whenever(start: tuple[Path, str]) -> None:
    at, base = start
    one = await work(at, base, "ada", {"b.py": "x = 2\n"})
    assert one == await work(at, base, "ada", {"b.py": "x = 2\n"})
    assert one != await work(at, base, "ben", {"b.py": "x = 2\n"})
    assert run("log", "-1", "--format=%an %ct %s", one, at=at) == "ada 1 ada was here"
    assert run("worktree", "list", at=at).count("\n") == 0
    assert (at / "b.py").read_text() == "x = 1\n"


async def test_workspaces_do_not_see_each_other(start: tuple[Path, str]) -> None:
    at, base = start
    async with workspace(at, base, "ada") as ada, workspace(at, base, "ben") as ben:
        (ada.path / "new.py").write_text("")
        assert not (ben.path / "new.py").exists()
        with pytest.raises(RunFailed, match="nothing to commit"):
            await ben.commit("nothing")
        with pytest.raises(RunFailed, match="nothing to bundle"):
            await ben.bundle()
    assert not ada.path.exists()


async def test_a_bundle_brings_work_to_another_repository(start: tuple[Path, str], tmp_path: Path) -> None:
    at, base = start
    elsewhere = tmp_path / "elsewhere"
    run("clone", "-q", "--bare", str(at), str(elsewhere), at=tmp_path)
    async with workspace(at, base, "ada") as ada:
        (ada.path / "b.py").write_text("x = 2\n")
        commit, bundle = await ada.commit("two"), await ada.bundle()
    await take_in(elsewhere, bundle, commit)
    here, there = [await GitMerging(place).merge(base, commit) for place in (at, elsewhere)]
    assert isinstance(here, Merged)
    assert here == there
    with pytest.raises(RunFailed, match="does not bring"):
        await take_in(elsewhere, bundle, "1" * 40)
    with pytest.raises(GitFailed):
        await take_in(elsewhere, bundle[: len(bundle) // 2], commit)


@pytest.mark.slow
async def test_sixteen_branches_that_touch_other_lines_merge_cleanly(tmp_path: Path) -> None:
    files = {f"f{i:03}.txt": "\n".join(f"line {j}" for j in range(40)) for i in range(64)}
    at, base = repository(tmp_path / "many", files)
    rng, commits = Random(2), list[str]()
    drawn = rng.sample(sorted(files), 48)
    for who in range(16):
        mine = {
            name: files[name].replace(f"line {rng.randrange(40)}\n", f"by {who}\n", 1) for name in drawn[3 * who :][:3]
        }
        commits.append(await work(at, base, f"p{who}", mine))
    ended = await integrate(base, [delivered(commit, i) for i, commit in enumerate(commits)], GitMerging(at), None)
    assert (len(ended.merged), ended.bounced) == (16, ())


async def test_who_collides_is_told_the_files(start: tuple[Path, str]) -> None:
    at, base = start
    one = await work(at, base, "ada", {"a.py": "def f():\n    return 2\n", "b.py": "x = 2\n"})
    other = await work(at, base, "ben", {"a.py": "def f():\n    return 3\n", "b.py": "x = 2\n"})
    merging = GitMerging(at)
    head = await merging.merge(base, one)
    assert isinstance(head, Merged)
    assert await merging.merge(head.commit, other) == Collided(("a.py",))


async def test_the_gate_looks_at_the_merged_tree_not_at_the_branch(start: tuple[Path, str]) -> None:
    at, base = start
    renames = {
        "a.py": "def g():\n    return 1\n",
        "test_a.py": "from a import g\n\n\ndef test_g():\n    assert g() == 1\n",
    }
    deliveries = [
        delivered(await work(at, base, "ada", renames), 1),
        delivered(
            await work(at, base, "ben", {"test_c.py": "import a\n\n\ndef test_c():\n    assert a.f() == 1\n"}), 2
        ),
        delivered(await work(at, base, "cy", {"b.py": "x = 3\n"}), 3),
    ]
    merging = GitMerging(at)
    gate = passes(
        ["env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", "python3", "-m", "pytest", "-q", "-x"], merging, Sandbox()
    )
    ended = await integrate(base, deliveries, merging, gate)
    assert [one.lamport for one in ended.merged] == [1, 3]
    assert "has no attribute 'f'" in ended.bounced[0].reason
    assert len((await integrate(base, deliveries, merging, None)).merged) == 3
    assert (await integrate(base, [deliveries[1]], merging, gate)).bounced == ()


async def test_settings_hooks_and_filters_of_this_machine_change_nothing(
    start: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at, base = start
    before = await work(at, base, "ada", {"b.py": "x = 2\r\n"})
    hook = at / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    settings = tmp_path / "settings"
    settings.write_text("[core]\n\tautocrlf = input\n[user]\n\tname = other\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "other")
    assert await work(at, base, "ada", {"b.py": "x = 2\r\n"}) == before
    assert not (tmp_path / "hooked").exists()


@pytest.mark.parametrize("bad", ["", "HEAD", "--help", "0" * 39, "0" * 40])
async def test_what_names_no_commit_is_refused(start: tuple[Path, str], bad: str) -> None:
    at, base = start
    with pytest.raises(RunFailed):
        await GitMerging(at).merge(base, bad)
    with pytest.raises(RunFailed):
        async with workspace(at, bad, "ada"):
            pass


async def test_no_repository_and_no_git_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GitFailed, match="not a git repository"):
        await said_by_git("status", at=tmp_path)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UsageError, match="git is not installed"):
        await said_by_git("status", at=tmp_path)
