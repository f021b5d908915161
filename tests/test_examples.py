"""Every example runs, alone and offline, and is short enough to read at a glance."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_is_under_forty_lines(example: Path, tmp_path: Path) -> None:
    assert len(example.read_text().splitlines()) < 40
    command = [sys.executable, "-W", "error", example]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout
