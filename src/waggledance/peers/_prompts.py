"""The texts that agents say to their models, kept as files of their own in ``prompts/``."""

from __future__ import annotations

from functools import cache
from string import Template, ascii_uppercase

from msgspec import UNSET

from waggledance.core import AnswerKind, Question, UnknownName
from waggledance.peers._others import defanged, mark_for


def prompt(name: str, **values: str) -> str:
    """Return the prompt `name` with its blanks filled in; a blank filled with nothing leaves no space behind."""
    filled = _template(name).substitute(values)
    return "\n".join(line.rstrip() for line in filled.split("\n")).strip()


def form(kind: AnswerKind) -> str:
    """Return what a model is told about the form of its answer."""
    return _parts(_file_of(kind))["form"]


def example(kind: AnswerKind) -> tuple[str, str]:
    """Return a worked example of a kind of question: asked as a model is asked, and answered in the form it should."""
    parts = _parts(_file_of(kind))
    return f"Question: {parts['question']}\n\n{parts['form']}", parts["answer"]


def compare_example(first_is_better: bool) -> tuple[str, str]:
    """Return a worked comparison of a right and a wrong answer, asked and judged."""
    parts = _parts("judging")
    first, second = (parts["right"], parts["wrong"]) if first_is_better else (parts["wrong"], parts["right"])
    asking = prompt("compare", first=first, second=second, mark=mark_for((first, second)), persona="")
    better, worse = ("First", "second") if first_is_better else ("Second", "first")
    return f"Question: {parts['question']}\n\n{asking}", f"Better: {better}\nAbout the {worse}: {parts['why wrong']}"


def critique_examples() -> tuple[tuple[str, str], ...]:
    """Return two worked gradings, of a wrong and of a right answer, asked and graded."""
    parts = _parts("judging")

    def one(words: str, why: str, grade: int) -> tuple[str, str]:
        asking = prompt("critique", words=words, mark=mark_for((words,)), persona="")
        return f"Question: {parts['question']}\n\n{asking}", f"Grade: {grade}\n{why}"

    return one(parts["wrong"], parts["why wrong"], 1), one(parts["right"], parts["why right"], 9)


def note_example(about: str) -> tuple[str, str]:
    """Return a worked example of a note, asked as a model is asked, and written."""
    parts = _note(about)
    return f"Question: {parts['question']}\n\n{noting(about, parts.get('material', ''), '')}", parts["answer"]


def noting(about: str, words: str, persona: str) -> str:
    """Return what asks a model for a note, others' words in it fenced; with words, it may be told otherwise.

    Raises:
        UnknownName: there is no prompt for such notes; says the nearest that there is.
    """
    parts = _note(about)
    wanted = f"{parts.get('wanted of material', parts['wanted']) if words else parts['wanted']} {persona}".strip()
    return prompt("material", words=words, mark=mark_for((words,)), wanted=wanted) if words else wanted


def guiding(words: str) -> str:
    """Return notes that are to guide an answer, fenced; nothing without any."""
    return prompt("guide", words=words, mark=mark_for((words,))) if words else ""


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
    return f"Question: {defanged(question.text)}{options}{budget}"


@cache
def _template(name: str) -> Template:
    return Template(_file(name))


def _file_of(kind: AnswerKind) -> str:
    return kind.replace("/", "_")


@cache
def _note(about: str) -> dict[str, str]:
    known = _notes()
    if about not in known:
        raise UnknownName("prompt for notes", about, known)
    return _parts(f"{_NOTE}{about}")


_NOTE = "note_"


@cache
def _notes() -> tuple[str, ...]:
    from importlib.resources import files

    names = [file.name for file in (files("waggledance.peers") / "prompts").iterdir()]
    return tuple(sorted(n.removeprefix(_NOTE).removesuffix(".txt") for n in names if n.startswith(_NOTE)))


@cache
def _parts(name: str) -> dict[str, str]:
    """Split a file at its lines in brackets, each the name of what follows it."""
    parts: dict[str, list[str]] = {}
    for line in _file(name).splitlines():
        if line.startswith("[") and line.endswith("]"):
            parts[line[1:-1]] = []
        else:
            parts[list(parts)[-1]].append(line)
    return {name: "\n".join(lines) for name, lines in parts.items()}


def _file(name: str) -> str:
    from importlib.resources import files  # slow to import, and needed only once somebody thinks

    return (files("waggledance.peers") / "prompts" / f"{name}.txt").read_text("utf-8")
