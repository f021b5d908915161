"""`waggle run --on ray`: the same plan gives the same file as in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from waggledance.cli._app import app

PLAN = """
model: "scripted:all is well"
steps:
  draft: {prompt: "Write of {topic}."}
  review: {prompt: "Is it fine? {draft}"}
  count: {python: "counting:count"}
"""
COUNTING = """
async def count(row, draft):
    return len(draft) + len(row.data["topic"])
"""


def written(folder: Path) -> list[str]:
    """A plan, and rows for it."""
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "counting.py").write_text(COUNTING)
    rows = [json.dumps({"id": f"r{n}", "topic": "bees" * (n % 5)}) for n in range(60)]
    (folder / "rows.jsonl").write_text("\n".join(["no JSON", *rows]) + "\n")
    return ["run", str(folder / "plan.yaml"), "--rows", str(folder / "rows.jsonl"), "--quiet"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_same_plan_gives_the_same_file_on_ray_and_goes_on_from_its_journal(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="pip install waggledance[ray]")
    command = [sys.executable, "-c", "from waggledance.cli import main; main()", *written(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}

    def ran(out: str, *more: str) -> str:
        asked = [*command, "--out", str(tmp_path / out), *more]
        said = subprocess.run(asked, capture_output=True, text=True, env=environment, check=False)
        assert said.returncode == 0, said.stderr
        return said.stdout

    ran("here.jsonl")
    assert "60 rows done, 1 failed" in ran("there.jsonl", "--on", "ray")
    assert (tmp_path / "there.jsonl").read_bytes() == (tmp_path / "here.jsonl").read_bytes()
    dead = [(tmp_path / f"{name}.jsonl.dead.jsonl").read_bytes() for name in ("here", "there")]
    assert dead[0] == dead[1] != b""
    assert "61 were there already" in ran("there.jsonl", "--on", "ray")
    assert "61 were there already" in ran("there.jsonl")


def test_without_ray_installed_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = CliRunner().invoke(app, [*written(tmp_path), "--out", str(tmp_path / "out.jsonl"), "--on", "ray"])
    assert said.exit_code == 2
    assert "install" in said.output
    assert "[ray]" in said.output
