"""One holder at a time, and the next one is told who it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from waggledance.core import FileLock, UsageError

HOLD = """
import sys
from pathlib import Path
from waggledance.core import FileLock, UsageError
FileLock(Path(sys.argv[1]), UsageError)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_in_this_process_is_told_that_it_is_this_one(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "x.lock", UsageError)
    with pytest.raises(UsageError, match=rf"process {os.getpid()} \(this one\)"):
        FileLock(tmp_path / "x.lock", UsageError)
    lock.release()
    lock.release()
    FileLock(tmp_path / "x.lock", UsageError).release()
    assert not (tmp_path / "x.lock").exists()


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=f"process {holder.pid}$"):
            FileLock(path, UsageError)
        holder.kill()
        holder.wait()
        FileLock(path, UsageError).release()


def test_a_link_in_the_locks_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "x.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        FileLock(tmp_path / "x.lock", UsageError)
    assert (tmp_path / "precious").read_text() == "kept"
