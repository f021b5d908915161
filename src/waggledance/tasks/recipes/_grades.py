"""Reviewing samples: the mean of grades decides; one more peer rules where leaving a grade out would turn it round.

Source: GX-XinGao et al. 2025, "GRA", arXiv:2504.12322 (generator, reviewers, adjudicator). It calls the adjudicator
where grades spread; with symmetric noise that adds nothing (our simulation), so ours asks for one where the decision
hangs on a single grade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from blake3 import blake3

from waggledance.core import UNIT, RunFailed, UsageError
from waggledance.tasks._check_judges import disputed
from waggledance.tasks._check_schema import json_in
from waggledance.tasks._role_function import Watched, role_function

_OF_TEN = UNIT // 10


def calibrated(grades: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return grades without what is each reviewer's own: who always says the same has no say, the kind come down.

    A reviewer's mean over all that it graded is moved to the mean of all reviewers' means. With one reviewer left, or
    none, nothing is moved.

    Args:
        grades: by reviewer and sample, 0 to 1,000,000.

    Raises:
        UsageError: a grade is out of range.
    """
    for who, given in grades.items():
        wrong = [grade for grade in given.values() if not 0 <= grade <= UNIT]
        if wrong:
            raise UsageError(f"a grade lies between 0 and {UNIT} parts per million, {who!r} gave {wrong[0]}")
    telling = {who: given for who, given in sorted(grades.items()) if len(set(given.values())) > 1}
    means = {who: sum(given.values()) // len(given) for who, given in telling.items()}
    level = sum(means.values()) // len(means) if means else 0
    return {
        who: {sample: min(UNIT, max(0, grade + level - means[who])) for sample, grade in given.items()}
        for who, given in telling.items()
    }


def accepts(grades: Sequence[int], least: int, ruling: bool | None = None) -> bool | None:
    """Say whether a sample is taken; None where one grade less would turn it round and nobody has ruled.

    Args:
        grades: 0 to 1,000,000; a sample without any is not taken.
        least: the mean that is enough.
        ruling: what the adjudicator says, if it was asked; counts only where it is needed.
    """
    if disputed(grades, least):
        return ruling
    return bool(grades) and sum(grades) >= least * len(grades)


def distinct(samples: Mapping[str, int], alike: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the samples that stay when of those that are alike only the best does: a pure function of the sets.

    Samples that are joined by a chain of likeness are one cluster; of equal grades the one with the smaller hash stays.

    Args:
        samples: grades by the sample's text.
        alike: pairs of texts that are near duplicates, in any order.

    Raises:
        UsageError: a pair names what is no sample.
    """
    home = {text: text for text in samples}

    def root(text: str) -> str:
        while home[text] != text:
            text = home[text]
        return text

    for a, b in alike:
        if a not in home or b not in home:
            raise UsageError("a pair of near duplicates names a text that is not among the samples")
        home[root(a)] = root(b)
    best: dict[str, str] = {}
    for text in sorted(samples, key=lambda text: (-samples[text], blake3(text.encode()).digest())):
        best.setdefault(root(text), text)
    return tuple(sorted(best.values()))


@role_function("count-grades")
async def count_grades(watched: Watched) -> str:
    """Return ``yes``, ``no`` or ``disputed``, with the grades behind it.

    Raises:
        RunFailed: nobody graded.
    """
    grades = _grades(watched)
    if not grades:
        raise RunFailed("no reviewer gave a grade")
    taken = accepts(grades, _least(watched))
    word = "disputed" if taken is None else "yes" if taken else "no"
    return f"{word}\n{len(grades)} grades, mean {sum(grades) / len(grades) / _OF_TEN:.1f} of 10"


@role_function("settle-sample")
async def settle_sample(watched: Watched) -> str:
    """Return the sample if it is taken, behind a line that says so; else why not.

    Raises:
        RunFailed: there is no sample, or nobody counted its grades.
    """
    made, counted = watched.of("sample"), watched.of("count")
    if not (made and counted):
        raise RunFailed("there is no sample to settle" if not made else "nobody counted the sample's grades")
    sample, count = made[0], counted[0]
    rulings = watched.of("ruling")
    by = "adjudicator" if rulings else "reviewers"
    word = (rulings[0].text if rulings else count.text).strip().lower()
    if word.startswith("yes"):
        return f"accepted by {by}\n{sample.text}"
    return (
        f"rejected by {by}: {count.text}"
        if not word.startswith("disputed")
        else f"rejected: {count.text}, nobody ruled"
    )


def _grades(watched: Watched) -> list[int]:
    said = [cast("dict[str, Any]", json_in(made.text)) for made in watched.of("review")]
    return [round(one["score"] * _OF_TEN) for one in said]


def _least(watched: Watched) -> int:
    return int(watched.settings["accept_at"]) * _OF_TEN
