"""Models by the name that people give them: a spec, or a table ``[models.NAME]`` of waggle.toml."""

from __future__ import annotations

import os
import re
from typing import Any

from waggledance.cli._config import InForce
from waggledance.cli._settings import ModelTable
from waggledance.core import UnknownName, UsageError
from waggledance.models import Model, model, options

_ENDINGS = {"gguf": "gguf", "recorded": "jsonl"}
_OPTIONS = (
    *("base_url", "key_env", "headers", "tries", "concurrency", "threads", "slots", "context_tokens", "delay_s"),
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def model_named(name: str, force: InForce) -> Model:
    """Return the model of a name: the file's own table of that name, or else a spec such as ``openai:gpt-5-mini``.

    Raises:
        UsageError: there is no such model, or its table makes no sense; says the line.
        ModelError: it cannot be used here; says what to do.
    """
    table = force.settings.models.get(name)
    if table is not None:
        return force.using(f"models.{name}", lambda: _of_table(name, table, force))
    try:
        return model(name)
    except UnknownName as why:
        if why.noun != "kind of model" or not force.settings.models:
            raise
        raise UnknownName("model", name, [*why.known, *force.settings.models]) from None


def spec_of(name: str, table: ModelTable, force: InForce) -> str:
    """Return the spec that a table stands for.

    >>> spec_of("mine", ModelTable(kind="openai", model="gpt-5-mini"), InForce.defaults())
    'openai:gpt-5-mini'
    """
    if table.kind == "a2a":
        raise UsageError(f"{name!r} is an A2A agent, not a model: it takes a peer's place, and cannot be thought with")
    if table.kind in _ENDINGS:
        if table.model is not None:
            raise UsageError(f"a {table.kind} model has a path, not a model: leave out model")
        if table.path is None:
            raise UsageError(f'a {table.kind} model needs a file, as in path = "{name}.{_ENDINGS[table.kind]}"')
        return f"{table.kind}:{force.path(table.path, f'models.{name}')}"
    if table.path is not None:
        raise UsageError(f'an {table.kind} model has no path; leave it out, or use kind = "gguf"')
    if table.kind == "scripted" and table.model is None:
        raise UsageError('a scripted model needs its answers, as in model = "Answer: 4|Answer: 5"')
    return f"{table.kind}:{table.model or name}"


def _of_table(name: str, table: ModelTable, force: InForce) -> Model:
    spec = spec_of(name, table, force)
    known = options(table.kind)
    config: dict[str, Any] = {}
    for option in _OPTIONS:
        value = getattr(table, option)
        if value is None:
            continue
        if option not in known:
            raise UsageError(
                f"{option} means nothing to {table.kind} models; they take {', '.join(known) or 'no options'}"
            )
        config[option] = value
    if table.headers is not None:
        config["headers"] = {header: filled(text, f"the header {header}") for header, text in table.headers.items()}
    return model(spec, config=config)


def filled(text: str, what: str) -> str:
    """Return a text with environment variables put in.

    Raises:
        UsageError: one of them is not set; names what needs it.
    """

    def value(found: re.Match[str]) -> str:
        variable = found[1] or found[2]
        if variable not in os.environ:
            raise UsageError(f"{what} needs the environment variable {variable}, which is not set")
        return os.environ[variable]

    return _VARIABLE.sub(value, text)
