"""A book of skills for each caller that has a key, in files that only the server's owner reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from waggledance.core import UsageError
from waggledance.gateways import CallerSkills


def test_each_caller_has_one_book_and_who_has_no_key_none(tmp_path: Path) -> None:
    skills = CallerSkills(tmp_path / "skills", ("ada", "ben"))
    ada, ben = skills.of("ada"), skills.of("ben")
    assert ada is not None
    assert ada is skills.of("ada")
    assert ada is not ben
    assert skills.of("local") is None
    assert skills.of("../ada") is None
    assert sorted(file.name for file in (tmp_path / "skills").glob("*.db")) == ["ada.db", "ben.db"]
    assert (tmp_path / "skills").stat().st_mode & 0o077 == 0
    skills.close()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="give a folder"):
        CallerSkills(tmp_path / "file", ("ada",))
