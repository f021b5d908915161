"""Checks that run something: a command, or Python tests of a program. Always in a sandbox."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from waggledance.core import UsageError
from waggledance.peers._code import code
from waggledance.tasks._check import MAX_CHECKED_CHARS, Check, Finding
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._sandbox_limits import Ran
from waggledance.tasks._task import Task

RESULT_TEXT = "result.txt"
RESULT_PROGRAM = "result.py"
_TESTS = "test_result.py"
_PRINTED_CHARS = 600
"""Of what a failing command printed, for whoever tries again: its end, where test runners sum up."""


def command(words: Sequence[str], sandbox: Sandbox, *, files: Mapping[str, str] | None = None) -> Check:
    """Return the check that a command ends with exit code 0.

    It finds the result in ``result.txt``, and the program that the result gives, if any, in ``result.py``.

    Args:
        words: the program and its arguments; ``python`` and ``pytest`` are those of this Python.
        sandbox: where it runs.
        files: what else is in its folder, by relative path; takes the place of a result's file of the same name.

    Raises:
        UsageError: there are no words.
    """
    if not words:
        raise UsageError('a command check needs a command, as in "command:pytest -q"')
    argv = _here(words)

    async def check(_task: Task, result: str) -> Finding:
        if len(result) > MAX_CHECKED_CHARS:
            return _too_long(result)
        made = {RESULT_TEXT: result}
        program = code(result)
        if program is not None:
            made[RESULT_PROGRAM] = program + "\n"
        return _found(await sandbox.run(argv, files={**made, **(files or {})}))

    return check


async def command_in(words: Sequence[str], folder: Path, sandbox: Sandbox) -> Finding:
    """Return whether a command ends with exit code 0 in a copy of a folder; see `command`."""
    return _found(await sandbox.run(_here(words), folder=folder))


def python_tests(tests: str, sandbox: Sandbox) -> Check:
    """Return the check that a result gives a Python program which passes tests.

    Args:
        tests: a file for pytest, which imports from ``result``, the program that is tested.
        sandbox: where they run.
    """

    async def check(_task: Task, result: str) -> Finding:
        if len(result) > MAX_CHECKED_CHARS:
            return _too_long(result)
        program = code(result)
        if program is None:
            return Finding.failed("it gives no program: answer with one fenced block of Python")
        return await tests_pass(tests, {RESULT_TEXT: result, RESULT_PROGRAM: f"{program}\n"}, sandbox)

    return check


async def tests_pass(tests: str, files: Mapping[str, str], sandbox: Sandbox) -> Finding:
    """Return whether a program passes tests, its files and theirs together in one folder.

    Args:
        tests: a file for pytest, which imports from the program's modules.
        files: the program's, by relative path.
        sandbox: where they run.
    """
    # plugins that happen to be installed here would make it slow, and its outcome another one on another machine
    alone = ("env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", sys.executable, "-s", "-m", "pytest")
    argv = [*alone, "-q", "-x", "-p", "no:cacheprovider", _TESTS]
    return _found(await sandbox.run(argv, files={**files, _TESTS: tests}))


def _here(words: Sequence[str]) -> list[str]:
    """Return a command in which ``python`` and ``pytest`` are this Python's."""
    own = {"python": [sys.executable, "-s"], "pytest": [sys.executable, "-s", "-m", "pytest"]}
    return [*own.get(words[0], [words[0]]), *words[1:]]


def _too_long(result: str) -> Finding:
    return Finding.failed(f"it has {len(result):,} characters, more than {MAX_CHECKED_CHARS:,}")


def _found(ran: Ran) -> Finding:
    if ran.ok:
        return Finding(True, ran.why())
    printed = f"{ran.out}\n{ran.err}".strip()[-_PRINTED_CHARS:]
    return Finding.failed(f"{ran.why()}\n{printed}" if printed else ran.why())
