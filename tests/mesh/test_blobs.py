"""Blobs on disk: named by content, whole or not there, verified when read."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import PeerFault, UsageError
from waggledance.mesh import BlobId, BlobMissing, Blobs, BlobsFull
from waggledance.mesh._blob_messages import CHUNK_BYTES
from waggledance.mesh._blobs import ChunkId, blob_id, chunk_id


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@settings(max_examples=12)
@given(size=st.sampled_from([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]), seed=st.integers())
def test_what_is_put_comes_back_byte_for_byte_also_after_opening_again(size: int, seed: int) -> None:
    content = Random(seed).randbytes(size)
    with tempfile.TemporaryDirectory() as folder:
        blob = Blobs(Path(folder)).put(content)
        again = Blobs(Path(folder))
        assert again.get(blob) == content
        assert again.has(blob)
        assert again.missing(blob) == ()
        assert again.size_bytes(blob) == size


def test_a_file_has_the_id_of_its_bytes(tmp_path: Path) -> None:
    content = Random(1).randbytes(2 * CHUNK_BYTES + 7)
    (tmp_path / "file").write_bytes(content)
    blobs = Blobs(tmp_path / "blobs")
    assert blobs.put(tmp_path / "file") == blobs.put(content)


def test_the_id_is_the_hash_of_the_ordered_list_of_chunks(tmp_path: Path) -> None:
    a, b = b"a" * CHUNK_BYTES, b"b"
    assert Blobs(tmp_path).put(a + b) == blob_id([chunk_id(a), chunk_id(b)]) != blob_id([chunk_id(b), chunk_id(a)])


def test_equal_chunks_are_kept_once_and_come_back_as_often_as_they_were(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blob = blobs.put(bytes(4 * CHUNK_BYTES))
    assert blobs.held_bytes == CHUNK_BYTES + 4 * 32
    assert blobs.get(blob) == bytes(4 * CHUNK_BYTES)


def test_a_chunk_spoilt_on_the_disk_is_found_out_removed_and_missing(tmp_path: Path) -> None:
    content = Random(2).randbytes(3 * CHUNK_BYTES)
    blobs = Blobs(tmp_path)
    blob = blobs.put(content)
    spoilt = chunk_id(content[CHUNK_BYTES : 2 * CHUNK_BYTES])
    path = tmp_path / "chunks" / spoilt.hex()[:2] / spoilt.hex()[2:]
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(BlobMissing, match="1 of its 3 chunks"):
        blobs.get(blob)
    assert blobs.missing(blob) == (spoilt,)
    assert not blobs.has(blob)
    blobs.keep(spoilt, content[CHUNK_BYTES : 2 * CHUNK_BYTES])
    assert blobs.get(blob) == content


def test_a_list_spoilt_on_the_disk_is_removed(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blob = blobs.put(b"something")
    (tmp_path / "lists" / blob.hex()).write_bytes(bytes(32))
    blobs = Blobs(tmp_path)
    assert blobs.held_bytes == 0
    assert not blobs.has(blob)
    with pytest.raises(BlobMissing, match="its list of chunks"):
        blobs.missing(blob)
    with pytest.raises(BlobMissing):
        blobs.get(blob)


def test_content_that_is_not_what_it_is_named_by_is_refused(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with pytest.raises(PeerFault, match="corrupt"):
        blobs.keep(chunk_id(b"right"), b"wrong")
    with pytest.raises(PeerFault, match="corrupt"):
        blobs.keep(chunk_id(bytes(CHUNK_BYTES + 1)), bytes(CHUNK_BYTES + 1))
    with pytest.raises(PeerFault, match="corrupt"):
        blobs.keep_list(BlobId(bytes(32)), [ChunkId(bytes(32))])
    assert not files(tmp_path)
    assert blobs.held_bytes == 0


def test_a_folder_over_its_limit_refuses_and_keeps_nothing_of_the_blob(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, limit_bytes=3 * CHUNK_BYTES)
    small = blobs.put(b"small")
    before, held = files(tmp_path), blobs.held_bytes
    with pytest.raises(BlobsFull, match="limit is 786,432 bytes"):
        blobs.put(Random(3).randbytes(4 * CHUNK_BYTES))
    assert files(tmp_path) == before
    assert blobs.held_bytes == held
    assert blobs.get(small) == b"small"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that refuses")
def test_a_full_disk_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = Blobs(tmp_path)

    def on_a_full_disk(dir: Path) -> tuple[int, str]:
        return os.open("/dev/full", os.O_WRONLY), str(dir / "lost")

    monkeypatch.setattr(tempfile, "mkstemp", on_a_full_disk)
    with pytest.raises(BlobsFull, match="No space left"):
        blobs.put(b"something")
    assert blobs.held_bytes == 0


def test_a_dropped_blob_leaves_the_chunks_that_another_has(tmp_path: Path) -> None:
    shared, own = Random(4).randbytes(CHUNK_BYTES), b"own"
    blobs = Blobs(tmp_path)
    one, other = blobs.put(shared + own), blobs.put(shared)
    blobs.drop(one)
    blobs.drop(one)
    assert not blobs.has(one)
    assert blobs.get(other) == shared
    assert blobs.held_bytes == CHUNK_BYTES + 32


KILLED = """
import sys
from pathlib import Path
from random import Random
from waggledance.mesh._blobs import Blobs
blobs = Blobs(Path(sys.argv[1]))
print("ready", flush=True)
for seed in range(10_000):
    blobs.put(Random(seed).randbytes(600_000))
    print(seed, flush=True)
"""


def test_a_kill_leaves_whole_blobs_only_and_nothing_over(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        done = [child.stdout.readline() for _ in range(6)]
        child.send_signal(signal.SIGKILL)
    blobs = Blobs(tmp_path)
    lists = [BlobId(bytes.fromhex(path.name)) for path in (tmp_path / "lists").iterdir()]
    assert len(lists) >= len(done) - 1
    assert all(len(blobs.get(blob)) == 600_000 for blob in lists)
    assert sum(path.stat().st_size for path in files(tmp_path)) == blobs.held_bytes == len(lists) * (600_000 + 96)


def test_a_folder_that_cannot_be_and_a_file_that_is_not_there_are_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="give another folder"):
        Blobs(tmp_path / "file" / "blobs")
    with pytest.raises(UsageError, match="0 or more"):
        Blobs(tmp_path, limit_bytes=-1)
    with pytest.raises(UsageError, match="cannot read"):
        Blobs(tmp_path / "blobs").put(tmp_path / "none")


def test_a_blob_of_more_than_8_gib_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate((8 << 30) + 1)
    with pytest.raises(UsageError, match="at most 8,589,934,592 bytes"):
        Blobs(tmp_path / "blobs").put(tmp_path / "huge")


def test_files_that_are_no_chunks_are_left_alone(tmp_path: Path) -> None:
    Blobs(tmp_path).put(b"something")
    for stray in (tmp_path / "chunks" / "README", tmp_path / "lists" / "README"):
        stray.write_text("mine")
    (tmp_path / "chunks" / "zz").mkdir()
    (tmp_path / "chunks" / "zz" / "README").write_text("mine")
    assert len(Blobs(tmp_path).get(blob_id([chunk_id(b"something")]))) == 9
