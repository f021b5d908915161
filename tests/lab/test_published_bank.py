"""The bank in benchmarks/banks: whole, without questions, and read today as it was read when it was recorded."""

import os
from pathlib import Path

import pytest

from waggledance.core import Question
from waggledance.lab import Bank, load
from waggledance.lab._bank import digest_of
from waggledance.lab._bank_peer import retold
from waggledance.models import Recorded

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "benchmarks" / "banks" / "gsm8k.jsonl.gz"
DATA = Path(os.environ.get("WAGGLEDANCE_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank.at(PUBLISHED)


def test_it_has_no_broken_line_and_no_question(bank: Bank) -> None:
    assert bank.skipped == 0
    assert len(bank) >= 100
    assert all(line.request is None for line in (*bank.answers, *bank.comparisons))


async def test_its_answers_are_read_today_as_they_were_when_they_were_recorded(bank: Bank) -> None:
    number = Question(text="?", expects="number")
    for line in bank.answers:
        said = await retold(line, number)
        assert (said.key, said.confidence_ppm) == (line.answer, line.confidence_ppm), line.completion.text


def test_nine_in_ten_answers_of_each_model_can_be_read_and_larger_models_state_confidence_more_often(
    bank: Bank,
) -> None:
    """The goal is that of the card on ReConcile, arXiv:2309.13007, for small models."""
    sure: dict[str, float] = {}
    for model in bank.models:
        lines = [line for line in bank.answers if line.model == model]
        assert sum(line.answer is not None for line in lines) >= 0.9 * len(lines) > 0
        sure[model] = sum(line.confidence_ppm is not None for line in lines) / len(lines)
    assert sorted(sure, key=sure.__getitem__) == [
        "embedded:smollm2-135m", "embedded:qwen2.5-coder-0.5b", "embedded:qwen2.5-coder-1.5b"
    ]  # fmt: skip


def test_each_of_its_models_can_be_replayed_as_a_model(bank: Bank) -> None:
    for model in bank.models:
        spoken = [line for line in (*bank.answers, *bank.comparisons) if line.model == model]
        assert len(Recorded(PUBLISHED, model=model)) >= len(spoken) > 0


@pytest.mark.skipif(
    not (DATA / "gsm8k").exists(), reason="needs GSM8K's questions; name their folder in WAGGLEDANCE_DATA"
)
def test_its_questions_are_those_of_the_set(bank: Bank) -> None:
    known = {task.source: digest_of(task.question) for task in load("gsm8k/test", DATA).tasks()}
    assert bank.questions == {id: known[id] for id in bank.questions}


async def test_programs_recorded_for_humaneval_are_read_today_as_they_were() -> None:
    bank = Bank.at(PUBLISHED.with_name("humaneval.jsonl.gz"))
    assert (bank.skipped, len(bank)) == (0, 180)
    for line in bank.answers:
        assert (await retold(line, Question(text="?", expects="code"))).key == line.answer
