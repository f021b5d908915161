"""A secret key on a disk: who may read it, what is refused, and that it never shows."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waggledance.mesh import KeyInUse, KeyRefused, hold_key, load_key, new_key, secret_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ids" / "ada.key"


def test_a_new_key_is_loaded_again_and_only_its_owner_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        key = new_key(path)
    finally:
        os.umask(before)
    assert load_key(path).peer == key.peer
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_new_keys_differ(tmp_path: Path) -> None:
    assert new_key(tmp_path / "a.key").peer != new_key(tmp_path / "b.key").peer


def test_the_secret_is_in_no_text_of_a_key_or_an_error(path: Path) -> None:
    key = new_key(path)
    secret = path.read_text().split()[-1]
    assert len(secret) == 64
    assert secret not in repr(key)
    path.write_text(path.read_text().replace("public ", "public 00"))
    with pytest.raises(KeyRefused) as refused:
        load_key(path)
    assert secret not in str(refused.value) + repr(refused.value)


def test_a_key_is_not_overwritten(path: Path) -> None:
    key = new_key(path)
    with pytest.raises(KeyRefused, match="there already"):
        new_key(path)
    assert load_key(path).peer == key.peer


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_can_read_is_not_loaded(path: Path, mode: int) -> None:
    new_key(path)
    path.chmod(mode)
    with pytest.raises(KeyRefused, match=r"others can read it \(mode 06.*chmod 600"):
        load_key(path)


def test_a_folder_that_others_can_write_to_holds_no_key(path: Path) -> None:
    new_key(path)
    path.parent.chmod(0o770)
    with pytest.raises(KeyRefused, match=r"write to its folder.*chmod 700"):
        load_key(path)
    with pytest.raises(KeyRefused, match="write to its folder"):
        new_key(path.with_name("ben.key"))
    assert not path.with_name("ben.key").exists()


def test_a_link_is_neither_loaded_nor_written_through(path: Path, tmp_path: Path) -> None:
    new_key(path)
    link = path.with_name("link.key")
    link.symlink_to(path)
    with pytest.raises(KeyRefused, match="a link"):
        load_key(link)
    hanging = path.with_name("hanging.key")
    hanging.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyRefused, match="there already"):
        new_key(hanging)
    assert not (tmp_path / "elsewhere").exists()


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("make", [_folder, _pipe])
def test_what_is_no_file_is_no_key_and_nothing_waits_for_it(path: Path, make: Callable[[Path], None]) -> None:
    path.parent.mkdir(mode=0o700)
    make(path)
    with pytest.raises(KeyRefused, match="no regular file"):
        load_key(path)


def test_a_missing_key_says_how_to_make_one(path: Path) -> None:
    with pytest.raises(KeyRefused, match="waggle id new"):
        load_key(path)


def test_a_cut_off_key_is_never_loaded(path: Path) -> None:
    new_key(path)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(KeyRefused, match="damaged"):
            load_key(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_one_changed_byte_never_makes_another_key(path: Path, where: float, byte: int) -> None:
    path.unlink(missing_ok=True)
    key = new_key(path)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[int(where * len(whole))] = byte
    path.write_bytes(changed)
    try:
        assert load_key(path).peer == key.peer
    except KeyRefused:
        assert changed != whole


def test_the_secret_text_is_a_key_file_that_works_elsewhere(path: Path, tmp_path: Path) -> None:
    key = new_key(path)
    copy = tmp_path / "copy.key"
    copy.touch(0o600)
    copy.write_text(secret_text(path))
    assert load_key(copy).peer == key.peer


SPEAK = """
import sys
from pathlib import Path
from waggledance.mesh import hold_key
hold_key(Path(sys.argv[1]))
print("speaking", flush=True)
sys.stdin.read()
"""


def test_a_second_process_with_one_key_is_told_who_holds_it(path: Path) -> None:
    new_key(path)
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", SPEAK, str(path)]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "speaking\n"
        second = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert second.returncode != 0
        assert f"process {first.pid} speaks with this key already" in second.stderr
        with pytest.raises(KeyInUse, match=f"process {first.pid} "):
            hold_key(path)
        load_key(path)  # reading it is nobody's business
        first.kill()
        first.wait()
    hold_key(path).release()
