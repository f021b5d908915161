"""`waggle team`: recipes listed, shown, and let work on a request."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unicodedata import normalize

import msgspec
import typer

from waggledance._run import NobodyAnswered
from waggledance._swarm import Interrupted, Swarm
from waggledance.cli._asked import MAX_CHARS, STDIN
from waggledance.cli._config import InForce, in_force
from waggledance.cli._ending import CANNOT_WRITE, complain
from waggledance.cli._journal import Watched, opened_log
from waggledance.cli._log_place import log_path, log_to_add_to, read_channel
from waggledance.cli._models_here import models_for
from waggledance.cli._printing import print_json, print_table, print_text, say, terminal
from waggledance.cli._safe_text import safe
from waggledance.cli._seating import MAX_PEERS, Closing, Seating, model_name, seat, tables
from waggledance.cli._team_view import TeamView, failures_of, table_of
from waggledance.core import Budget, Decision, LogFailed, Question, UsageError, members_of, opening_of, run_awake
from waggledance.tasks import PlanResult, Recipe, Sandbox, Team, outcome_of, read_recipe, steps_in, team_of
from waggledance.tasks.recipes import recipe_named, recipe_names

NOTHING_CAME_OUT = 3
_USUAL_PEERS = 5


def list_teams(*, as_json: bool) -> None:
    """Print the recipes that ship."""
    recipes = [recipe_named(name) for name in recipe_names()]
    if as_json:
        print_json(
            {"recipes": [{"name": r.name, "description": r.description, "roles": len(r.roles)} for r in recipes]}
        )
    else:
        print_table(("name", "roles", "what for"), [(r.name, len(r.roles), r.description) for r in recipes])


def recipe_of(name: str | None, file: Path | None) -> Recipe:
    """Return the recipe of a name or of a file.

    Raises:
        UsageError: neither or both are given, or there is none such.
    """
    if (name is None) == (file is None):
        raise UsageError("say which recipe: its name, as in `waggle team list`, or a file with --recipe FILE")
    return recipe_named(name) if name is not None else read_recipe(file or Path())


def show_team(recipe: Recipe, *, as_json: bool) -> None:
    """Print who makes what from what."""
    if as_json:
        print_json(msgspec.to_builtins(recipe))
        return
    say(f"{recipe.name}: {recipe.description}")
    tasks, more = len(recipe.steps), sum(step.most for step in recipe.steps)
    count = f"{tasks} to {tasks + more} tasks" if more else f"{tasks} tasks"
    say(f"{recipe.start} → {recipe.out}; {count}, {recipe.seats} peers; {recipe.limits.budget}")
    rows: list[tuple[object, ...]] = []
    for name, role in recipe.roles.items():
        watched = [f"{kind} ({role.when[kind]})" if kind in role.when else kind for kind in role.watch]
        what = f"function {role.does}" if role.does is not None else role.goal
        if role.team is not None:
            what = f"team {role.inner.name}{f': {what}' if what else ''}"
        many = f" ×{role.copies}" if role.copies > 1 else f" for each of {role.each}" if role.each else ""
        rows.append((f"{name}{many}", ", ".join(watched), role.produces, what))
    print_table(("role", "watches", "makes", "what for"), rows)


def run_team(
    words: Sequence[str],
    file: Path | None,
    resume: str | None,
    flags: Mapping[str, object],
    *,
    config: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Let a team work on a request, and print what comes out.

    Args:
        words: the recipe's name and the request; the request alone when a file is given.
        file: a recipe of one's own.
        resume: the channel of a team to go on with, instead of a name and a request.
        flags: settings from the command line, by key; None is "not given".
        config: a waggle.toml.
        quiet: whether to show no progress.
        as_json: whether to print one JSON object.
    """
    if resume is not None:
        _go_on(words, file, resume, flags, config=config, quiet=quiet, as_json=as_json)
        return
    if len(words) != (2 if file is None else 1):
        raise UsageError(
            'give a recipe\'s name and the request, as in `waggle team run software-company "a to-do list"`, or '
            "--recipe FILE and the request; put the request in quotes"
        )
    recipe = recipe_of(words[0] if file is None else None, file)
    request = _request(words[-1])
    force, seating = _seated(recipe, max(_USUAL_PEERS, recipe.seats), flags, config=config, quiet=quiet)
    view = TeamView(recipe, None if quiet else terminal(sys.stderr), None if quiet else say)
    named = words[0] if file is None else ""
    _end(_work(recipe, named, request, seating, force, view), view, force, seating, as_json=as_json, quiet=quiet)


def _seated(
    recipe: Recipe, usual: int, flags: Mapping[str, object], *, config: Path | None, quiet: bool
) -> tuple[InForce, Seating]:
    """Return the settings and the peers for a recipe: as many as usual, where nothing says how many."""
    force = in_force(flags, config=config)
    if force.origin("ask.peers") == "default" and not force.settings.peers:
        force = in_force({**flags, "ask.peers": min(MAX_PEERS, usual)}, config=config)
    rows = tables(force)
    if len(rows) < recipe.seats:
        raise UsageError(f"recipe {recipe.name!r} keeps {recipe.seats} parts apart: seat as many peers with --peers")
    models = models_for({model_name(row, force) for row in rows}, force)
    seating = seat(rows, models, force, human=False)
    if len(models) < recipe.models and not quiet:
        say(f"{recipe.name} is made for {recipe.models} models, not {len(models)}: give --model several times")
    return force, seating


def _go_on(
    words: Sequence[str],
    file: Path | None,
    channel: str,
    flags: Mapping[str, object],
    *,
    config: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Let a team go on where it was, with as many peers as sat there."""
    if words:
        raise UsageError("with --resume the recipe and the request stand in the log: leave them out")
    force = in_force(flags, config=config)
    if not force.settings.log.keep:
        raise UsageError("a team goes on from a log: leave out --no-log")
    with log_to_add_to(log_path(force)) as log:
        said = read_channel(log, channel)
        opening = opening_of(said)
        own = "" if file is None else read_recipe(file)
        team = None if opening is None else team_of(own, "", opening.body)
        if team is None:
            raise UsageError(f"channel {channel!r} is no team's; see `waggle log show {channel}`")
        force, seating = _seated(team.plays, len(members_of(said)), flags, config=config, quiet=quiet)
        view = TeamView(team.plays, None if quiet else terminal(sys.stderr), None if quiet else say)
        swarm = Swarm(seating.peers, log=log, weights=seating.weights, seed=force.settings.ask.seed)
        budget = Budget(**msgspec.structs.asdict(force.settings.budget))
        ended = _Ended()
        with Closing(seating.models):
            try:
                with view:
                    for message in said:
                        view.see(message)
                    run_awake(swarm.run(own, resume=said[0].channel, sandbox=Sandbox(), budget=budget, watch=view.see))
            except KeyboardInterrupt:
                ended.interrupted = True
            except LogFailed as why:
                ended.unkept = str(why)
    _end(ended, view, force, seating, as_json=as_json, quiet=quiet)


class _Ended:
    def __init__(self) -> None:
        self.interrupted = False
        self.unkept = ""
        """Why the log could not be written."""


def _work(recipe: Recipe, named: str, request: str, seating: Seating, force: InForce, view: TeamView) -> _Ended:
    ended = _Ended()
    budget = recipe.limits.allow(Budget(**msgspec.structs.asdict(force.settings.budget)))
    with opened_log(force) as log, Closing(seating.models):
        journal = Watched(log, view.see)
        team = Team(named or recipe, sandbox=Sandbox())  # a name stands in the log, for a replay
        swarm = Swarm(seating.peers, protocol=team, log=journal, weights=seating.weights, seed=force.settings.ask.seed)
        try:
            with view:
                swarm.ask_sync(Question(text=request, expects="free"), budget=budget)
        except Interrupted:
            ended.interrupted = True
        except NobodyAnswered:
            pass  # what failed, and why, stands in the plan
        ended.unkept = journal.failure
    return ended


def _end(ended: _Ended, view: TeamView, force: InForce, seating: Seating, *, as_json: bool, quiet: bool) -> None:
    """Print what came out, and who did what; end with the exit code."""
    result = PlanResult.of(view.messages)
    decision = outcome_of(view.recipe, result.plan)
    if as_json:
        print_json(_as_json(view, result, decision, seating, interrupted=ended.interrupted))
    else:
        print_text(safe(decision.text))
        if not quiet:
            for line in table_of(view.recipe, result):
                say(line)
    if ended.interrupted:
        kept = "; what was made is in the log" if force.settings.log.keep else ""
        complain(f"interrupted{kept}")
        raise typer.Exit(Interrupted.exit_code)
    if ended.unkept:
        complain(f"not all of it could be kept. {ended.unkept}")
        raise typer.Exit(CANNOT_WRITE)
    if decision.key is None:
        why = failures_of(view.recipe, result) or "; ".join(decision.notes)
        kept = f". All of it: waggle log show {result.channel} --full" if force.settings.log.keep else ""
        complain(f"nothing came out{f': {why}' if why else ''}{kept}")
        raise typer.Exit(NOTHING_CAME_OUT)


def _as_json(
    view: TeamView, result: PlanResult, decision: Decision, seating: Seating, *, interrupted: bool
) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for step in steps_in(view.recipe, result.plan):
        entry = result.plan.entries.get(step.task.id)
        if entry is not None:
            steps.append({
                "team": step.team, "role": step.role, "makes": step.what, "round": step.round + 1,
                "copy": step.copy + 1, "entry": msgspec.json.decode(step.entry) if step.entry else None,
                "status": entry.status, "by": None if entry.holder is None else result.names.get(entry.holder),
                "text": result.plan.result(step.task.id), "reasons": list(entry.reasons),
                "cost": msgspec.to_builtins(entry.cost),
            })  # fmt: skip
    return {
        "recipe": view.recipe.name,
        "text": decision.text,
        "status": decision.status,
        "notes": list(decision.notes),
        "steps": steps,
        "peers": list(seating.described),
        "channel": result.channel,
        "interrupted": interrupted,
    }


def _request(typed: str) -> str:
    text = normalize("NFC", sys.stdin.read(4 * MAX_CHARS) if typed == STDIN else typed).strip()
    if not text:
        raise UsageError("the request is empty: say what the team should make")
    if len(text) > MAX_CHARS:
        raise UsageError(f"the request has {len(text):,} characters, the limit is {MAX_CHARS:,}: shorten it")
    return text
