"""A batch as a file: steps with prompts, swarms or functions of one's own, in YAML; every key and its default.

Unknown keys are refused with the nearest right one, and every complaint names its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias, cast

import msgspec
from msgspec import Meta

from waggledance.core import AnswerKind, Budget, UnknownName, UsageError
from waggledance.tasks._yaml_lines import Lines, WrongPlan
from waggledance.tasks._yaml_lines import Path as Entry

MAX_FILE_BYTES = 1_000_000
MAX_STEPS = 1_000

Seconds = Annotated[float, Meta(gt=0, le=1e6)]
Temperature = Annotated[float, Meta(ge=0, le=10)]
Positive = Annotated[int, Meta(ge=1)]
Conditions: TypeAlias = dict[str, str | bool | tuple[str | bool, ...]]
"""By step or field, which condition holds (``yes``, ``no``, ``has:WORDS``, ``above:3``, …), or a list of which one
does. All must."""


class Loop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``loop:`` — a row goes back to an earlier step."""

    to: str
    unless: Conditions
    """When the row may go on."""
    times: Annotated[int, Meta(ge=1, le=100)] = 1


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``ask:`` — a swarm answers; but for `question` and `options` the keys are those of ``[ask]`` in waggle.toml."""

    question: str
    options: tuple[str, ...] = ()
    peers: Annotated[int, Meta(ge=1, le=64)] = 3
    model: str | tuple[str, ...] | None = None
    protocol: str | None = None
    rule: str | None = None
    topology: str | None = None
    rounds: Annotated[int, Meta(ge=0, le=100)] | None = None
    patience_s: Annotated[float, Meta(ge=0)] | None = None
    answer: AnswerKind = "short"
    temperature: Temperature | None = None
    max_tokens: Positive | None = None


class StepTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step: exactly one of `prompt`, `ask` and `python`."""

    prompt: str | None = None
    """What a model is asked, with blanks."""
    ask: Asked | None = None
    python: str | None = None
    """``module:function``; the module lies beside the plan."""
    system: str | None = None
    """With `prompt`: who the model is."""
    model: str | None = None
    """With `prompt`; the plan's when None."""
    expects: AnswerKind | None = None
    """With `prompt`: what kind of answer is read out of the model's words; the words themselves when None."""
    options: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    """With `prompt`: a JSON schema; the model's words are read as JSON of it."""
    temperature: Temperature = 0.7
    max_tokens: Positive = 512
    needs: tuple[str, ...] = ()
    """Steps to wait for that no blank names."""
    when: Conditions | None = None
    """When it runs at all; its result is nothing otherwise."""
    loop: Loop | None = None
    width: Positive | None = None
    timeout_s: Seconds = 300.0
    retries: Annotated[int, Meta(ge=0, le=100)] = 0
    idempotent: bool = False


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``budget:`` — what the whole run may cost."""

    tokens: Annotated[int, Meta(ge=0)] | None = None
    calls: Annotated[int, Meta(ge=0)] | None = None
    seconds: Annotated[float, Meta(ge=0)] | None = None
    usd: Annotated[float, Meta(ge=0)] | None = None


class _Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a plan but its steps."""

    name: str = ""
    model: str | None = None
    """What steps think with that name no model; the embedded one when nobody says otherwise."""
    seed: int = 0
    in_flight: Annotated[int, Meta(ge=1, le=100_000)] = 100
    budget: Limits = Limits()
    steps: Any = None


class BatchFile:
    """A plan read from a file.

    Args:
        path: the file.

    Raises:
        WrongPlan: an entry makes no sense; says the line.
        UsageError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = Lines(_text_of(path), str(path))
        head = self._converted(self.lines.value, _Head, ())
        self.name: str = head.name or path.stem
        self.model: str | None = head.model
        self.seed: int = head.seed
        self.in_flight: int = head.in_flight
        self.budget = Budget(**msgspec.structs.asdict(head.budget))
        if not isinstance(head.steps, dict) or not cast("dict[str, object]", head.steps):
            raise self.lines.wrong(
                ("steps",), "steps must be a table of one or more, as in steps: {draft: {prompt: …}}"
            )
        steps = cast("dict[str, object]", head.steps)
        if len(steps) > MAX_STEPS:
            raise self.lines.wrong(("steps",), f"{len(steps):,} steps are more than {MAX_STEPS:,}")
        self.steps = {name: self._step(name, table) for name, table in steps.items()}

    def wrong(self, path: Entry, what: str) -> WrongPlan:
        """Return a complaint about an entry."""
        return self.lines.wrong(path, what)

    def _step(self, name: str, table: object) -> StepTable:
        at = ("steps", name)
        step: StepTable = self._converted(table, StepTable, at)
        kinds = [kind for kind in ("prompt", "ask", "python") if getattr(step, kind) is not None]
        if len(kinds) != 1:
            seen = " and ".join(kinds) or "none of them"
            raise self.wrong(at, f"step {name!r} has one of prompt, ask and python; it has {seen}")
        for key in ("system", "model", "expects", "options", "schema"):
            if kinds != ["prompt"] and getattr(step, key):
                raise self.wrong((*at, key), f"{key} goes with prompt; step {name!r} has {kinds[0]}")
        if step.expects is not None and step.schema is not None:
            raise self.wrong((*at, "schema"), "give expects or schema, not both: each says how the words are read")
        return step

    def _converted(self, value: object, kind: type[Any], at: Entry) -> Any:
        if not isinstance(value, dict):
            raise self.wrong(at, f"{at[-1] if at else 'the plan'} must be a table, as in `name: value`")
        self._check_keys(cast("dict[str, object]", value), kind, at)
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as why:
            what, _, where = str(why).partition(" - at `$")
            steps = tuple(int(i) if i else name for name, i in re.findall(r"\.(\w+)|\[(\d+)\]", where))
            entry = (*at, *steps)
            raise self.wrong(entry, f"{entry[-1] if entry else 'the plan'}: {what[:1].lower()}{what[1:]}") from None

    def _check_keys(self, table: Mapping[str, object], kind: type[Any], at: Entry) -> None:
        known = {field.name: field.type for field in msgspec.structs.fields(kind)}
        for key, value in table.items():
            if key not in known:
                raise self.wrong((*at, key), str(UnknownName("key", key, known)))
            for inner in (Loop, Asked, Limits):
                if isinstance(value, dict) and inner in (known[key], *getattr(known[key], "__args__", ())):
                    self._check_keys(cast("dict[str, object]", value), inner, (*at, key))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as why:
        raise UsageError(f"plan {path}: {(why.strerror or str(why)).lower()}") from why
    if len(raw) > MAX_FILE_BYTES:
        raise UsageError(f"{path} has more than {MAX_FILE_BYTES:,} bytes; that is no plan")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        raise UsageError(f"{path}: not UTF-8 at byte {why.start}: save it as UTF-8") from why
