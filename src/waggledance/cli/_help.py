"""Help in sections: commands and flags stand under what they are for, and no sentence is cut off; and mistakes in what
was typed, told to programs as other errors are."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from typer.core import TyperCommand, TyperGroup

ASK = "Ask"
WORK = "Work on more than a question"
OPEN = "Let others in"
NETWORK = "Swarms on the network"
LOOK_BACK = "What was said"
MEASURE = "Measure"
HERE = "This machine"

_FLAGS = {
    "Who answers": "peers model human tools temperature max-tokens scrub team skill",
    "How they agree": "protocol rule topology rounds patience answer option seed",
    "What it may cost": "budget-tokens budget-calls budget-messages budget-usd seconds quota-tokens quota-calls rate",
    "On the network": "mesh as certify certificate listen connect hub client scout tls-ca tls-certificate tls-key",
    "What is kept and shown": "log no-log config quiet studio explain check json help",
}
_SECTION_OF = {f"--{name}": title for title, names in _FLAGS.items() for name in names.split()}
"""Where a flag stands, the same in every command; one that is not here stands under "Options"."""
FEW = 14
"""So many flags need no sections."""
_NO_OPTION = re.compile(r"-(?!-)(\d|.*\s)", re.DOTALL)
"""Begins like an option and is none: a negative number, or words."""


class Commands(TyperGroup):
    """A group whose help lists its commands by section, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the sections, in the order of their first commands."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            title = getattr(command, "rich_help_panel", None) or "Commands"
            sections.setdefault(str(title), []).append((name, command.get_short_help_str(limit=1_000)))
        _write(sections, formatter)


class Root(Commands):
    """The whole program: with ``--json``, what was typed wrong is one JSON object on stdout, too."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run what was typed."""
        self._typed = list(sys.argv[1:] if args is None else args)
        return super().main(args, *rest, **extra)

    def make_context(self, *given: Any, **extra: Any) -> Any:
        """Read what stands before the command."""
        with _told(self._typed):
            return super().make_context(*given, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Read the command's own flags, and run it."""
        with _told(self._typed):
            return super().invoke(ctx)


class Command(TyperCommand):
    """A command whose help lists its flags by section, where there are many.

    What begins with a minus and can be no option is taken for what it is about, as in ``waggle ask "-5 + 3?"``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the flags; where words were taken for some, read again with the words behind all flags."""
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except Exception as why:
            wrong = getattr(why, "option_name", None)
            if not wrong or "--" in typed:
                raise
            for at, word in enumerate(typed):
                if word.startswith(wrong) and _NO_OPTION.match(word):
                    with suppress(*type(why).__bases__):
                        return super().parse_args(ctx, [*typed[:at], *typed[at + 1 :], "--", word])
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then flags: those of this command alone first, then by section."""
        arguments: list[tuple[str, str]] = []
        own: list[tuple[str, str]] = []
        shared: dict[str, list[tuple[str, str]]] = {title: [] for title in _FLAGS}
        params = self.get_params(ctx)
        for param in params:
            record = param.get_help_record(ctx)
            if record is None:
                continue
            title = next((_SECTION_OF[name] for name in param.opts if name in _SECTION_OF), None)
            if param.param_type_name == "argument":
                arguments.append(record)
            elif title is None or len(params) <= FEW:
                own.append(record)
            else:
                shared[title].append(record)
        _write({"Arguments": arguments, "Options": own, **shared}, formatter)


@contextmanager
def _told(typed: Sequence[str]) -> Generator[None]:
    """Print a mistake in what was typed as JSON, where that is wanted; it is told to people on stderr in any case."""
    try:
        yield
    except Exception as why:
        says, code = getattr(why, "format_message", None), getattr(why, "exit_code", 2)
        if says is not None and "--json" in typed:
            from waggledance.cli._printing import print_error

            print_error(type(why).__name__, says(), code)
        raise


def _write(sections: dict[str, list[tuple[str, str]]], formatter: Any) -> None:
    width = max((len(name) for rows in sections.values() for name, _ in rows if len(name) <= 24), default=0)
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), said) for name, said in rows])
