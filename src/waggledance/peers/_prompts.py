"""The texts that agents say to their models, kept as files of their own in ``prompts/``."""

from __future__ import annotations

from functools import cache
from string import Template, ascii_uppercase

from waggledance.core import AnswerKind, Question
from waggledance.peers._others import defanged


def prompt(name: str, **values: str) -> str:
    """Return the prompt `name` with its blanks filled in; a blank filled with nothing leaves no space behind."""
    filled = _template(name).substitute(values)
    return "\n".join(line.rstrip() for line in filled.split("\n")).strip()


def form(kind: AnswerKind) -> str:
    """Return what a model is told about the form of its answer."""
    return _parts(kind)["form"]


def example(kind: AnswerKind) -> tuple[str, str]:
    """Return a worked example of a kind of question: asked as a model is asked, and answered in the form it should."""
    parts = _parts(kind)
    return f"Question: {parts['question']}\n\n{parts['form']}", parts["answer"]


def asked(question: Question) -> str:
    """Return a question as every model is asked it, options included."""
    options = "".join(
        f"\n{letter}) {defanged(option)}" for letter, option in zip(ascii_uppercase, question.options, strict=False)
    )
    return f"Question: {defanged(question.text)}{options}"


@cache
def _template(name: str) -> Template:
    return Template(_file(name))


@cache
def _parts(kind: AnswerKind) -> dict[str, str]:
    """Split a kind's file at its lines in brackets: form, question, answer."""
    parts: dict[str, list[str]] = {}
    for line in _file(kind.replace("/", "_")).splitlines():
        if line in ("[form]", "[question]", "[answer]"):
            parts[line[1:-1]] = []
        else:
            parts[list(parts)[-1]].append(line)
    return {name: "\n".join(lines) for name, lines in parts.items()}


def _file(name: str) -> str:
    from importlib.resources import files  # slow to import, and needed only once somebody thinks

    return (files("waggledance.peers") / "prompts" / f"{name}.txt").read_text("utf-8")
