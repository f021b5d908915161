"""The map stays a staircase: a room imports only rooms above it, and what is public is reachable from its root."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import waggledance

SOURCE = Path(waggledance.__file__).parent
STAIRCASE = [
    "_lazy",
    "core",
    "models",
    "peers",
    "network",
    "topology",
    "consensus",
    "protocols",
    "mesh",
    "memory",
    "tasks",
    "_run",
    "_seating",
    "_work",
    "_swarm_input",
    "_swarm",
    "_replay",
    "testing",
    "safety",
    "lab",
    "gateways",
    "studio",
    "cli",
]
ROOMS = [name for name in STAIRCASE if (SOURCE / name).is_dir()]


def rooms_imported(file: Path) -> set[str]:
    """Return the rooms that a file imports, at its top or inside a function; `waggledance` alone is the root."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module]
            if node.module == "waggledance":
                names = [f"waggledance.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            head, _, rest = name.partition(".")
            if head == "waggledance" and rest.split(".")[0] in STAIRCASE:
                found.add(rest.split(".")[0])
    return found


@pytest.mark.parametrize("room", STAIRCASE)
def test_a_room_imports_only_rooms_above_it(room: str) -> None:
    files = sorted((SOURCE / room).rglob("*.py")) or [SOURCE / f"{room}.py"]
    below = set(STAIRCASE[STAIRCASE.index(room) + 1 :])
    for file in files:
        if file.exists():
            assert not rooms_imported(file) & below, f"{file.relative_to(SOURCE)} leans on a room below it"


def test_every_folder_is_on_the_staircase() -> None:
    folders = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_exports_exists_and_is_listed_once(room: str) -> None:
    module = import_module(f"waggledance.{room}")
    exported = getattr(module, "__all__", [])
    assert len(exported) == len(set(exported))
    for name in exported:
        assert getattr(module, name) is not None


def test_every_name_of_the_root_can_be_had() -> None:
    for name in dir(waggledance):
        assert getattr(waggledance, name) is not None
