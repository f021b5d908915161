"""Skills ripen by what others judged right, go when they fail, and are the same whatever was written first."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.memory._record import RecordId
from waggledance.memory._skills import LOOKED_AT, MATURE_AFTER, Outcome, Skill, needed, skill_of

PATTERN = RecordId(b"p" * 32)


def outcome(number: int, right: bool = True, *, judges: int = 1, run: str = "", verified: bool = False) -> Outcome:
    return Outcome(pattern=PATTERN, number=number, run=run or f"r{number}", right=right, judges=judges,
                   verified=verified, question=f"q{number}", answer=f"a{number}" if right else "")  # fmt: skip


def lived(course: str) -> list[Outcome]:
    """Return outcomes: + right by others, - wrong, 0 right by nobody else's word."""
    return [outcome(i, mark != "-", judges=0 if mark == "0" else 1) for i, mark in enumerate(course, start=1)]


def after(course: str) -> Skill:
    skill = skill_of(lived(course))
    assert skill is not None
    return skill


courses = st.text("++++++----0", max_size=60)


@pytest.mark.parametrize(
    ("course", "stage"),
    [
        ("+", "detected"),
        ("++", "detected"),
        ("+++", "committed"),
        ("+" * 9, "committed"),
        ("+" * 10, "mature"),
        ("+" * 10 + "----", "mature"),
        ("+" * 10 + "-----", "removed"),
        ("+++-----", "removed"),
        ("+++-----" + "+" * 9, "detected"),
        ("+++-----" + "+" * 10, "mature"),
        ("-", "detected"),
        ("+-+-+-+-+-+-+-+-", "committed"),
        ("+" * 30 + "-+--+--", "removed"),
    ],
)
def test_a_skill_is_committed_after_three_mature_after_ten_and_removed_when_it_fails(course: str, stage: str) -> None:
    assert after(course).stage == stage


def test_what_nobody_else_judged_right_counts_for_nothing_however_often() -> None:
    assert skill_of(lived("0" * 50)) is None
    assert after("0" * 50 + "+").stage == "detected"


def test_one_success_never_commits_however_often_and_by_whomever_it_is_told() -> None:
    told = [outcome(i, run="the same", judges=50, verified=i % 2 == 0) for i in range(1, 40)]
    skill = skill_of(told)
    assert skill is not None
    assert (skill.stage, skill.right) == ("detected", 1)


def test_a_skill_that_only_fails_is_gone_within_ten_uses_whatever_was_before() -> None:
    for before in ("+++", "+" * 10, "+" * 500, "+++-----" + "+" * 10):
        gone = next(n for n in range(1, 11) if not after(before + "-" * n).usable)
        assert gone <= LOOKED_AT


def test_somebody_who_knows_outweighs_those_who_judged() -> None:
    right = lived("+++")
    assert skill_of([*right, *[outcome(i, False, run=f"r{i}", verified=True) for i in (1, 2)]]) != skill_of(right)
    alone = [outcome(i, judges=0, verified=True) for i in (1, 2, 3)]
    skill = skill_of(alone)
    assert skill is not None
    assert skill.usable


@given(course=courses, seed=st.integers(0, 99))
@settings(max_examples=60)
def test_the_fold_is_blind_to_order_and_to_repeats(course: str, seed: int) -> None:
    outcomes = lived(course)
    mixed = [*outcomes, *outcomes[::2]]
    Random(seed).shuffle(mixed)
    assert skill_of(mixed) == skill_of(outcomes)


@given(course=courses, more=courses)
@settings(max_examples=150)
def test_what_is_left_out_changes_nothing_now_or_later(course: str, more: str) -> None:
    outcomes = lived(course + more)
    kept = needed(outcomes[: len(course)])
    assert len(kept) <= 2 * LOOKED_AT + MATURE_AFTER
    for n in range(len(more) + 1):
        later = outcomes[len(course) : len(course) + n]
        assert skill_of([*kept, *later]) == skill_of(outcomes[: len(course) + n])


def test_after_a_failure_another_example_is_shown() -> None:
    shown = {after("+++" + "-" * n).answer for n in range(3)}
    assert shown == {"a1", "a2", "a3"}
    assert skill_of([*lived("+++"), outcome(4, judges=3)]).answer == "a4"  # type: ignore[union-attr]  # pyright: ignore


def test_the_example_is_a_note_for_who_answers() -> None:
    note = after("+").note()
    assert (note.about, note.text) == ("worked-example", "Question: q1\n\na1")


def test_nothing_is_no_skill_and_outcomes_of_two_patterns_are_not_one() -> None:
    assert skill_of([]) is None
    assert needed([]) == ()
    other = msgspec.structs.replace(outcome(2), pattern=RecordId(b"q" * 32))
    with pytest.raises(UsageError, match="one pattern"):
        skill_of([outcome(1), other])


@pytest.mark.parametrize("wrong", [{"number": 0}, {"judges": -1}, {"run": ""}])
def test_an_outcome_has_a_number_judges_and_a_run(wrong: dict[str, object]) -> None:
    fields = {"pattern": PATTERN, "number": 1, "run": "r", "right": True, **wrong}
    with pytest.raises(UsageError, match="an outcome has"):
        Outcome(**fields)  # type: ignore[arg-type]  # pyright: ignore
