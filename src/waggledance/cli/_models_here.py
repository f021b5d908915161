"""Make the models that peers will think with; fetch the embedded one's weights when they are not here yet."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from waggledance.cli._config import InForce
from waggledance.cli._fetching import fetch
from waggledance.cli._own_models import model_named
from waggledance.models import CATALOGUE, DEFAULT, Model, WeightsBroken, WeightsMissing


def models_for(names: Iterable[str], force: InForce) -> dict[str, Model]:
    """Return the models by name, one each, however many peers share it.

    Raises:
        UsageError: there is no such model.
        ModelError: one cannot be used here; says what to do.
    """
    return {name: force.using("ask.model", partial(_made, name, force)) for name in sorted(set(names))}


def _made(name: str, force: InForce) -> Model:
    try:
        return model_named(name, force)
    except WeightsBroken:
        raise
    except WeightsMissing:
        wanted = _embedded(name, force)
        if wanted is None:
            raise
        weights = CATALOGUE[wanted]
        fetch(wanted, f"fetching the embedded model, once: {weights.title}, {weights.size_bytes / 1e6:,.0f} MB")
        return model_named(name, force)


def _embedded(name: str, force: InForce) -> str | None:
    """Return the catalogue's name of an embedded model; None for any other model."""
    table = force.settings.models.get(name)
    if table is not None:
        return (table.model or name) if table.kind == "embedded" else None
    kind, _, rest = name.partition(":")
    return (rest or DEFAULT) if kind == "embedded" else None
