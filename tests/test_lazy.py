"""A lazy room exports what its imports name, loads it when it is first used, and says why when it cannot."""

import ast
import py_compile
import sys
from importlib import import_module
from pathlib import Path

import pytest

import waggledance

SOURCE = Path(waggledance.__file__).parent
LAZY = sorted(file for file in SOURCE.rglob("__init__.py") if "= lazy(__name__)" in file.read_text())
ROOM = """
from typing import TYPE_CHECKING
from waggledance._lazy import lazy
if TYPE_CHECKING:
    from {room}._nectar import Flower as Flower
    from {room}._nectar import sugar as sweetness
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
"""


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"room_{tmp_path.name.strip('_')}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(ROOM.format(room=name))
    (tmp_path / name / "_nectar.py").write_text("class Flower: ...\nsugar = object()\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return name


@pytest.mark.parametrize("file", LAZY, ids=lambda file: file.parent.name)
def test_a_room_exports_each_name_its_source_imports_as(file: Path) -> None:
    imports = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    named = sorted(alias.asname for node in imports for alias in node.names if alias.asname)
    assert import_module(".".join(["waggledance", *file.parent.relative_to(SOURCE).parts])).__all__ == named


def test_a_name_is_loaded_when_it_is_first_used_and_kept(room: str) -> None:
    module = import_module(room)
    assert dir(module) == ["Flower", "sweetness"]
    assert f"{room}._nectar" not in sys.modules
    sweetness = module.sweetness
    assert sweetness is sys.modules[f"{room}._nectar"].sugar
    assert vars(module)["sweetness"] is sweetness


def test_a_name_that_is_not_exported_is_no_attribute(room: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{room}' has no attribute 'sugar'"):
        _ = import_module(room).sugar


def test_a_room_without_its_source_says_so(room: str, tmp_path: Path) -> None:
    file = tmp_path / room / "__init__.py"
    py_compile.compile(str(file), cfile=str(file.with_suffix(".pyc")))
    file.unlink()
    with pytest.raises(
        ImportError, match=r"exports in its source, and \S*\.pyc is none. Install it with its \.py files"
    ):
        import_module(room)


def test_the_lazy_rooms_are_found() -> None:
    assert {"tasks", "memory", "waggledance"} <= {file.parent.name for file in LAZY}
