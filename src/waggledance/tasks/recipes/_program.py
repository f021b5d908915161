"""A program of several files, each written by whoever took that part: which file is whose, and all of them as one."""

from __future__ import annotations

import re
import sys

import msgspec

from waggledance.core import RunFailed
from waggledance.peers._code import code, source
from waggledance.tasks._check_command import RESULT_PROGRAM
from waggledance.tasks._role_function import Artefact, Watched, role_function

_NAME = re.compile(r"(?!test_|conftest\.)[a-z][a-z0-9_]{0,39}\.py")
"""A module beside the tests, which does not take part in their run; the same as in the recipe's schema."""


@role_function("put-together")
async def put_together(given: Watched) -> str:
    """Return a program's files, each under a line ``=== name`` as `read_files` takes them; one alone as it stands.

    Raises:
        RunFailed: there is nothing, or a part is for no file that can stand in the program.
    """
    made = files_made(given.of("code"))
    if not made:
        raise RunFailed("there is no code to put together")
    if len(made) == 1:
        return next(iter(made.values()))
    return "\n".join(f"=== {name}\n{(python_in(text) or text).strip()}\n" for name, text in made.items())


def files_made(code: tuple[Artefact, ...]) -> dict[str, str]:
    """Return what was handed in for each file of a program, in the order of the design.

    A part of a role with `each` is for the file that its entry names, what one peer alone makes for ``result.py``.

    Raises:
        RunFailed: an entry is no name of a file that can stand in the program, or two are for one file.
    """
    made: dict[str, str] = {}
    for one in code:
        name = file_of(one)
        if name in made:
            raise RunFailed(f"two parts are for {name}: let a role fan out over the files, and none has copies")
        made[name] = one.text
    return made


def file_of(made: Artefact) -> str:
    """Return the name of the file that a part is for.

    Raises:
        RunFailed: its entry is no name of a file that can stand in the program.
    """
    if not made.step.entry:
        return RESULT_PROGRAM
    name: object = msgspec.json.decode(made.step.entry)
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise RunFailed(f"{made.step.entry:.80} is no file of a program: name it as in 'items.py', not after its tests")
    if name.removesuffix(".py") in sys.stdlib_module_names:
        raise RunFailed(
            f"{name} is called like a module of Python itself, which it would hide: rename it in the design"
        )
    return name


def python_in(text: str) -> str | None:
    """Return the program that was handed in, with its comments where it is Python; None without any."""
    return source(text) or code(text)
