"""What an institution is: stages, who holds them, and which stage follows on which word; read from a data file.

A stage is held by an office, whose holders are drawn by lot; it ends in a word, and the word names the next stage.
What a form of government does to a task follows from its shape: how many gates it has, what a rejection leads to, how
many hands a draft passes.
Source: Fei, Guo, Xiao 2026, "When Agents Evolve, Institutions Follow", arXiv:2604.27691; the shapes as in its code.
Departures: every head is an office drawn by lot and replaceable; the guard is on a stage and has a way out, where the
code counts steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from waggledance.core import UnknownName, UsageError

Word = Literal["done", "failed", "approve", "disputed", "reject", "silent", "default"]
Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]*$", max_length=40)]

_SAID: Mapping[str, tuple[Word, ...]] = {
    "note": ("done",),
    "draft": ("done", "failed"),
    "work": ("done", "failed"),
    "watch": ("done",),
    "gate": ("approve", "disputed", "reject", "silent"),
    "end": (),
}
"""Which words a stage of each kind may end in."""


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stage of an institution."""

    name: Name
    kind: Literal["note", "draft", "work", "gate", "watch", "end"]
    """``note``: write a plan that guides those after it; ``draft``: answer, or answer again after a rejection;
    ``work``: go over what is there, in several seats each for itself, the answer most of them give standing; ``gate``:
    vote on it by grades, half of the best or more being a yes; ``watch``: grade it without a say; ``end``: stop."""
    office: Name = "office"
    """Who holds it; stages of one office are held by the same peers while they are there."""
    seats: Annotated[int, Meta(ge=1, le=1000)] = 1
    """How many peers hold it at once; all there are, where there are fewer."""
    passes_ppm: Annotated[int, Meta(ge=1, le=1_000_000)] = 500_000
    """``gate``: of the weight of all who gave a grade, more than this must say yes, or all; so a tie is a rejection."""
    then: Mapping[Word, Name] = {}
    """Which stage follows on which word; ``default`` on any other. An approval against votes is ``disputed``, and goes
    where ``approve`` goes unless it is named; a gate where nobody gave a grade is ``silent``."""
    tries: Annotated[int, Meta(ge=0, le=1000)] = 0
    """How often it may be entered; 0 for no limit."""
    otherwise: Name | None = None
    """Which stage is entered instead, once the tries are used up."""
    outcome: Literal["delivered", "ended"] = "delivered"
    """``end``: whether the task is done or was stopped."""

    def after(self, word: Word) -> str:
        """Return the name of the stage that follows on a word."""
        if word == "disputed" and word not in self.then:
            word = "approve"
        return self.then.get(word, self.then.get("default", ""))


class Fingerprint(msgspec.Struct, frozen=True):
    """What tells one shape from another."""

    gates: int
    """Stages that can reject."""
    loops: int
    """Stages that can be entered again."""
    depth: int
    """Stages on the way from start to end when all approve, the end not counted."""
    voters: int
    """Seats of the largest gate; 0 without one."""

    def __str__(self) -> str:
        return f"{self.gates} gates, {self.loops} loops, depth {self.depth}, {self.voters} voters"


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An institution: its stages, of which the first is the start.

    Raises:
        UsageError: a name stands for two stages or for none, a stage cannot be reached, an end cannot be reached from
            one, or a loop has no guard.
    """

    name: Name
    about: str = ""
    """One line for those who choose."""
    stages: Annotated[tuple[Stage, ...], Meta(min_length=2)]

    def __post_init__(self) -> None:
        by_name = {stage.name: stage for stage in self.stages}
        if len(by_name) < len(self.stages):
            raise self._wrong("two stages have one name")
        for stage in self.stages:
            self._check_words(stage, by_name)
        unreached = set(by_name) - _reached(self.stages[0].name, by_name)
        if unreached:
            raise self._wrong(f"no stage leads to {min(unreached)!r}: name it in a `then`, or take it out")
        for stage in self.stages:
            if not any(by_name[name].kind == "end" for name in _reached(stage.name, by_name)):
                raise self._wrong(f"no end can be reached from stage {stage.name!r}: let one of its words lead on")
        circle = _unguarded(by_name)
        if circle:
            raise self._wrong(f"the loop through {circle!r} has no guard: give one of its stages `tries` and, outside "
                              "of the loop, an `otherwise`")  # fmt: skip

    def index(self, name: str) -> int:
        """Return a stage's place in the list."""
        return next(i for i, stage in enumerate(self.stages) if stage.name == name)

    @property
    def fingerprint(self) -> Fingerprint:
        """What tells it from others."""
        by_name = {stage.name: stage for stage in self.stages}
        stage, passed = self.stages[0], set[str]()
        while stage.kind != "end" and stage.name not in passed:
            passed.add(stage.name)
            stage = by_name[stage.after("approve" if stage.kind == "gate" else "done")]
        gates = [stage for stage in self.stages if stage.kind == "gate"]
        again = [s for s in self.stages if any(s.name in _reached(name, by_name) for name in _next(s))]
        loops = sum(stage.tries > 0 for stage in again)
        return Fingerprint(len(gates), loops, len(passed), max((gate.seats for gate in gates), default=0))

    def _check_words(self, stage: Stage, by_name: Mapping[str, Stage]) -> None:
        said = _SAID[stage.kind]
        for word, target in stage.then.items():
            if word not in (*said, "default"):
                raise self._wrong(f"stage {stage.name!r}, a {stage.kind}, never says {word!r} (it says "
                                  f"{', '.join(said) or 'nothing'})")  # fmt: skip
            if target not in by_name:
                raise self._wrong(f"stage {stage.name!r} leads to {target!r}, which is no stage")
        if said and "default" not in stage.then:
            raise self._wrong(f"stage {stage.name!r} has no `default` among its words")
        if (stage.tries > 0) != (stage.otherwise is not None):
            raise self._wrong(f"stage {stage.name!r} needs both `tries` and `otherwise`, or neither")
        if stage.otherwise is not None and stage.otherwise not in by_name:
            raise self._wrong(f"stage {stage.name!r} leads otherwise to {stage.otherwise!r}, which is no stage")

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"the institution {self.name!r} cannot work: {what}")


def institutions() -> tuple[str, ...]:
    """Return the names of the institutions that come along, sorted."""
    return tuple(sorted(f.name.removesuffix(".toml") for f in _folder().iterdir() if f.name.endswith(".toml")))


@cache
def institution_spec(name: str) -> Spec:
    """Return an institution by its name, or from a TOML file of one's own.

    Raises:
        UnknownName: there is none of this name, says the nearest; a name with a dot or a slash is a file.
        UsageError: the file cannot be read, or what stands in it cannot work.

    >>> print(institution_spec("three-departments").fingerprint)
    2 gates, 2 loops, depth 4, 5 voters
    """
    own = "/" in name or "." in name
    if not own and name not in institutions():
        raise UnknownName("institution", name, institutions())
    try:
        text = Path(name).read_bytes() if own else (_folder() / f"{name}.toml").read_bytes()
        return msgspec.toml.decode(text, type=Spec)
    except OSError as why:
        raise UsageError(f"the institution {name!r} cannot be read: {why}") from why
    except msgspec.ValidationError as why:
        raise why.__cause__ if isinstance(why.__cause__, UsageError) else _unreadable(name, why) from why
    except msgspec.DecodeError as why:
        raise _unreadable(name, why) from why


def _unreadable(name: str, why: Exception) -> UsageError:
    return UsageError(f"the institution {name!r} cannot be read: {why}. See protocols/institutions/ for examples")


def _folder() -> Traversable:
    return files("waggledance.protocols") / "institutions"


def _next(stage: Stage) -> Iterator[str]:
    yield from dict.fromkeys(stage.after(word) for word in _SAID[stage.kind])
    if stage.otherwise is not None:
        yield stage.otherwise


def _reached(start: str, by_name: Mapping[str, Stage]) -> set[str]:
    """Return the names of all stages that can follow, the start included."""
    found, new = {start}, [start]
    while new:
        fresh = [name for name in _next(by_name[new.pop()]) if name not in found]
        found.update(fresh)
        new += fresh
    return found


def _unguarded(by_name: Mapping[str, Stage]) -> str:
    """Return a stage in a loop that never ends, or nothing.

    With all tries used up, a guarded stage stands for what it leads to otherwise; what is left must have no loop.
    """

    def entered(name: str) -> str | None:
        passed: set[str] = set()
        while (other := by_name[name].otherwise) is not None:
            if name in passed:
                return None
            passed.add(name)
            name = other
        return name

    ends: set[str] = set()
    while True:
        more = {
            name
            for name, stage in by_name.items()
            if name not in ends
            and (entered(name) in ends if stage.tries else all(entered(to) in ends for to in _onwards(stage)))
        }
        if not more:
            return min(set(by_name) - ends, default="")
        ends |= more


def _onwards(stage: Stage) -> Iterator[str]:
    yield from (stage.after(word) for word in _SAID[stage.kind])
