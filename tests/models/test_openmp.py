"""llama.cpp runs where the system has no OpenMP library: a bare Debian, made here by a namespace of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from waggledance.models import _openmp
from waggledance.models._catalogue import whole
from waggledance.models._errors import WeightsMissing
from waggledance.models._get import fetch
from waggledance.models._llama import Gguf

MACHINE = _openmp.platform.machine()
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or MACHINE not in _openmp.RUNTIMES, reason="the copy is for Linux on x86_64 and aarch64"
)


def test_a_system_with_the_library_wants_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_openmp, "_lacking", lambda: False)
    assert _openmp.wanted() is None
    _openmp.check_openmp("embedded")


def test_without_library_and_copy_the_error_says_both_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_openmp, "_lacking", lambda: True)
    monkeypatch.setenv("WAGGLEDANCE_MODELS", str(tmp_path))
    weights = tmp_path / "any.gguf"
    weights.write_bytes(b"GGUF")
    with pytest.raises(WeightsMissing, match=r"apt-get install libgomp1.*waggle models get"):
        Gguf(weights)


def test_the_fetched_copy_serves_a_library_that_asks_for_libgomp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAGGLEDANCE_MODELS", str(tmp_path))
    runtime = _openmp.RUNTIMES[MACHINE]
    fetch(runtime)
    assert whole(runtime) is not None
    # In a process of its own that cannot see the system's copy: the loader finds the name among what is loaded.
    code = (
        "import ctypes\n"
        "from waggledance.models import _openmp\n"
        "_openmp._lacking = lambda: True\n"
        "_openmp.load()\n"
        "maps = open('/proc/self/maps').read()\n"
        "assert 'waggledance-' in maps and 'libgomp.so.1' in maps, maps\n"
        "before = {line.split()[-1] for line in maps.splitlines() if 'gomp' in line}\n"
        "assert ctypes.CDLL('libgomp.so.1').omp_get_max_threads() >= 1\n"
        "maps = open('/proc/self/maps').read()\n"
        "assert {line.split()[-1] for line in maps.splitlines() if 'gomp' in line} == before, maps\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
