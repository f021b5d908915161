"""The models and swarms that a batch's steps think with, made from what is in force."""

from __future__ import annotations

from functools import partial

import msgspec

from waggledance._swarm import Swarm
from waggledance.cli._config import InForce
from waggledance.cli._models_here import models_for
from waggledance.cli._protocol_from import protocol_from
from waggledance.cli._seating import seat, tables
from waggledance.cli._settings import Ask, Settings
from waggledance.core import Budget, Decision, Question
from waggledance.models import Model
from waggledance.protocols import check_fit
from waggledance.tasks import Asked, AskSwarm, BatchFile, Pipeline, consolidated, pipeline_of


def default_model(plan: BatchFile, force: InForce) -> str:
    """Return the model of steps that name none: a flag's, the plan's, or that of the settings."""
    if plan.model is None or force.by_flag("ask.model"):
        return force.settings.ask.models[0]
    return plan.model


def models_of(plan: BatchFile, force: InForce, in_flight: int) -> dict[str, Model]:
    """Return every model that a plan's steps name, one each, asked in a friendly order by `in_flight` rows.

    Raises:
        UsageError: there is no such model.
        ModelError: one cannot be used here.
    """
    default = default_model(plan, force)
    names: set[str] = set()
    for table in plan.steps.values():
        if table.prompt is not None:
            names.add(table.model or default)
        if table.ask is not None:
            names.update(_settings_of(table.ask, default, force).ask.models)
    return {name: consolidated(model, in_flight) for name, model in models_for(names, force).items()}


def pipeline_with(plan: BatchFile, models: dict[str, Model], force: InForce) -> Pipeline:
    """Return a plan's pipeline.

    Raises:
        WrongPlan: a step makes no sense; says the line.
    """
    default = default_model(plan, force)

    def thinks(name: str | None) -> Model:
        known = default if name is None or (name == plan.model and force.by_flag("ask.model")) else name
        return models[known]

    return pipeline_of(plan, model=thinks, swarm=partial(_swarm, models=models, default=default, force=force))


def _settings_of(asked: Asked, default: str, force: InForce) -> Settings:
    """Return settings in which the table ``[ask]`` is a step's."""
    table = msgspec.structs.asdict(asked)
    del table["question"], table["options"]
    ask = msgspec.convert({**table, "model": asked.model or default}, Ask)
    return Settings(ask=ask, models=force.settings.models)


def _swarm(name: str, asked: Asked, *, models: dict[str, Model], default: str, force: InForce) -> AskSwarm:
    """Seat the peers of a step, and return what asks them."""
    within = InForce(_settings_of(asked, default, force), {}, force.file)
    seating = seat(tables(within), models, within, human=False)
    example = Question(text="?", expects=asked.answer, options=asked.options)
    swarm = Swarm(seating.peers, protocol=protocol_from(within), weights=seating.weights, name=name)
    check_fit(swarm.protocol_for(example), seating.peers)

    async def ask(question: Question, seed: int, budget: Budget) -> Decision:
        return await swarm.ask(question, seed=seed, budget=budget)

    return ask
