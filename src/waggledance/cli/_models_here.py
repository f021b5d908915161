"""Make the models that peers will think with; fetch the embedded one's weights when they are not here yet."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from waggledance.cli._config import InForce
from waggledance.cli._fetching import fetch
from waggledance.cli._own_models import model_named
from waggledance.cli._remote_agents import is_agent
from waggledance.models import CATALOGUE, Model, WeightsBroken, WeightsMissing


def models_for(names: Iterable[str], force: InForce) -> dict[str, Model]:
    """Return the models by name, one each, however many peers share it; agents elsewhere are none.

    Raises:
        UsageError: there is no such model.
        ModelError: one cannot be used here; says what to do.
    """
    return {
        name: _scrubbed(force.using("ask.model", partial(_made, name, force)), force.settings.ask.scrub)
        for name in sorted(set(names))
        if not is_agent(name, force)
    }


def _scrubbed(model: Model, wanted: bool | None) -> Model:
    """Return a model that private details are kept from, where that is wanted.

    Unless told otherwise: models behind an endpoint, also one on this machine, because nobody here knows whether it
    passes on what it is sent.
    """
    if not (model.name.startswith("openai:") if wanted is None else wanted):
        return model
    from waggledance.safety import Scrubbed

    return Scrubbed(model)


def _made(name: str, force: InForce) -> Model:
    try:
        return model_named(name, force)
    except WeightsMissing as why:
        wanted = why.model.removeprefix("embedded:")
        if isinstance(why, WeightsBroken) or wanted not in CATALOGUE or wanted == why.model:
            raise
        weights = CATALOGUE[wanted]
        fetch(wanted, f"fetching the embedded model, once: {weights.title}, {weights.size_bytes / 1e6:,.0f} MB")
        return model_named(name, force)
