"""Runs a team's tests on its program, in a sandbox: executable feedback instead of one more opinion."""

from __future__ import annotations

from waggledance.core import RunFailed
from waggledance.tasks._check_command import tests_pass
from waggledance.tasks._role_function import Watched, role_function
from waggledance.tasks.recipes._program import files_made, python_in


@role_function("run-tests")
async def run_tests(given: Watched) -> str:
    """Return ``yes`` if a program's files, all in one folder, pass the tests, else ``no`` and what the run printed.

    Raises:
        RunFailed: there is no sandbox, or it broke; a part of the code is for no file that can stand there.

    Source: Hong et al. 2024, "MetaGPT", arXiv:2308.00352, §3.3 (executable feedback).
    """
    if given.sandbox is None:
        raise RunFailed("tests run in a sandbox, and this team was given none: Team(recipe, sandbox=Sandbox())")
    (tests,) = given.of("tests")
    files = {name: python_in(text) for name, text in files_made(given.of("code")).items()}
    without = [name for name, program in files.items() if program is None]
    if without:
        return f"no\n{', '.join(without)}: it gives no program: answer with one fenced block of Python"
    programs = {name: f"{program}\n" for name, program in files.items()}
    found = await tests_pass(python_in(tests.text) or tests.text, programs, given.sandbox)
    return f"{'yes' if found.passed else 'no'}\n{found.reason}"
