"""`waggle memory skills`: a book of skills, shown, corrected and forgotten in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from waggledance.cli._printing import print_json, print_table, say
from waggledance.cli._safe_text import one_line
from waggledance.core import UnknownName, UsageError
from waggledance.memory import Skill, SkillBook

ID_DIGITS = 12


def skills(file: Path, forget: str | None, *, right: str | None, wrong: str | None, as_json: bool) -> None:
    """Change what is wanted, then print what is there.

    Raises:
        UsageError: there is no book, or an id is how several begin.
        UnknownName: there is no such skill, or no such decision.
    """
    if not file.is_file():
        raise UsageError(f'there is no book of skills at {file}. Begin one with: waggle ask --practise {file} "…"')
    with SkillBook(file) as book:
        if forget is not None:
            book.forget(_meant(book, forget).pattern)
        for run, is_right in ((right, True), (wrong, False)):
            if run is not None:
                book.verify(run, right=is_right)
        found = book.skills()
    if as_json:
        print_json({"skills": [_plain(words, skill) for words, skill in found]})
    elif found:
        print_table(("id", "stage", "right", "wrong", "kind of question", "example"), [
            (skill.pattern.hex()[:ID_DIGITS], skill.stage, _count(skill.right), f"{skill.wrong} of 8",
             one_line(words, 40), one_line(skill.question, 40))
            for words, skill in found
        ])  # fmt: skip
    else:
        say("nothing is practised yet: a kind of question counts once others than who said it best judged it right")


def _meant(book: SkillBook, id: str) -> Skill:
    """Return the one skill whose id begins like that."""
    ids = {skill.pattern.hex(): skill for _, skill in book.skills()}
    found = [skill for digits, skill in ids.items() if id and digits.startswith(id.lower())]
    if len(found) > 1:
        raise UsageError(f"{len(found)} skills begin with {id!r}; give more digits")
    if not found:
        raise UnknownName("skill", id, [digits[:ID_DIGITS] for digits in ids][:20])
    return found[0]


def _count(right: int) -> str:
    from waggledance.memory._skills import MATURE_AFTER

    return f"{right}+" if right == MATURE_AFTER else str(right)


def _plain(words: str, skill: Skill) -> dict[str, Any]:
    return {
        "id": skill.pattern.hex(),
        "pattern": words,
        "stage": skill.stage,
        "right": skill.right,
        "wrong_of_last_8": skill.wrong,
        "example": {"question": skill.question, "answer": skill.answer},
    }
