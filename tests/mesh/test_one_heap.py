"""One heap for all threads of a process; in processes of their own, because it cannot be taken back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from waggledance.mesh import share_one_heap

COUNT = """
import ctypes, re, sys, tempfile, threading
from waggledance.mesh import share_one_heap
if sys.argv[1] == "shared":
    assert share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.fclose.argtypes, libc.malloc_info.argtypes = (ctypes.c_void_p,), (ctypes.c_int, ctypes.c_void_p)
all_there = threading.Barrier(5)
def allocate():
    libc.malloc(ctypes.c_size_t(1000))
    all_there.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
all_there.wait()
with tempfile.NamedTemporaryFile() as file:
    stream = libc.fopen(file.name.encode(), b"w")
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(len(re.findall(b"<heap ", file.read())))
"""


def heaps(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", COUNT, how], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads heaps of their own")
def test_threads_that_begin_afterwards_have_no_heap_of_their_own() -> None:
    assert heaps("shared") == 1
    assert heaps("as it is") > 1


def test_another_system_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert not share_one_heap()
