"""Read sets of questions: one's own, one JSON object a line, and recordings of what many models answered.

A line of one's own has ``question`` and ``answer``, and may have ``kind`` (of answer; guessed), ``options``, ``id``,
``category``, ``group``, ``within`` (for numbers), and ``by``: recorded answers by model, each ``{"a": …}`` with ``p``
(confidence 0 to 1), ``text`` and ``chars`` where they are known, or a list of such samples.

A recording is a folder with ``answers.jsonl.gz``, perhaps ``models.json`` (the order of its lists) and
``questions.jsonl.gz``. Its ``key`` and answers stand in a form that its authors made comparable, and are taken as such.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from blake3 import blake3

from waggledance.core import AnswerKind, Question, UnknownName, UsageError, well_formed
from waggledance.lab._question_set import QuestionSet
from waggledance.lab._recorded_peer import Said
from waggledance.lab._task import Task
from waggledance.peers import guess_kind, parse

FOLDER_VARIABLE = "WAGGLEDANCE_DATA"
_ENDINGS = (".jsonl", ".jsonl.gz")
_BESIDE = ("questions.jsonl.gz", "test.jsonl.gz", "questions.jsonl")
_NUMBER_SETS = ("gsm8k", "numersense")
_TRUTH = {"true": "yes", "false": "no"}
Row = Mapping[str, Any]


def load(name: str | Path, folder: Path | None = None) -> QuestionSet:
    """Read a set of questions.

    Args:
        name: a file or a folder, or what it is called inside `folder`.
        folder: where sets lie; the environment's ``WAGGLEDANCE_DATA`` when None.

    Raises:
        UsageError: there is none of that name, or it cannot be read; says which line.
        UnknownName: an answer's kind is none; says the nearest.
    """
    path = _find(Path(name), folder)
    rows = list(_rows(path))
    beside = _questions_beside(path, rows)
    order = _order_of_models(path)
    family = path.parent.name if path.name.startswith("answers.") else path.name.split(".")[0]
    tasks: list[Task] = []
    answers: dict[str, Mapping[str, Sequence[Said]]] = {}
    for number, row in enumerate(rows, 1):
        try:
            task = _task({**beside.get(str(row.get("id")), {}), **row}, family, number)
            by = _by(row, order, task.question)
        except (UsageError, KeyError, TypeError, ValueError, AttributeError) as why:
            if isinstance(why, UnknownName):
                raise
            said = f"it lacks {why}" if isinstance(why, KeyError) else str(why)
            raise UsageError(f"{path}, line {number}, cannot be read as a question: {said}") from why
        tasks.append(task)
        if by:
            answers[task.id] = by
    return QuestionSet(_title(name, family), blake3(path.read_bytes()).hexdigest(length=16), tasks, answers)


def _title(name: str | Path, family: str) -> str:
    """Return what reports call a set: with the folder of those that share one, such as ``gsm8k/test``."""
    among = Path(name)
    return f"{among.parent}/{family}" if len(among.parts) == 2 and not among.exists() else family


def _find(name: Path, folder: Path | None) -> Path:
    """Return the file that holds a set's answers, or its questions where it has no answers."""
    home = folder or (Path(os.environ[FOLDER_VARIABLE]) if os.environ.get(FOLDER_VARIABLE) else None)
    tried = [name] if home is None or name.is_absolute() else [name, home / name]
    for place in (p.with_name(p.name + ending) for p in tried for ending in ("", *_ENDINGS)):
        if place.is_dir():
            inside = sorted(p for p in place.iterdir() if p.name.endswith(_ENDINGS))
            found = [p for p in inside if p.name.startswith("answers.")] or inside
            if len(found) == 1:
                return found[0]
            sets = ", ".join(f"{name}/{p.name.split('.')[0]}" for p in found) or "none"
            raise UsageError(f"{place} is a folder of several sets; choose one of: {sets}")
        if place.is_file():
            return place
    if home is None:
        where = f"; a known set's name is looked up in the folder that {FOLDER_VARIABLE} or --data-folder names"
        raise UsageError(f"there is no set of questions at {name}{where}")
    known = [p.name for p in sorted(home.iterdir()) if p.is_dir()] if home.is_dir() else []
    raise UnknownName("set of questions", str(name), known)


def _rows(path: Path) -> Iterator[Row]:
    opened = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(cast("Iterator[str]", lines), 1):
                if not line.strip():
                    continue
                row: object = json.loads(line)
                if not isinstance(row, dict):
                    raise UsageError(f"{path}, line {number}: a question is a JSON object, got {line.strip()[:40]!r}")
                yield cast("Row", row)
    except (json.JSONDecodeError, UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as why:
        raise UsageError(f"{path} cannot be read as JSON lines: {why}") from why


def _questions_beside(path: Path, rows: Sequence[Row]) -> Mapping[str, Row]:
    """Return the questions of a recording that lie in a file beside it, by id."""
    if all("question" in row for row in rows):
        return {}
    for name in _BESIDE:
        if (path.parent / name).is_file():
            return {str(row["id"]): row for row in _rows(path.parent / name) if "id" in row}
    return {}


def _order_of_models(path: Path) -> Sequence[str]:
    listed = path.parent / "models.json"
    if not listed.is_file():
        return ()
    try:
        return [str(row["model"]) for row in json.loads(listed.read_text())]
    except (json.JSONDecodeError, KeyError, TypeError) as why:
        raise UsageError(f"{listed} is no list of models: {why}") from why


# -- questions ------------------------------------------------------------------------------------------------------


def _task(row: Row, family: str, number: int) -> Task:
    source = str(row.get("id", ""))
    options = _options(row)
    kind = _kind(row, source or family, options)
    text = well_formed(str(row.get("question") or row.get("prompt") or "")).strip()
    if not text and "key" not in row:
        raise UsageError("it has neither a question nor a key")
    if not text:
        text = f"(question {source or number}, whose text is not in the recording)"
    if kind is None:
        question = guess_kind(text)
    else:
        question = Question(text=text, expects=kind, options=options if kind == "choice" else ())
    within = row.get("within", row.get("within_years"))
    return Task(
        family=family,
        question=question,
        key=_key(row, question),
        source=source,
        group=str(row.get("group", "")),
        category=str(row.get("category", "")),
        payload={} if within is None else {"within": within},
    )


def _options(row: Row) -> tuple[str, ...]:
    """Return the options' texts, without the letters that some sets write before them; letters where only they are."""
    if row.get("options"):
        options = [well_formed(str(option)).strip() for option in row["options"]]
        lettered = all(o[:2] in (f"{chr(65 + i)})", f"{chr(65 + i)}.") for i, o in enumerate(options))
        return tuple(option[2:].strip() or option for option in options) if lettered else tuple(options)
    stated = [len(sample.get("dist") or ()) for samples in _samples(row).values() for sample in samples]
    n = int(row.get("n_options", max(stated, default=0)))
    return tuple(chr(65 + i) for i in range(n))


def _kind(row: Row, source: str, options: tuple[str, ...]) -> AnswerKind | None:
    """Return the kind of answer: what the row says, else what its answers look like; None leaves it to the question."""
    kind = row.get("kind", row.get("expects"))
    if kind is not None:
        if kind not in get_args(AnswerKind):
            raise UnknownName("kind of answer", str(kind), get_args(AnswerKind))
        return cast("AnswerKind", kind)
    if len(options) > 1:
        return "choice"
    key = row.get("key", row.get("answer"))
    if isinstance(key, bool) or (str(key).lower() in _TRUTH and "key" in row and "question" not in row):
        return "yes/no"
    if isinstance(key, (int, float)) or source.startswith(_NUMBER_SETS):
        return "number"
    return "short" if "key" in row or "id" in row else None


def _key(row: Row, question: Question) -> str | None:
    if "key" in row:
        return _canonical(row["key"], question)
    answer = row.get("answer", row.get("correct"))
    if answer is None:
        return None
    words = _TRUTH[str(answer).lower()] if isinstance(answer, bool) else well_formed(str(answer))
    said = parse(words, question)
    if said.key is None:
        raise UsageError(f"the answer {words!r:.60} is not of the kind {question.expects!r}: {said.lapse}")
    return said.key


def _canonical(key: object, question: Question) -> str | None:
    """Return a recorded answer's form: numbers by value, true and false as yes and no, all else as recorded."""
    if key is None or key == "":
        return None
    if question.expects == "yes/no":
        return _TRUTH.get(str(key).lower(), str(key))
    if isinstance(key, (int, float)):
        return parse(str(key), question).key
    return well_formed(str(key))


# -- what models answered -------------------------------------------------------------------------------------------


def _by(row: Row, order: Sequence[str], question: Question) -> dict[str, Sequence[Said]]:
    if "answers" in row:
        listed = row["answers"]
        if len(listed) != len(order):
            raise UsageError(f"it has {len(listed)} answers and models.json lists {len(order)} models")
        chars = row.get("chars") or [None] * len(listed)
        letters = isinstance(listed, str)
        return {
            model: (Said(_canonical(None if letters and a == "-" else a, question), chars=n),)
            for model, a, n in zip(order, listed, chars, strict=True)
        }
    read = "key" not in row and "answer" in row
    return {
        model: tuple(_said(sample, question, read=read) for sample in samples)
        for model, samples in _samples(row).items()
    }


def _samples(row: Row) -> dict[str, list[Row]]:
    """Return a row's recorded answers by model, as lists also where there is one a model."""
    by = cast("Mapping[str, Row | list[Row]]", row.get("by") or {})
    return {str(model): said if isinstance(said, list) else [said] for model, said in by.items()}


def _said(sample: Row, question: Question, *, read: bool) -> Said:
    words = sample.get("a")
    if read and words is not None:
        key = parse(_TRUTH.get(str(words).lower(), str(words)) if question.expects == "yes/no" else str(words),
                    question).key  # fmt: skip
    else:
        key = _canonical(words, question)
    return Said.of(key, confidence=sample.get("p"), text=well_formed(str(sample.get("text", ""))),
                   chars=sample.get("chars"))  # fmt: skip
