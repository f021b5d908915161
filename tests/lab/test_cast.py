from pathlib import Path

import msgspec
import pytest

from waggledance.core import Question, UnknownName, UsageError
from waggledance.lab import Bank, QuestionSet, RecordPlan, Task, record
from waggledance.lab._bank import digest_of
from waggledance.lab._cast import cast_in_bank, cast_in_set, recorded_part
from waggledance.lab._recorded_peer import Said
from waggledance.models import Request, Scripted

TASKS = [
    Task(
        family="dogs", question=Question(text=f"How many legs do {i} dogs have?", expects="number"), key=str(4 + i % 3)
    )
    for i in range(6)
]
DOGS = QuestionSet("dogs", "1", TASKS)
CATS = Question(text="How many legs do 2 cats have?", expects="number")


def says(request: Request) -> str:
    return f"Answer: {4 + request.seed % 3}"


async def bank_of(path: Path, questions: int, *models: str, samples: int = 4) -> Bank:
    made = {name: (lambda name=name: Scripted(says, name=name)) for name in models}
    asked = {f"d{i}": task.question for i, task in enumerate(TASKS[:questions])}
    await record(made, asked, RecordPlan(samples=samples), path)
    return Bank.at(path)


async def test_a_bank_s_votes_are_each_model_s_samples_and_one_of_each_model(tmp_path: Path) -> None:
    bank = await bank_of(tmp_path / "bank.jsonl", 6, "m", "n")
    groups = cast_in_bank(bank, DOGS)
    assert [(g.who, g.alike, len(g.votes[0])) for g in groups] == [
        ("4 samples of m", True, 4),
        ("4 samples of n", True, 4),
        ("one sample of each of m, n", False, 2),
    ]
    for row, key in zip(groups[0].votes, groups[0].keys, strict=True):
        task = next(
            t for t in TASKS if [answer_of(bank, t, k) for k in range(4)] == list(row.values()) and t.key == key
        )
        assert task.key == key


def answer_of(bank: Bank, task: Task, sample: int) -> str | None:
    line = bank.answer(digest_of(task.question), "m", sample)
    return None if line is None else line.answer


async def test_questions_that_a_recording_has_not_finished_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    await bank_of(path, 6, "m", "n")
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines()[:-3]))
    bank = Bank.at(path)
    assert (bank.samples("n"), len(bank.whole(["n"])), len(bank.whole(["m"]))) == (4, 5, 6)
    assert [len(g.votes) for g in cast_in_bank(bank, DOGS)] == [5, 5, 5]
    assert {digest_of(task.question) for task in recorded_part(bank, DOGS).tasks()} == bank.whole(["m", "n"])
    with pytest.raises(UsageError, match="no question of 'cats'"):
        recorded_part(bank, QuestionSet("cats", "1", [msgspec.structs.replace(TASKS[0], question=CATS)]))


async def test_a_bank_that_does_not_fit_the_set_or_has_nobody_to_vote_is_refused(tmp_path: Path) -> None:
    bank = await bank_of(tmp_path / "bank.jsonl", 2, "m", samples=1)
    with pytest.raises(UsageError, match="one sample of m and nobody"):
        cast_in_bank(bank, DOGS)
    with pytest.raises(UnknownName, match="model in the bank"):
        cast_in_bank(bank, DOGS, ["o"])
    with pytest.raises(UsageError, match="no question of 'cats'"):
        cast_in_bank(bank, QuestionSet("cats", "1", [TASKS[5]]))


def test_a_set_s_votes_are_its_recorded_answers() -> None:
    answers = {task.id: {"m": (Said("4", chars=40),), "n": (Said(None, chars=80),)} for task in TASKS}
    cast = cast_in_set(QuestionSet("dogs", "1", TASKS, answers))
    assert list(cast.votes) == [{"m": "4", "n": None}] * 6
    assert (sorted(cast.keys), cast.tokens) == (sorted(str(task.key) for task in TASKS), 15.0)
    assert [list(row) for row in cast_in_set(QuestionSet("dogs", "1", TASKS, answers), ["n"]).votes] == [["n"]] * 6


def test_sets_without_recordings_or_with_near_answers_are_refused() -> None:
    with pytest.raises(UsageError, match="no recorded answers"):
        cast_in_set(DOGS)
    near = [Task(family="f", question=TASKS[0].question, key="4", payload={"within": 2})]
    with pytest.raises(UsageError, match="do not add up"):
        cast_in_set(QuestionSet("near", "1", near, {near[0].id: {"m": (Said("5"),)}}))
    with pytest.raises(UnknownName, match="recorded model"):
        cast_in_set(QuestionSet("dogs", "1", TASKS, {TASKS[0].id: {"m": (Said("4"),)}}), ["o"])
