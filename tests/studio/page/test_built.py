"""The page in the package is what its sources build."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "web" / "studio"
PAGE = Path(__file__).parents[3] / "src" / "waggledance" / "studio" / "page"


def told(*command: str | Path) -> str:
    """Run a command in the page's folder; return what it said where it failed, and nothing where it did not."""
    if shutil.which("npx") is None or not (WEB / "node_modules").is_dir():
        pytest.skip("Node or the page's libraries are not here: run `npm ci` in web/studio")
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_page_in_the_package_is_what_its_sources_build() -> None:
    assert told(WEB / "check-built.sh") == ""


def test_the_pure_parts_of_the_page_are_right() -> None:
    assert told("npx", "vitest", "run") == ""


def test_the_page_names_no_address_to_load_from_and_holds_no_inline_script() -> None:
    html = (PAGE / "index.html").read_text()
    assert "http" not in html
    assert "<script>" not in html
    assert "style=" not in html
    assert "<style" not in html
    for name in ("url(", "@import"):
        assert name not in next(PAGE.glob("assets/*.css")).read_text()
    assert "licences.md" in {file.name for file in PAGE.iterdir()}
