"""From a short text to a model: ``embedded:smollm2-135m``, ``openai:gpt-5-mini``, ``gguf:/path/file.gguf``, …"""

from collections.abc import Mapping
from random import Random
from typing import Any, TypeAlias

import msgspec

from waggledance.core._errors import UnknownName, UsageError
from waggledance.core._turn import Turn
from waggledance.models._catalogue import CATALOGUE, DEFAULT, cache_folder, path_of
from waggledance.models._model import Completion, Model, Request
from waggledance.models._openmp import wanted

Config: TypeAlias = Mapping[str, Any]

_OPTIONS: dict[str, dict[str, str]] = {
    "embedded": {"threads": "CPU threads", "slots": "conversations at once", "context_tokens": "longest conversation"},
    "gguf": {"threads": "CPU threads", "slots": "conversations at once", "context_tokens": "longest conversation"},
    "openai": {
        "base_url": "the endpoint's address",
        "key_env": "environment variable with the key",
        "headers": "sent with every request",
        "tries": "how often to ask in all",
        "concurrency": "requests at once",
        "seed": "seed of the retry waits' jitter",
    },
    "recorded": {},
    "scripted": {"delay_s": "seconds before each answer"},
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One model that can be named, and whether it can be used here."""

    spec: str
    """What to write after ``--model``."""
    usable: bool
    """Whether it would work now, as far as can be seen without asking it."""
    why: str
    """Why not and what to do, or where it is."""
    detail: str
    """Size, context, licence."""


def model(spec: str, *, config: Config | None = None) -> Model:
    """The model that a short text names.

    Args:
        spec: ``embedded``, ``embedded:NAME``, ``gguf:PATH``, ``openai:NAME``, ``recorded:PATH`` (``#MODEL`` when the
            bank holds several), or ``scripted:ANSWER|ANSWER|…``, said in turn, over and over.
        config: options of that kind of model; see `options`.

    Raises:
        UnknownName: no such kind, embedded model or option; says the nearest.
        ModelError: the model cannot be used here; says what to do.

    >>> model("scripted:yes|no").name
    'scripted'
    """
    kind, _, rest = spec.partition(":")
    if kind not in _OPTIONS:
        raise UnknownName("kind of model", kind, _OPTIONS)
    options = dict(config or {})
    for option in options:
        if option not in _OPTIONS[kind]:
            raise UnknownName(f"option of {kind} models", option, _OPTIONS[kind])
    if not rest and kind != "embedded":
        raise UsageError(f"{kind!r} needs more: write {_example(kind)}")
    try:
        return _made(kind, rest, options)
    except TypeError as error:
        raise UsageError(f"{spec}: an option has the wrong type ({error})") from error


def options(kind: str) -> Mapping[str, str]:
    """Return the options of a kind of model, each with what it means.

    Raises:
        UnknownName: there is no such kind.
    """
    if kind not in _OPTIONS:
        raise UnknownName("kind of model", kind, _OPTIONS)
    return _OPTIONS[kind]


def available() -> list[Row]:
    """Which models can be named here, which of them would work, and what the others lack."""
    rows: list[Row] = []
    runs = wanted() is None
    for name, weights in CATALOGUE.items():
        path = path_of(name)
        broken = path is None and (cache_folder() / weights.file).is_file()
        state = f"Its file is broken: delete {cache_folder() / weights.file} and run" if broken else "Run"
        size = f"{weights.size_bytes / 1e6:,.0f} MB"
        rows.append(
            Row(
                spec=f"embedded:{name}",
                usable=path is not None and runs,
                why=str(path) if path and runs else f"{state} `waggle models get {name}`.",
                detail=f"{weights.title}, {size}, context {weights.context_tokens:,} tokens, {weights.licence}",
            )
        )
    return [
        *rows,
        Row(spec="gguf:PATH", usable=True, why="Any GGUF file of a language model.", detail=""),
        _openai_row(),
    ]


async def check(asked: Model) -> Completion:
    """Really ask a model one tiny question.

    Raises:
        ModelError: it could not answer; says why and what to do.
    """
    question = Request(turns=(Turn("user", "Say OK."),), max_tokens=8, temperature=0.0, timeout_s=120.0)
    return await asked.complete(question)


def _made(kind: str, rest: str, options: dict[str, Any]) -> Model:
    if kind == "embedded":
        from waggledance.models._llama import Embedded

        return Embedded(rest or DEFAULT, **options)
    if kind == "gguf":
        from waggledance.models._llama import Gguf

        return Gguf(rest, **options)
    if kind == "openai":
        return _openai(rest, options)
    if kind == "recorded":
        from waggledance.models._recorded import Recorded

        path, _, whose = rest.partition("#")
        return Recorded(path, model=whose or None)
    from waggledance.models._scripted import Scripted

    return Scripted(rest.split("|"), cycle=True, **options)


def _openai(name: str, options: dict[str, Any]) -> Model:
    from waggledance.models._openai import CONCURRENCY, OpenAI
    from waggledance.models._retry import Retrying

    rng = Random(options.pop("seed", 0))
    tries, concurrency = options.pop("tries", 5), options.pop("concurrency", CONCURRENCY)
    return Retrying(OpenAI(name, **options), rng=rng, tries=tries, concurrency=concurrency)


def _openai_row() -> Row:
    import os

    address, key = os.environ.get("OPENAI_BASE_URL"), "OPENAI_API_KEY" in os.environ
    if key or address:
        why = f"Asks {address or 'api.openai.com'}, {'with the key in OPENAI_API_KEY' if key else 'without a key'}."
    else:
        why = "Set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own."
    return Row(spec="openai:NAME", usable=key or bool(address), why=why, detail="any OpenAI-compatible endpoint")


def _example(kind: str) -> str:
    return {
        "gguf": "gguf:/path/to/file.gguf",
        "openai": "openai:MODEL, like openai:gpt-5-mini",
        "recorded": "recorded:/path/to/bank.jsonl",
        "scripted": "scripted:ANSWER or scripted:FIRST|SECOND",
    }[kind]
