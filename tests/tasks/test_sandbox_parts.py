import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.tasks import Limits, Sandbox, SandboxFailed
from waggledance.tasks import _sandbox_walls as walls_module
from waggledance.tasks._sandbox_cgroup import Cgroup
from waggledance.tasks._sandbox_enforces import enforced
from waggledance.tasks._sandbox_output import Kept
from waggledance.tasks._sandbox_run import Run
from waggledance.tasks._sandbox_walls import against, best, command_for, limited
from waggledance.tasks._sandbox_watch import process, tree


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(4, 64))
def test_kept_is_the_beginning_and_the_end_whatever_the_parts(parts: list[bytes], size: int) -> None:
    kept = Kept(size)
    for part in parts:
        kept.add(part)
    whole = b"".join(parts)
    head, tail = whole[: size // 4], whole[size // 4 :][-(size - size // 4) :]
    left_out = len(whole) - len(head) - len(tail)
    gap = f"\n[{left_out:,} bytes left out]\n" if left_out else ""
    assert kept.text() == head.decode(errors="replace") + gap + tail.decode(errors="replace")
    assert kept.total == len(whole)


@pytest.fixture
def forgetful() -> Iterator[None]:
    against.cache_clear()
    yield
    against.cache_clear()


@pytest.mark.usefixtures("forgetful")
def test_walls_that_are_not_installed_are_named_and_the_next_ones_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert best() == "none"
    assert "install the package bubblewrap" in against("bubblewrap")
    with pytest.raises(UsageError, match="bubblewrap"):
        _ = Sandbox(walls="bubblewrap").walls
    assert "bwrap not found" in enforced("none", {})["network"]


@pytest.mark.usefixtures("forgetful")
def test_walls_that_do_not_work_are_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert against("bubblewrap") == "does not work here: No permissions to create new namespace"
    assert best() != "bubblewrap"


@pytest.mark.usefixtures("forgetful")
async def test_walls_that_break_later_are_an_error_that_says_what_was_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sandbox = Sandbox(walls="none")
    assert sandbox.walls == "none"
    monkeypatch.setattr(walls_module, "_KEEPER", tmp_path / "gone.py")
    with pytest.raises(SandboxFailed, match=r"(?s)could not start: .*gone.py.*waggle sandbox check"):
        await sandbox.run(["true"])


async def test_who_is_left_of_a_starter_that_died_is_found_by_their_group(tmp_path: Path) -> None:
    orphan = tmp_path / "orphan"
    dying = Run(["sh", "-c", f"sleep 600 & echo $! > {orphan}; kill -9 $$"], tmp_path, Limits(), None, walled=True)
    with pytest.raises(SandboxFailed, match="could not start"):
        await dying(os.environ, tmp_path)
    assert process(int(orphan.read_text())) is None


def test_limits_are_taken_before_the_walls_are_put_up(tmp_path: Path) -> None:
    argv = limited(
        command_for("bubblewrap", ["true"], tmp_path, Limits(), ()), Limits(memory_bytes=1 << 30), [tmp_path]
    )
    script = argv[2]
    assert script.index("cgroup.procs") < script.index("ulimit -d 1048576") < script.index("exec")
    assert "--unshare-all" in argv
    assert argv[-1] == "true"


@pytest.mark.parametrize("version", [1, 2])
def test_a_group_is_limited_by_the_names_of_its_version(
    tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {1: ("memory.limit_in_bytes", "pids.max"), 2: ("memory.max", "pids.max", "memory.oom.group")}[version]
    make = Path.mkdir

    def mkdir(path: Path) -> None:  # as the kernel does, which puts a controller's files into a new group
        make(path)
        for name in names:
            (path / name).write_text("max")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    group = Cgroup.make([tmp_path], Limits(memory_bytes=100 << 20, disk_bytes=28 << 20, processes=10))
    [folder] = group.folders
    assert [int((folder / name).read_text()) for name in names[:2]] == [128 << 20, 14]
    (folder / "pids.events").write_text("max 3\n")
    assert group.stopped() == "processes"
    (folder / ("memory.oom_control" if version == 1 else "memory.events")).write_text("low 0\noom_kill 2\n")
    assert group.stopped() == "memory"


def test_a_group_that_cannot_be_limited_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="no/such"):
        Cgroup.make([tmp_path / "a", tmp_path / "no/such"], Limits())
    assert list((tmp_path / "a").iterdir()) == []


def test_a_process_is_read_though_its_name_holds_brackets() -> None:
    mine = process(os.getpid())
    assert mine is not None
    assert mine.threads >= 1
    assert mine.resident_bytes > 1 << 20
    assert process(1 << 30) is None
    assert tree(1 << 30, 10) == []
    assert len(tree(os.getpid(), 1)) == 1
