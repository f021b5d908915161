import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from waggledance.core import Question, UsageError
from waggledance.lab._bank import Bank, digest_of
from waggledance.lab._due import RecordPlan
from waggledance.lab._overheard import a_call
from waggledance.lab._record import Outcome, Progress, record
from waggledance.models import Model, ModelError, Recorded, Request, Scripted
from waggledance.peers import Agent

QUESTIONS = {f"q{i}": Question(text=f"How many legs do {i} dogs have in all?", expects="number") for i in range(6)}


def says(request: Request) -> str:
    """Answer 4, 5 or 6 by the seed; as a judge prefer what stands first, sometimes nothing readable."""
    if "Better:" in request.turns[2].text:
        return "Better: First" if request.seed % 3 else "Hm."
    return f"I think so.\nAnswer: {4 + request.seed % 3}\nConfidence: 70%"


def scripted(name: str = "m") -> Callable[[], Model]:
    return lambda: Scripted(says, name=name)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def recorded(path: Path, *models: str, plan: RecordPlan | None = None, questions: int = 6) -> Outcome:
    chosen = dict(list(QUESTIONS.items())[:questions])
    return await record(
        {name: scripted(name) for name in models or ("m",)}, chosen, plan or RecordPlan(samples=3), path
    )


async def test_a_bank_has_every_sample_of_every_question_and_no_question_s_text(tmp_path: Path) -> None:
    outcome = await recorded(tmp_path / "bank.jsonl", "m", "n")
    bank = Bank.at(tmp_path / "bank.jsonl")
    assert outcome.written == len(bank.answers) == 6 * 2 * 3
    assert (bank.samples("m"), bank.models) == (3, ("m", "n"))
    answer = bank.answer(digest_of(QUESTIONS["q2"]), "n", 1)
    assert answer is not None
    assert (answer.answer, answer.confidence_ppm, answer.lapse) == (str(4 + answer.seed % 3), 700_000, "")
    assert "legs" not in (tmp_path / "bank.jsonl").read_text()


async def test_what_is_recorded_is_what_an_agent_of_a_swarm_would_be_told(tmp_path: Path) -> None:
    await recorded(tmp_path / "bank.jsonl")
    model = Recorded(tmp_path / "bank.jsonl")
    answer = Bank.at(tmp_path / "bank.jsonl").answers[4]
    said = await Agent("a", model, max_tokens=320).propose(a_call(QUESTIONS[answer.question], answer.seed))
    assert said.key == answer.answer


async def test_recording_again_asks_nothing_and_more_samples_only_the_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    await recorded(path)
    before = path.read_bytes()
    assert (await recorded(path)).written == 0
    assert (await recorded(path, plan=RecordPlan(samples=5))).written == 6 * 2
    assert path.read_bytes().startswith(before)


async def test_a_bank_that_is_cut_off_anywhere_has_whole_blocks_of_questions_before_the_last(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    plan = RecordPlan(samples=3, judged=6, block=2)
    await recorded(path, "m", "n", plan=plan)
    seen = [msgspec.json.decode(line)["question"] for line in lines(path)]
    blocks = [int(id[1:]) // 2 for id in seen]
    assert blocks == sorted(blocks)


async def test_judges_compare_each_two_distinct_answers_and_a_part_of_them_in_both_orders(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    questions = {f"q{i}": Question(text=f"{i} + {i}?", expects="number") for i in range(40)}
    plan = RecordPlan(samples=4, judged=30, judged_samples=3)
    await record({"m": scripted("m"), "n": scripted("n")}, questions, plan, path)
    bank = Bank.at(path)
    twice = once = 0
    for id, question in questions.items():
        digest = digest_of(question)
        held = [bank.answer(digest, model, k) for model in ("m", "n") for k in range(3)]
        distinct = {line.answer for line in held if line is not None and int(id[1:]) < 30}
        pairs = {frozenset((a, b)) for a in distinct for b in distinct if a != b}
        for judge in ("m", "n"):
            done = [
                frozenset((line.first_answer, line.second_answer))
                for line in bank.comparisons
                if line.digest == digest and line.model == judge
            ]
            assert set(done) == pairs
            twice += len(done) - len(pairs)
            once += len(pairs)
    assert 0.2 < twice / once < 0.5


async def test_a_verdict_that_cannot_be_read_is_kept_as_none_and_not_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    plan = RecordPlan(samples=3, judged=6)
    await recorded(path, "m", "n", plan=plan)
    verdicts = Bank.at(path).comparisons
    assert {line.scores for line in verdicts} == {None, (1_000_000, 0)}
    assert all(("no verdict" in line.lapse) == (line.scores is None) for line in verdicts)
    assert (await recorded(path, "m", "n", plan=plan)).written == 0


KILLED = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_record import QUESTIONS, says
from waggledance.lab._due import RecordPlan
from waggledance.lab._record import record
from waggledance.models import Scripted
models = {{name: (lambda name=name: Scripted(says, name=name, delay_s=0.003)) for name in ("m", "n")}}
asyncio.run(record(models, QUESTIONS, RecordPlan(samples=5, judged=6, block=2), Path({path!r})))
"""


def test_a_recording_that_is_killed_again_and_again_ends_with_the_same_bank(tmp_path: Path) -> None:
    path, whole = tmp_path / "bank.jsonl", tmp_path / "whole.jsonl"
    script = KILLED.format(tests=str(Path(__file__).parent), path=str(path))
    kills = 0
    for wanted in (3, 20, 45):  # lines on disk when the kill comes
        process = subprocess.Popen([sys.executable, "-c", script])
        while process.poll() is None and (not path.exists() or len(lines(path)) < wanted):
            time.sleep(0.001)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
        with path.open("ab") as torn:
            torn.write(b'{"kind":"answer","key":"half a li')
    assert kills >= 2
    subprocess.run([sys.executable, "-c", script], check=True)
    subprocess.run([sys.executable, "-c", script.replace(str(path), str(whole))], check=True)
    assert Bank.at(path).skipped == 0
    assert len(lines(path)) == len(lines(whole))
    assert set(lines(path)) == set(lines(whole))


async def test_a_bank_refuses_answers_that_were_asked_in_another_way(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    await recorded(path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=re.escape("temperature 0.7 there, 1.0 now")):
        await recorded(path, plan=RecordPlan(samples=3, temperature=1.0))
    with pytest.raises(UsageError, match="seed 0 there, 1 now"):
        await recorded(path, plan=RecordPlan(samples=3, seed=1))
    other = {"q0": Question(text="Something else?", expects="number")}
    with pytest.raises(UsageError, match="'q0' has another text"):
        await record({"m": scripted()}, other, RecordPlan(samples=1), path)
    assert path.read_bytes() == before


async def test_two_recordings_into_one_bank_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    slow: dict[str, Callable[[], Model]] = {"m": lambda: Scripted(says, name="m", delay_s=0.05)}
    first = asyncio.ensure_future(record(slow, QUESTIONS, RecordPlan(samples=1), path))
    while not path.exists():
        await asyncio.sleep(0)
    with pytest.raises(UsageError, match="another process is recording"):
        await recorded(path)
    first.cancel()


async def test_what_failed_is_counted_with_its_reason_and_asked_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    broken = ModelError("m", "it is out of order", "Wait.")

    def sometimes(request: Request) -> str | Exception:
        return broken if request.seed % 2 else says(request)

    outcome = await record({"m": lambda: Scripted(sometimes, name="m")}, QUESTIONS, RecordPlan(samples=3), path)
    assert outcome.failed == {str(broken): 18 - outcome.written}
    assert 0 < outcome.written < 18
    assert (await recorded(path)).written == 18 - outcome.written


async def test_a_model_that_only_fails_ends_the_recording_with_its_reason(tmp_path: Path) -> None:
    broken = ModelError("m", "it is out of order", "Wait.")
    asked = Scripted(broken, name="m")
    with pytest.raises(ModelError, match="out of order"):
        await record({"m": lambda: asked}, QUESTIONS, RecordPlan(samples=20), tmp_path / "bank.jsonl")
    assert len(asked.requests) < 100


async def test_progress_ends_at_nothing_left_and_names_what_is_done(tmp_path: Path) -> None:
    heard: list[Progress] = []
    models = {"m": scripted("m"), "n": scripted("n")}
    await record(
        models, QUESTIONS, RecordPlan(samples=2, judged=6, block=3), tmp_path / "bank.jsonl", told=heard.append
    )
    assert heard[0].left == 6 * 2 * 2 - 1
    assert heard[0].left_s is None
    assert (heard[-1].left, heard[-1].left_s) == (0, 0)
    assert {progress.doing for progress in heard} == {"answers", "comparisons"}
    assert [progress.done for progress in heard] == list(range(1, len(heard) + 1))


@pytest.mark.parametrize(
    ("wrong", "says_so"),
    [
        ({"samples": 0}, "samples is 0"),
        ({"judged": -1}, "judged is -1"),
        ({"block": 0}, "block is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"samples": 2, "judged": 5, "judged_samples": 3}, "3 samples of each model when 2"),
    ],
)
def test_a_plan_that_makes_no_sense_is_not_born(wrong: dict[str, int], says_so: str) -> None:
    with pytest.raises(UsageError, match=says_so):
        RecordPlan(**wrong)  # type: ignore[arg-type]


async def test_nothing_to_ask_and_nobody_to_ask_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 models"):
        await record({}, QUESTIONS, RecordPlan(), tmp_path / "bank.jsonl")
    with pytest.raises(UsageError, match="0 questions"):
        await record({"m": scripted()}, {}, RecordPlan(), tmp_path / "bank.jsonl")
    with pytest.raises(UsageError, match="two models are called 'm'"):
        await record({"a": scripted("m"), "b": scripted("m")}, QUESTIONS, RecordPlan(), tmp_path / "bank.jsonl")
    assert not (tmp_path / "bank.jsonl").exists()


def test_a_bank_that_is_missing_or_empty_says_how_to_fill_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="waggle lab record --out"):
        Bank.at(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(UsageError, match="holds no recorded answers"):
        Bank.at(tmp_path / "empty.jsonl")


async def test_lines_of_one_model_asked_in_two_ways_do_not_make_a_bank(tmp_path: Path) -> None:
    await recorded(tmp_path / "one.jsonl", questions=1)
    await recorded(tmp_path / "two.jsonl", questions=2, plan=RecordPlan(samples=3, temperature=0.1))
    (tmp_path / "both.jsonl").write_text((tmp_path / "one.jsonl").read_text() + (tmp_path / "two.jsonl").read_text())
    with pytest.raises(UsageError, match="asked in different ways"):
        Bank.at(tmp_path / "both.jsonl")
