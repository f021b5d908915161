"""Runs a team's tests on its program, in a sandbox: executable feedback instead of one more opinion."""

from __future__ import annotations

from waggledance.core import RunFailed
from waggledance.tasks._check_command import python_tests
from waggledance.tasks._role_function import Watched, role_function

_FENCE = "```"


@role_function("run-tests")
async def run_tests(given: Watched) -> str:
    """Return ``yes`` if a program passes the tests, else ``no`` and what the run printed.

    Raises:
        RunFailed: there is no sandbox, or it broke.

    Source: Hong et al. 2024, "MetaGPT", arXiv:2308.00352, §3.3 (executable feedback).
    """
    if given.sandbox is None:
        raise RunFailed("tests run in a sandbox, and this team was given none: Team(recipe, sandbox=Sandbox())")
    (made,), (tests,) = given.of("code"), given.of("tests")
    found = await python_tests(_bare(tests.text), given.sandbox)(given.step.task, made.text)
    return f"{'yes' if found.passed else 'no'}\n{found.reason}"


def _bare(text: str) -> str:
    """Return a file's text without a fence around it."""
    text = text.strip()
    if text.startswith(_FENCE) and text.endswith(_FENCE) and text.count(_FENCE) == 2:
        return text.removesuffix(_FENCE).partition("\n")[2]
    return text
