from pathlib import Path

import pytest

from waggledance.core import RunFailed
from waggledance.tasks import read_files
from waggledance.tasks._file_blocks import files_of, write_files


def test_files_are_read_however_a_model_dresses_them() -> None:
    said = "Sure!\n\n=== `a/b.py` ===\r\n```python\nx = 1\r\n```\nDone.\n====  c.txt\n\nplain\n\n=== Removed: old.py\n"
    assert read_files(said) == {"a/b.py": "x = 1\n", "c.txt": "plain\n", "old.py": None}


def test_a_file_given_twice_is_the_last_one_and_an_empty_one_stays_empty() -> None:
    assert read_files("=== a.py\nx = 1\n=== a.py\nx = 2\n=== p/__init__.py\n") == {
        "a.py": "x = 2\n",
        "p/__init__.py": "",
    }


def test_a_comparison_in_a_program_is_no_heading() -> None:
    assert read_files("=== a.js\nif (a\n  === b) {}\n") == {"a.js": "if (a\n  === b) {}\n"}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../up.py", "a/../../up.py", ".git/config", "a/.GIT/hooks/x", ".git. /x", "a\\b.py", "a/", ".",
     "git~1/config", "a\tb.py", "x" * 300],
)  # fmt: skip
def test_a_path_that_leads_out_of_the_tree_or_into_git_is_refused(path: str) -> None:
    with pytest.raises(RunFailed, match=r"no path of a file|cannot be a file's name"):
        read_files(f"=== {path}\nx\n")


@pytest.mark.parametrize("text", ["", "I would rather not.", "```python\nx = 1\n```", "=== \nx"])
def test_an_answer_without_a_file_says_what_to_write(text: str) -> None:
    with pytest.raises(RunFailed, match="=== path"):
        read_files(text)


def test_too_many_and_too_long_files_are_refused() -> None:
    with pytest.raises(RunFailed, match="65 files"):
        read_files("".join(f"=== f{i}\n" for i in range(65)))
    with pytest.raises(RunFailed, match="400,000"):
        read_files("=== a\n" + "x" * 400_000)


def test_nothing_is_written_through_a_link_and_none_is_read(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    tree.mkdir()
    outside.mkdir()
    (outside / "secret.txt").write_text("keep")
    (tree / "away").symlink_to(outside)
    (tree / "file.txt").symlink_to(outside / "secret.txt")
    for path in ("away/new.txt", "file.txt", "away/secret.txt"):
        with pytest.raises(RunFailed, match="link"):
            write_files({path: "mine"}, tree)
    with pytest.raises(RunFailed, match="link"):
        write_files({"file.txt": None}, tree)
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]
    assert files_of(tree) == {}


def test_what_is_written_is_read_again_and_a_folder_in_the_way_is_said(tmp_path: Path) -> None:
    write_files({"a/b.py": "x = 'ü'\n", "c.txt": ""}, tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert files_of(tmp_path) == {"a/b.py": "x = 'ü'\n", "c.txt": ""}
    write_files({"c.txt": None, "never.txt": None}, tmp_path)
    assert list(files_of(tmp_path)) == ["a/b.py"]
    for files in ({"a": "x"}, {"a/b.py/c": "x"}):
        with pytest.raises(RunFailed, match="cannot be written"):
            write_files(files, tmp_path)
