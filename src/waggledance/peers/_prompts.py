"""The texts that agents say to their models, kept as files of their own in ``prompts/``; a set may replace some."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from string import Template, ascii_uppercase

from msgspec import UNSET

from waggledance.core import AnswerKind, Question, UnknownName, UsageError
from waggledance.peers._others import defanged, mark_for

MAX_PROMPT_CHARS = 8_000
"""Of one text in a set: about 2,000 tokens, which small models' contexts still hold."""
_NOTE = "note_"


class Prompts:
    """What agents say to their models: the library's own texts, or others in their place.

    A text that takes another's place has exactly the blanks of that one (such as ``$words`` and ``$mark``, between
    which others' words are fenced), or exactly its sections (such as ``[form]``), so that what fills them still fits.

    Args:
        instead: texts by the name of the file in ``prompts/`` that each takes the place of, without ``.txt``.

    Raises:
        UnknownName: there is no prompt of such a name; says the nearest.
        UsageError: a text is empty, over 8,000 characters, or has other blanks or sections than the one it replaces.

    >>> Prompts({"system": "Answer in one word."}).prompt("system")
    'Answer in one word.'
    """

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        self._instead = dict(sorted((instead or {}).items()))
        for name, text in self._instead.items():
            _check(name, text)
        self._templates: dict[str, Template] = {}
        self._parted: dict[str, dict[str, str]] = {}

    def prompt(self, name: str, **values: str) -> str:
        """Return the prompt `name` with its blanks filled in; a blank filled with nothing leaves no space behind."""
        filled = self._template(name).substitute(values)
        return "\n".join(line.rstrip() for line in filled.split("\n")).strip()

    def form(self, kind: AnswerKind) -> str:
        """Return what a model is told about the form of its answer."""
        return self._parts(_file_of(kind))["form"]

    def example(self, kind: AnswerKind) -> tuple[str, str]:
        """Return a worked example of a kind of question: asked as a model is asked, answered in the form it should."""
        parts = self._parts(_file_of(kind))
        return f"Question: {parts['question']}\n\n{parts['form']}", parts["answer"]

    def compare_example(self, first_is_better: bool) -> tuple[str, str]:
        """Return a worked comparison of a right and a wrong answer, asked and judged."""
        parts = self._parts("judging")
        first, second = (parts["right"], parts["wrong"]) if first_is_better else (parts["wrong"], parts["right"])
        asking = self.prompt("compare", first=first, second=second, mark=mark_for((first, second)), persona="")
        better, worse = ("First", "second") if first_is_better else ("Second", "first")
        return (
            f"Question: {parts['question']}\n\n{asking}",
            f"Better: {better}\nAbout the {worse}: {parts['why wrong']}",
        )

    def critique_examples(self) -> tuple[tuple[str, str], ...]:
        """Return two worked gradings, of a wrong and of a right answer, asked and graded."""
        parts = self._parts("judging")

        def one(words: str, why: str, grade: int) -> tuple[str, str]:
            asking = self.prompt("critique", words=words, mark=mark_for((words,)), persona="")
            return f"Question: {parts['question']}\n\n{asking}", f"Grade: {grade}\n{why}"

        return one(parts["wrong"], parts["why wrong"], 1), one(parts["right"], parts["why right"], 9)

    def note_example(self, about: str) -> tuple[str, str]:
        """Return a worked example of a note, asked as a model is asked, and written."""
        parts = self._note(about)
        return f"Question: {parts['question']}\n\n{self.noting(about, parts.get('material', ''), '')}", parts["answer"]

    def noting(self, about: str, words: str, persona: str) -> str:
        """Return what asks a model for a note, others' words in it fenced; with words, it may be told otherwise.

        Raises:
            UnknownName: there is no prompt for such notes; says the nearest that there is.
        """
        parts = self._note(about)
        wanted = f"{parts.get('wanted of material', parts['wanted']) if words else parts['wanted']} {persona}".strip()
        return self.prompt("material", words=words, mark=mark_for((words,)), wanted=wanted) if words else wanted

    def guiding(self, words: str) -> str:
        """Return notes that are to guide an answer, fenced; nothing without any."""
        return self.prompt("guide", words=words, mark=mark_for((words,))) if words else ""

    def _note(self, about: str) -> dict[str, str]:
        known = _notes()
        if about not in known:
            raise UnknownName("prompt for notes", about, known)
        return self._parts(f"{_NOTE}{about}")

    def _template(self, name: str) -> Template:
        if name not in self._templates:
            self._templates[name] = Template(self._text(name))
        return self._templates[name]

    def _parts(self, name: str) -> dict[str, str]:
        if name not in self._parted:
            self._parted[name] = _parts(self._text(name))
        return self._parted[name]

    def _text(self, name: str) -> str:
        return self._instead.get(name) or _file(name)


BUILT_IN = Prompts()
"""The library's own."""


def asked(question: Question) -> str:
    """Return a question as every model is asked it, options included, with costs where it has a budget."""
    priced = question.of_values and question.costs is not UNSET
    prices = [f" (costs {price})" if priced else "" for price in question.prices]
    options = "".join(
        f"\n{letter}) {defanged(option)}{price}"
        for letter, option, price in zip(ascii_uppercase, question.options, prices, strict=False)
    )
    together = f"All you take may cost {question.limit} together." if priced else f"Take at most {question.limit}."
    budget = f"\n{together}" if question.of_values else ""
    return f"Question: {defanged(question.text, whole=True)}{options}{budget}"


def _check(name: str, text: str) -> None:
    """Refuse a text that cannot take the place of the library's own."""
    known = _names()
    if name not in known:
        raise UnknownName("prompt", name, known)
    if not text.strip() or len(text) > MAX_PROMPT_CHARS:
        raise UsageError(f"the prompt {name!r} has 1 to {MAX_PROMPT_CHARS:,} characters, got {len(text):,}")
    own = _file(name)
    if own.startswith("["):
        if not text.startswith("[") or _parts(text).keys() != _parts(own).keys():
            raise UsageError(f"the prompt {name!r} has the sections {', '.join(f'[{part}]' for part in _parts(own))}")
        return
    blanks = set(Template(own).get_identifiers())
    if not Template(text).is_valid() or set(Template(text).get_identifiers()) != blanks:
        has = ", ".join(f"${blank}" for blank in sorted(blanks)) or "none; a dollar sign is written $$"
        raise UsageError(f"the prompt {name!r} has the wrong blanks; it needs exactly: {has}")


def _file_of(kind: AnswerKind) -> str:
    return kind.replace("/", "_")


@cache
def _names() -> tuple[str, ...]:
    from importlib.resources import files

    names = (file.name for file in (files("waggledance.peers") / "prompts").iterdir())
    return tuple(sorted(name.removesuffix(".txt") for name in names if name.endswith(".txt")))


def _notes() -> tuple[str, ...]:
    return tuple(name.removeprefix(_NOTE) for name in _names() if name.startswith(_NOTE))


def _parts(text: str) -> dict[str, str]:
    """Split a text at its lines in brackets, each the name of what follows it."""
    parts: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            parts[line[1:-1]] = []
        else:
            parts[list(parts)[-1]].append(line)
    return {name: "\n".join(lines) for name, lines in parts.items()}


@cache
def _file(name: str) -> str:
    from importlib.resources import files  # slow to import, and needed only once somebody thinks

    return (files("waggledance.peers") / "prompts" / f"{name}.txt").read_text("utf-8")
