"""`waggle ask`: settings to swarm, swarm to decision, decision to print."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from waggledance._run import Journal
from waggledance._swarm import Interrupted, Swarm
from waggledance.cli._asked import in_words, question_from
from waggledance.cli._config import InForce, in_force
from waggledance.cli._decision_view import lines
from waggledance.cli._ending import CANNOT_WRITE, complain, end_in_time
from waggledance.cli._explain import explained, reasons
from waggledance.cli._journal import Watched, opened_log
from waggledance.cli._models_here import models_for
from waggledance.cli._printing import print_json, print_lines, say, terminal
from waggledance.cli._protocol_from import arranged_as, protocol_from
from waggledance.cli._safe_text import safe
from waggledance.cli._seating import Closing, Seating, model_name, seat, tables
from waggledance.cli._studio_beside import Beside, studio_beside
from waggledance.cli._views import View, view_for
from waggledance.core import Budget, Decision, LogFailed, Message, Question
from waggledance.protocols import AskProtocol, check_fit, protocol_for

if TYPE_CHECKING:
    from waggledance.memory import SkillBook
    from waggledance.safety import Violation

NO_ANSWER = 3


def ask(
    typed: str,
    flags: Mapping[str, object],
    *,
    config: Path | None,
    options: Sequence[str],
    human: bool,
    quiet: bool,
    as_json: bool,
    explain: bool,
    check: bool = False,
    studio: bool = False,
    practise: Path | None = None,
) -> None:
    """Ask a swarm and print what it decides.

    Args:
        typed: the question, or ``-`` for stdin.
        flags: settings from the command line, by key; None is "not given".
        config: a waggle.toml.
        options: the options of a question of choice.
        human: whether to seat the person at the terminal.
        quiet: whether to show no progress.
        as_json: whether to print one JSON object instead of the decision.
        explain: whether to say why it was arranged so, and what it would cost to be surer.
        check: whether to check the built-in contracts while peers talk.
        studio: whether to show it in the browser meanwhile, and afterwards until Ctrl-C.
        practise: the file of a book of skills.
    """
    force = in_force(flags, config=config)
    with studio_beside(force) if studio else nullcontext() as beside, _book(practise) as skills:
        _ask(typed, force, options, beside, skills, human=human, quiet=quiet, as_json=as_json, explain=explain,
             check=check)  # fmt: skip


def _ask(
    typed: str,
    force: InForce,
    options: Sequence[str],
    beside: Beside | None,
    skills: SkillBook | None,
    *,
    human: bool,
    quiet: bool,
    as_json: bool,
    explain: bool,
    check: bool,
) -> None:
    tell = _nothing if quiet else say
    if force.file is not None:
        tell(f"settings from {force.file}")
    question, guessed = question_from(typed, options, force, human=human)
    budget = Budget(**msgspec.structs.asdict(force.settings.budget))
    wanted = protocol_from(force)
    rows = tables(force)
    if guessed:
        tell(f"expecting {in_words(question)} (--answer changes that)")
    models = models_for({model_name(row, force) for row in rows}, force)
    seating = seat(rows, models, force, human=human)
    protocol = protocol_for(wanted, question, seating.peers)
    check_fit(protocol, seating.peers)
    arranged = arranged_as(force, protocol)
    if human:
        tell("what the others say is shown when it is your turn to hear it")
    view = view_for(None if quiet or human else terminal(sys.stderr), quiet=quiet or human, write=tell)
    with Closing(seating.models):  # at the very end: one that is computing may take its time, what is to be said not
        ended = _run(question, seating, protocol, budget, force, view, beside, skills, check=check)
        chosen = force.settings.ask.protocol is not None
        if as_json:
            _print_as_json(ended, question, arranged, seating, view, chosen=chosen, explain=explain, check=check)
        elif ended.decision is not None:
            shown = lines(ended.decision, view.story, kept=force.settings.log.keep and not ended.unkept)
            if explain:
                shown += explained(ended.decision, view.story.standing, arranged, chosen=chosen)
            print_lines(shown)
        _end(ended, kept=force.settings.log.keep)


@dataclass
class _Ended:
    """How a run ended."""

    decision: Decision | None = None
    interrupted: Interrupted | None = None
    unkept: str = ""
    """Why its log could not be written; empty when it was."""
    violations: tuple[Violation, ...] = ()
    """What was violated, where contracts were checked."""


def _run(
    question: Question, seating: Seating, protocol: AskProtocol, budget: Budget, force: InForce, view: View,
    beside: Beside | None, skills: SkillBook | None, *, check: bool,
) -> _Ended:  # fmt: skip
    """Ask, and keep what is said."""
    ended: _Ended | None = None
    violations: list[Violation] = []
    try:
        with opened_log(force) as log:
            journal = Watched(log, view.see if beside is None else _both(view.see, beside.see))
            keep = _checking(journal, budget, violations) if check else journal
            swarm = Swarm(
                seating.peers, protocol=protocol, log=keep, weights=seating.weights, seed=force.settings.ask.seed,
                skills=skills,
            )  # fmt: skip
            try:
                with view:
                    ended = _Ended(swarm.ask_sync(question, budget=budget, see=None if beside is None else beside.see))
            except Interrupted as why:
                ended = _Ended(why.partial, why)
            ended.unkept = journal.failure
    except LogFailed as why:  # at closing: what there is to say must not get lost for it
        if ended is None:
            raise
        ended.unkept = ended.unkept or str(why)
    ended.violations = tuple(violations)
    return ended


def _end(ended: _Ended, *, kept: bool) -> None:
    """Say how it ended where that is not as it should be, and with which exit code."""
    if ended.interrupted is not None:
        complain(str(ended.interrupted) if kept else "interrupted")
        end_in_time(Interrupted.exit_code)
        raise typer.Exit(Interrupted.exit_code)
    for violation in ended.violations:
        complain(safe(str(violation)))
    if ended.unkept:
        complain(f"the decision stands, but not all of it could be kept. {ended.unkept}")
        raise typer.Exit(CANNOT_WRITE)
    if ended.violations or ended.decision is None or ended.decision.key is None:
        raise typer.Exit(NO_ANSWER)


def _book(file: Path | None) -> AbstractContextManager[SkillBook | None]:
    if file is None:
        return nullcontext()
    from waggledance.memory import SkillBook

    return SkillBook(file)


def _both(one: Callable[[Message[Any]], None], other: Callable[[Message[Any]], None]) -> Callable[[Message[Any]], None]:
    def see(message: Message[Any]) -> None:
        one(message)
        other(message)

    return see


def _checking(journal: Watched, budget: Budget, violations: list[Violation]) -> Journal:
    from waggledance.safety import Checked, builtin  # here, because few ask for it

    return Checked(journal, builtin(budget=budget), tell=violations.append)


def _print_as_json(
    ended: _Ended, question: Question, arranged: str, seating: Seating, view: View, *, chosen: bool, explain: bool,
    check: bool,
) -> None:  # fmt: skip
    decision = ended.decision
    told: dict[str, Any] = {} if decision is None else msgspec.json.decode(decision.to_json())
    told |= {
        "question": question.text,
        "expects": question.expects,
        "options": list(question.options),
        "protocol": arranged,
        "peers": list(seating.described),
        "rounds": view.story.round,
        "messages": view.story.messages,
        "interrupted": ended.interrupted is not None,
        "changes": [
            {"peer": c.peer, "round": c.round, "from": c.before, "to": c.after, "why": c.why}
            for c in view.story.changes
        ],
    }
    if explain and decision is not None:
        from waggledance.lab import evidence

        told["explained"] = {
            **reasons(decision, view.story.standing, arranged, chosen=chosen),
            "evidence": msgspec.to_builtins(evidence()),
        }
    if check:
        told["violations"] = [str(violation) for violation in ended.violations]
    print_json(told)


def _nothing(line: str) -> None:
    """Say nothing."""
