"""Artefacts in use: swapped whole, checked before, back byte for byte."""

from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3

from waggledance.core import UsageError
from waggledance.mesh import FileArtefact, InstallFailed, PromptSet, tensor_file, tensor_patch
from waggledance.mesh._patch import PATCH_TYPE


def digest(content: bytes) -> bytes:
    return blake3(content).digest()


def test_what_was_there_comes_back_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "skill.py").write_bytes(b"old\r\n\xff")
    slot = FileArtefact(tmp_path / "skill.py")
    slot.install(b"new", "text/x-python", digest(b"new"))
    assert slot.installed == digest(b"new")
    assert slot.restores_to(digest(b"old\r\n\xff"))
    assert not slot.restores_to(None)
    slot.restore()
    slot.restore()
    assert (tmp_path / "skill.py").read_bytes() == b"old\r\n\xff"


def test_where_nothing_was_nothing_is_again(tmp_path: Path) -> None:
    slot = FileArtefact(tmp_path / "adapter.safetensors")
    assert slot.installed is None
    slot.install(b"new", "application/octet-stream", digest(b"new"))
    assert slot.restores_to(None)
    slot.restore()
    slot.restore()
    assert slot.installed is None
    assert not slot.path.exists()


def test_the_base_is_of_the_last_installation(tmp_path: Path) -> None:
    slot = FileArtefact(tmp_path / "skill.md")
    for content in (b"one", b"two", b"two"):
        slot.install(content, "text/markdown", digest(content))
    assert slot.restores_to(digest(b"one"))
    assert not slot.restores_to(None)


def test_another_result_than_was_said_changes_nothing(tmp_path: Path) -> None:
    slot = FileArtefact(tmp_path / "skill.md")
    with pytest.raises(InstallFailed, match="what the roll-out said"):
        slot.install(b"one", "text/markdown", digest(b"two"))
    assert list(tmp_path.iterdir()) == []


def test_without_a_base_there_is_no_way_back(tmp_path: Path) -> None:
    slot = FileArtefact(tmp_path / "skill.md")
    assert not slot.restores_to(None)
    with pytest.raises(InstallFailed, match="no base"):
        slot.restore()


def test_a_patch_changes_the_file_that_it_was_made_for_and_no_other(tmp_path: Path) -> None:
    base, new, other = (tensor_file({"a": np.full(3, k, np.float32)}) for k in range(3))
    patch, result = tensor_patch(base, new)
    slot = FileArtefact(tmp_path / "adapter.safetensors")
    with pytest.raises(InstallFailed, match="there is none"):
        slot.install(patch, PATCH_TYPE, result)
    slot.path.write_bytes(other)
    with pytest.raises(InstallFailed, match="never merged"):
        slot.install(patch, PATCH_TYPE, result)
    assert slot.path.read_bytes() == other
    slot.path.write_bytes(base)
    slot.install(patch, PATCH_TYPE, result)
    assert slot.path.read_bytes() == new
    slot.restore()
    assert slot.path.read_bytes() == base


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("prompts.toml", b'propose = "Think first."', b"propose ="),
        ("prompts.json", b'{"propose": "Think first."}', b'["propose"]'),
        ("prompts.toml", b"", b"\xff"),
        ("prompts.json", b"{}", b"[" * 100_000),
    ],
)
def test_prompts_that_do_not_parse_never_come_into_use(tmp_path: Path, name: str, good: bytes, bad: bytes) -> None:
    slot = PromptSet(tmp_path / name)
    slot.install(good, "text/plain", digest(good))
    with pytest.raises(InstallFailed, match=r"is no|is a table"):
        slot.install(bad, "text/plain", digest(bad))
    assert slot.path.read_bytes() == good


def test_places_that_cannot_be_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        FileArtefact(tmp_path / "none" / "skill.md")
    with pytest.raises(UsageError, match="is a folder"):
        FileArtefact(tmp_path)
    with pytest.raises(UsageError, match=r"\.toml or a \.json"):
        PromptSet(tmp_path / "prompts.yaml")


def test_a_disk_that_refuses_is_said_and_what_was_there_stays(tmp_path: Path) -> None:
    slot = FileArtefact(tmp_path / "skill.md")
    slot.install(b"one", "text/markdown", digest(b"one"))
    (tmp_path / "skill.md.new").mkdir()
    with pytest.raises(InstallFailed, match="directory"):
        slot.install(b"two", "text/markdown", digest(b"two"))
    assert slot.installed == digest(b"one")
