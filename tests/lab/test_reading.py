"""Reading sets of questions, one's own and recordings."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from waggledance.core import Decision, UnknownName, UsageError
from waggledance.lab import QuestionSet, RunLog, load

DATA = Path(os.environ.get("WAGGLEDANCE_DATA") or Path(__file__).parents[3] / "shared" / "data")
real = pytest.mark.skipif(not DATA.is_dir(), reason=f"the recorded sets are not at {DATA}")


def written(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())
    return path


def right(recorded: QuestionSet, model: str) -> list[bool]:
    tasks = recorded.tasks()
    said = [recorded.answers[task.id].get(model) for task in tasks]
    return [
        recorded.score(task, RunLog((), Decision(status="decided", key=s[0].key if s else None))).solved
        for task, s in zip(tasks, said, strict=True)
    ]


def test_a_file_of_ones_own_questions(tmp_path: Path) -> None:
    path = written(
        tmp_path / "mine.jsonl",
        {"question": "2 + 2?", "answer": "4.0", "kind": "number"},
        {"question": "Which?", "answer": "B", "options": ["red", "blue"], "category": "colours"},
        {"question": "Is it?", "answer": True, "group": "text 1"},
        {"question": "How far?", "answer": 75.2, "within": 5, "by": {"m": [{"a": "80", "p": 0.5}, {"a": "81"}]}},
    )
    mine = load(path)
    by_text = {task.question.text: task for task in mine.tasks()}
    assert [by_text[t].key for t in ("2 + 2?", "Which?", "Is it?", "How far?")] == ["4", "B", "yes", "75.2"]
    assert [by_text[t].question.expects for t in ("2 + 2?", "Which?", "Is it?")] == ["number", "choice", "yes/no"]
    assert (by_text["Is it?"].cluster, by_text["Which?"].category) == ("text 1", "colours")
    far = by_text["How far?"]
    assert [mine.score(far, RunLog((), Decision(status="decided", key=k))).solved for k in ("80", "81", None, "x")] == [
        True, False, False, False,
    ]  # fmt: skip
    assert [(s.key, s.confidence_ppm) for s in mine.answers[far.id]["m"]] == [("80", 500_000), ("81", None)]


def test_a_recording_with_lists_takes_names_from_models_json_and_texts_from_beside(tmp_path: Path) -> None:
    folder = tmp_path / "sums"
    written(folder / "answers.jsonl.gz", {"id": "1", "key": "4", "answers": ["4", None], "chars": [8, 9]})
    written(folder / "questions.jsonl.gz", {"id": "1", "question": "2 + 2?", "answer": "4"})
    (folder / "models.json").write_text('[{"model": "a"}, {"model": "b"}]')
    recorded = load("sums", tmp_path)
    (task,) = recorded.tasks()
    assert task.question.text == "2 + 2?"
    assert {m: (s[0].key, s[0].chars) for m, s in recorded.answers[task.id].items()} == {"a": ("4", 8), "b": (None, 9)}


def test_fewer_tasks_are_the_first_of_more_and_the_seed_draws_their_order(tmp_path: Path) -> None:
    path = written(tmp_path / "q.jsonl", *({"question": f"{i} + 1?", "answer": str(i + 1)} for i in range(30)))
    questions = load(path)
    assert questions.tasks(n=10) == questions.tasks(n=20)[:10]
    assert questions.tasks(n=10, seed=1) != questions.tasks(n=10)
    assert len(questions.tasks(n=1000)) == 30


def test_a_recorded_set_is_read_anew_for_live_peers(tmp_path: Path) -> None:
    path = written(
        tmp_path / "c.jsonl", {"id": "1", "key": "'A b.'", "question": "What?", "by": {"m": {"a": "'A b.'"}}}
    )
    recorded = load(path)
    (task,), (reread,) = recorded.tasks(), recorded.as_read().tasks()
    assert (task.key, reread.key, task.id == reread.id) == ("'A b.'", "b", True)
    assert not recorded.as_read().answers


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "holds no question"),
        ([{"question": "a?", "answer": "1", "id": "x"}, {"question": "a?", "answer": "1", "id": "x"}], "twice"),
        ([{"answer": "4"}], "line 1, cannot be read as a question: it has neither a question nor a key"),
        ([{"question": "a?", "answer": "hm", "kind": "number"}], "line 1.*not of the kind 'number'"),
        ([{"question": "a?", "answer": "x", "kind": "numbr"}], "did you mean 'number'"),
        ([{"question": "a?", "answer": "1", "by": {"m": {"a": "1", "p": 7}}}], "between 0 and 1, got 7"),
        ([{"question": "a?", "answer": "1", "by": ["m"]}], "cannot be read"),
        ([{"id": "1", "key": "4", "answers": ["4"]}], "1 answers and models.json lists 0 models"),
        ([["no", "object"]], "a question is a JSON object"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, rows: list[Any], says: str) -> None:
    with pytest.raises((UsageError, UnknownName), match=says):
        load(written(tmp_path / "q.jsonl", *rows))


@pytest.mark.parametrize("raw", [b"\x00\x01\x02", b"{", b"\xff\xfe", gzip.compress(b'{"question": "a"}')[:-9]])
@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_bytes_that_are_no_json_lines_are_refused(tmp_path: Path, raw: bytes, ending: str) -> None:
    (tmp_path / f"q{ending}").write_bytes(raw)
    with pytest.raises(UsageError, match="cannot be read as JSON lines"):
        load(tmp_path / f"q{ending}")


def test_a_set_that_is_not_there_says_where_was_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gsm8k").mkdir()
    with pytest.raises(UnknownName, match="did you mean 'gsm8k'"):
        load("gsm8kk", tmp_path)
    with pytest.raises(UsageError, match="folder of several sets; choose one of: none"):
        load("gsm8k", tmp_path)
    monkeypatch.delenv("WAGGLEDANCE_DATA", raising=False)
    with pytest.raises(UsageError, match="WAGGLEDANCE_DATA"):
        load("gsm8kk")


def test_a_key_that_nobody_knows_cannot_be_scored(tmp_path: Path) -> None:
    questions = load(written(tmp_path / "q.jsonl", {"question": "What is it?"}))
    with pytest.raises(UsageError, match="has no key"):
        questions.score(questions.tasks()[0], RunLog((), Decision(status="decided", key="4")))


@real
@pytest.mark.parametrize("name", ["gsm8k", "math5", "crux", "numersense"])
def test_recorded_models_are_right_where_their_authors_say_so(name: str) -> None:
    recorded = load(f"{name}-many-models", DATA)
    with gzip.open(DATA / f"{name}-many-models" / "answers.jsonl.gz", "rt") as lines:
        rows = {row["id"]: row for row in map(json.loads, lines)}
    models = cast("list[dict[str, str]]", json.loads((DATA / f"{name}-many-models" / "models.json").read_text()))
    for place in range(0, len(models), 9):
        expected = [bool(rows[task.source]["correct"][place]) for task in recorded.tasks()]
        assert right(recorded, models[place]["model"]) == expected


@real
@pytest.mark.parametrize(
    ("name", "model", "accuracy"),
    [
        ("mmlu-pro-many-models", "Llama-2-13b-hf", 0.2352),  # over both halves, so near it
        ("confidence-lsat", "Meta-Llama-3.1-70B-Instruct", 0.3223),
        ("confidence-sciq", "Meta-Llama-3.1-70B-Instruct", 0.953),
        ("confidence-boolq", "Meta-Llama-3.1-70B-Instruct", 0.7606),
        ("confidence-life", "Meta-Llama-3.1-70B-Instruct", 0.8278),
        ("gsm8k/four-models", "175b_verification", 0.56),
        ("bbh", "cot", 0.74),
    ],
)
def test_other_recordings_give_accuracies_near_the_published(name: str, model: str, accuracy: float) -> None:
    hits = right(load(name, DATA), model)
    assert sum(hits) / len(hits) == pytest.approx(accuracy, abs=0.06)


@real
@pytest.mark.parametrize(
    "name", ["reconcile/aqua-test", "reconcile/ecqa-test", "reconcile/strategyqa-dev", "gsm8k/test"]
)
def test_sets_of_questions_alone_have_keys_that_live_peers_can_give(name: str) -> None:
    questions = load(name, DATA).as_read()
    assert not questions.answers
    assert all(task.key for task in questions.tasks())
