"""Checks by name, as tasks and recipes write them: ``"schema:report"``, ``"command:pytest -q"``, ``"brief"``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from waggledance.core import NO_COST, UNIT, UnknownName, UsageError
from waggledance.tasks._check import Check, Finding
from waggledance.tasks._check_command import command, python_tests
from waggledance.tasks._check_schema import json_of, json_schema
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._task import Task


class Checks:
    """The checks that a peer knows, and looks at results with.

    A task's checks come from whoever published it, so they only name what was given here. Two kinds say something of
    their own: ``command:…`` runs those words, and is known only where a sandbox for them was given.

    Args:
        named: checks of one's own, by name.
        schemas: what ``schema:NAME`` means: a JSON schema, or a type that JSON is read as.
        tests: what ``tests:NAME`` means: a file for pytest which imports from ``result``.
        sandbox: where commands and tests run; without one a task can name none.

    Raises:
        UsageError: a name has a colon, there are tests and no sandbox, or a schema is none.
    """

    def __init__(
        self,
        named: Mapping[str, Check] | None = None,
        *,
        schemas: Mapping[str, Mapping[str, Any] | type[Any]] | None = None,
        tests: Mapping[str, str] | None = None,
        sandbox: Sandbox | None = None,
    ) -> None:
        known = dict(named or {})
        wrong = [name for name in known if ":" in name]
        if wrong:
            raise UsageError(f"a check of one's own has no colon in its name: {', '.join(wrong)}")
        for name, schema in (schemas or {}).items():
            known[f"schema:{name}"] = json_of(schema) if isinstance(schema, type) else json_schema(schema)
        for name, text in (tests or {}).items():
            if sandbox is None:
                raise UsageError(
                    f"tests run in a sandbox, and none was given for {name!r}: Checks(…, sandbox=Sandbox())"
                )
            known[f"tests:{name}"] = python_tests(text, sandbox)
        self._known, self._sandbox = known, sandbox

    @property
    def names(self) -> tuple[str, ...]:
        """What a task can name, sorted; ``command:…`` stands for any command."""
        return tuple(sorted([*self._known, *(["command:…"] if self._sandbox else [])]))

    def named(self, name: str) -> Check:
        """Return the check of a name.

        Raises:
            UnknownName: there is none; says the nearest.
            UsageError: a command cannot be read, or there is no sandbox to run it in.
        """
        kind, colon, rest = name.partition(":")
        if name in self._known:
            return self._known[name]
        if not (kind == "command" and colon):
            raise UnknownName("check", name, self.names)
        if self._sandbox is None:
            raise UsageError(f"{name!r} runs a command, and there is no sandbox for it: Checks(sandbox=Sandbox())")
        try:
            return command(shlex.split(rest), self._sandbox)
        except ValueError as why:
            raise UsageError(f"the command of {name!r} cannot be read: {why}") from why

    async def findings(self, task: Task, result: str) -> dict[str, Finding]:
        """Return what the task's checks find, in their order, up to the first that fails.

        Raises:
            UsageError: a check is not known here.
            RunFailed: a check could not say.
        """
        checks = [(name, self.named(name)) for name in task.checks]
        found: dict[str, Finding] = {}
        for name, check in checks:
            found[name] = await check(task, result)
            if not found[name].passed:
                break
        return found

    async def __call__(self, task: Task, result: str) -> Finding:
        """Return what all of a task's checks find: what `run_plan` takes as its `check`; see `findings`.

        Its score is the lowest of theirs, its cost what they cost together.
        """
        found = await self.findings(task, result)
        wrong = [f"check {name!r}: {finding.reason}" for name, finding in found.items() if not finding.passed]
        score = min((finding.score_ppm for finding in found.values()), default=UNIT)
        return Finding(not wrong, "\n".join(wrong), score, sum((f.cost for f in found.values()), NO_COST))
