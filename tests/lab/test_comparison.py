"""Comparisons: run, killed, gone on with, decided again, reported."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from waggledance import FunctionPeer
from waggledance.consensus import Proposals, Weights, confidence_vote
from waggledance.core import Budget, Log, UsageError, local_peer_id
from waggledance.lab import Arm, Comparison, QuestionSet, RecordedCrowd, Report, Said, compare
from waggledance.lab._estimators import em
from waggledance.lab._keep import report_of
from waggledance.lab._row import read_rows

Planted = Callable[..., QuestionSet]
CHILD = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import plant
from waggledance.lab import Arm, Comparison, RecordedCrowd
recorded = plant(120, {"a": 0.6, "b": 0.6, "c": 0.6}, samples=3)
crowd = RecordedCrowd(recorded.answers)
arms = [Arm("vote", crowd), Arm("twice", crowd, "vote(samples=2)")]
comparison = Comparison(arms, recorded.tasks(), recorded.score, Path(sys.argv[1]), repeats=2)
asyncio.run(comparison.run(lambda done, total: print(done, flush=True)))
comparison.report()
print("end", flush=True)
"""


def trust_a(history: Sequence[Proposals], known: Sequence[str | None]) -> Weights:
    return {local_peer_id("a"): 5_000_000}


def decided(folder: Path) -> dict[tuple[str, str, int], str | None]:
    return {(row.arm, *row.at): row.key for row in read_rows(folder / "rows.jsonl")}


def line(report: Report, arm: str) -> float:
    return next(line.score for line in report.arms if line.arm == arm)


async def test_arms_are_scored_like_a_loop_over_the_recording(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(60, {"a": 0.9, "b": 0.5, "c": 0.3})
    crowd = RecordedCrowd(recorded.answers)
    arms = [Arm("vote", crowd), Arm("trust a", crowd, weigh=trust_a), Arm("by confidence", crowd, rule=confidence_vote)]
    report = await compare(arms, recorded.tasks(), score=recorded.score, folder=tmp_path)
    right = {m: [recorded.answers[t.id][m][0].key == t.key for t in recorded.tasks()] for m in "abc"}
    assert line(report, "trust a") == sum(right["a"]) / 60
    assert line(report, "random pick") == pytest.approx(sum(map(sum, right.values())) / 180)
    assert line(report, "oracle") == sum(map(any, zip(*right.values(), strict=True))) / 60
    assert line(report, "one call") == sum(right["a"]) / 60  # the best by far, whichever tasks choose
    surely = sum(sum(hits) >= 2 for hits in zip(*right.values(), strict=True)) / 60
    assert surely <= line(report, "vote") <= line(report, "by confidence")


def colluding(planted: Planted, n: int) -> QuestionSet:
    """Return n questions where three of five models give one wrong answer, and two are right nine times in ten."""
    honest, answers = planted(n, {"d": 0.9, "e": 0.9}), dict[str, Mapping[str, Sequence[Said]]]()
    for task in honest.tasks():
        lie = Said(str((int(task.key or 0) + 1) % 10), chars=200)
        answers[task.id] = {**honest.answers[task.id], **dict.fromkeys("abc", (lie,))}
    return QuestionSet("colluding", "seed 0", honest.tasks(), answers)


async def test_probes_take_from_colluders_what_agreement_alone_gives_them(planted: Planted, tmp_path: Path) -> None:
    recorded = colluding(planted, 100)
    crowd = RecordedCrowd(recorded.answers)
    arms = [Arm("blind", crowd, weigh=em), Arm("probed", crowd, weigh=em, probes=0.1)]
    report = await compare(arms, recorded.tasks(), score=recorded.score, folder=tmp_path)
    assert line(report, "blind") == 0
    assert line(report, "probed") > 0.85
    assert [arm.weights for arm in report.about.arms] == ["em", "em, 10% probes"]


async def test_no_task_is_decided_by_weights_that_saw_its_key(planted: Planted, tmp_path: Path) -> None:
    recorded, shown = planted(200, {"a": 0.9, "b": 0.5, "c": 0.4}), list[set[str]]()

    def spying(history: Sequence[Proposals], known: Sequence[str | None]) -> Weights:
        shown.append({of_task[0].channel for of_task, key in zip(history, known, strict=True) if key is not None})
        return {local_peer_id("abc"[len(shown)]): 9_000_000}  # b decides all but the probes, and c decides those

    crowd = RecordedCrowd(recorded.answers)
    comparison = Comparison([Arm("vote", crowd, weigh=spying, probes=0.2)], recorded.tasks(), recorded.score, tmp_path)
    await comparison.run()
    shown.clear()
    comparison.report()
    first, second = shown
    assert 25 <= len(first) <= 60
    assert 25 <= len(second) <= 60
    assert not first & second
    keys = decided(tmp_path)
    said = {m: {t.id: recorded.answers[t.id][m][0].key for t in recorded.tasks()} for m in "bc"}
    by_c = {id for _, id, _ in keys if keys["vote", id, 0] == said["c"][id] != said["b"][id]}
    by_b = {id for _, id, _ in keys if keys["vote", id, 0] == said["b"][id] != said["c"][id]}
    assert 0 < len(by_c) <= len(first)
    assert len(by_b) > 2 * len(by_c)


async def test_arms_that_only_decide_otherwise_share_what_was_said(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(10, {"a": 0.9, "b": 0.5})
    crowd = RecordedCrowd(recorded.answers)
    arms = [Arm("vote", crowd), Arm("trust a", crowd, weigh=trust_a), Arm("by confidence", crowd, rule=confidence_vote)]
    comparison = Comparison(arms, recorded.tasks(), recorded.score, tmp_path)
    assert len({arm.log for arm in comparison.about.arms}) == 1
    told: list[tuple[int, int]] = []
    await comparison.run(lambda done, total: told.append((done, total)))
    assert told[9] == (10, 10)
    await comparison.run(lambda done, total: told.append((done, total)))
    assert len(told) == 20  # ten runs, ten of the best single model alone; nothing is run again


async def test_other_arms_and_more_tasks_can_follow(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(30, {"a": 0.9, "b": 0.5})
    crowd = RecordedCrowd(recorded.answers)
    first = Comparison([Arm("vote", crowd)], recorded.tasks(n=10), recorded.score, tmp_path)
    await first.run()
    first.report()
    before = decided(tmp_path)
    alone = RecordedCrowd(recorded.answers, size=1)
    arms = [Arm("vote", crowd), Arm("vote2", crowd, "vote(samples=2)"), Arm("alone", alone)]
    more = Comparison(arms, recorded.tasks(n=20), recorded.score, tmp_path)
    told: list[int] = []
    await more.run(lambda done, total: told.append(done))
    report = more.report()
    assert told[0] == 11
    after = decided(tmp_path)
    assert {at: after[at] for at in before if at[0] == "vote"} == {at: k for at, k in before.items() if at[0] == "vote"}
    assert report.unfinished == 0
    assert "one call beside vote" in {line.arm for line in report.arms}
    assert "one call" not in {line.arm for line in report.arms}  # there was one pool, and are two
    assert report_of(tmp_path).to_json() == report.to_json()


async def test_a_folder_of_another_comparison_is_refused(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(3, {"a": 0.9})
    arms = [Arm("vote", RecordedCrowd(recorded.answers))]
    Comparison(arms, recorded.tasks(), recorded.score, tmp_path, seed=1, data="one")
    for how in ({"seed": 2, "data": "one"}, {"seed": 1, "data": "two"}):
        with pytest.raises(UsageError, match="choose another folder"):
            Comparison(arms, recorded.tasks(), recorded.score, tmp_path, **how)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_a_comparison_that_was_killed_goes_on_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)

    def run(folder: Path, kill_after: int | None) -> int:
        command = [sys.executable, "-c", CHILD, str(folder), here]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        last = 0
        for said in child.stdout:
            last = int(said) if said.strip().isdigit() else last
            if kill_after is not None and last >= kill_after:
                child.send_signal(signal.SIGKILL)
                break
        child.stdout.close()
        child.wait(60)
        return last

    run(tmp_path / "whole", None)
    assert run(tmp_path / "killed", 60) < 480
    assert run(tmp_path / "killed", 250) < 480
    assert not (tmp_path / "killed" / "rows.jsonl").exists()
    run(tmp_path / "killed", None)
    assert decided(tmp_path / "killed") == decided(tmp_path / "whole")
    parts = list((tmp_path / "killed" / "logs").rglob("part-*.db"))
    assert any(part.name == "part-0003.db" for part in parts)
    first = report_of(tmp_path / "killed")
    assert first.unfinished == 0


async def test_what_is_interrupted_is_reported_and_gone_on_with(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(12, {"a": 0.9})
    started: list[str] = []
    enough = asyncio.Event()

    async def slow(question: str) -> str:
        started.append(question)
        if len(started) > 6:
            enough.set()
            await asyncio.sleep(3600)
        return "4"

    def arms(answer: Callable[[str], object]) -> list[Arm]:
        return [Arm("live", [FunctionPeer("p", answer)])]  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    tasks = recorded.as_read().tasks()
    cut = Comparison(arms(slow), tasks, recorded.score, tmp_path, concurrency=3)
    running = asyncio.create_task(cut.run())
    await enough.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    there = 12 - cut.report().unfinished
    assert 4 <= there <= 6
    on = Comparison(arms(lambda _: "4"), tasks, recorded.score, tmp_path)
    told: list[int] = []
    await on.run(lambda done, total: told.append(done))
    assert told[0] == there + 1
    assert on.report().unfinished == 0


async def test_live_peers_are_compared_with_as_many_samples_of_the_best_of_them(
    planted: Planted, tmp_path: Path
) -> None:
    tasks = planted(25, {"a": 1.0}).tasks()
    keys = {task.question.text: task.key for task in tasks}
    calls = {"good": 0, "bad": 0}

    def good(question: str) -> str:
        calls["good"] += 1
        return keys[question] or ""

    def bad(question: str) -> str:
        calls["bad"] += 1
        return "77"

    score = planted(1, {"a": 1.0}).score
    peers = [FunctionPeer("good", good), FunctionPeer("bad1", bad), FunctionPeer("bad2", bad)]
    report = await compare([Arm("vote", peers)], tasks, score=score, folder=tmp_path)
    assert calls == {"good": 25 + 75, "bad": 50}
    (beside,) = report.at_equal["calls"]
    assert (beside.samples, beside.spend["calls"], beside.verdict) == (3, 1, "worse")
    assert report.at_equal["priced tokens"] == []
    assert line(report, "one call") == 1


async def test_one_recorded_answer_cannot_be_matched_and_nothing_is_claimed(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(40, {"a": 0.99, "b": 0.1, "c": 0.1})
    arms = [Arm("vote", RecordedCrowd(recorded.answers)), Arm("debate", RecordedCrowd(recorded.answers), "debate")]
    report = await compare(arms, recorded.tasks(), score=recorded.score, folder=tmp_path)
    vote, debate = report.at_equal["calls"]
    assert (vote.verdict, vote.p_holm) == ("unmatched", None)
    assert "only 1 sample can be had" in vote.why
    assert debate.verdict == "left out"
    assert "stand by their answers" in report.markdown()


async def test_a_budget_holds_for_arms_without_one_of_their_own(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(5, {"a": 0.9, "b": 0.9, "c": 0.9})
    crowd = RecordedCrowd(recorded.answers)
    arms = [Arm("one", crowd), Arm("two", crowd, budget=Budget(calls=2))]
    comparison = Comparison(arms, recorded.tasks(), recorded.score, tmp_path, budget=Budget(calls=1))
    await comparison.run()
    calls = {line.arm: line.calls for line in comparison.report().arms}
    assert (calls["one"], calls["two"]) == (1, 2)


async def test_repeats_draw_swarms_anew_and_give_reliability(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(30, {f"m{i}": 0.2 + 0.07 * i for i in range(10)})
    arms = [Arm("three", RecordedCrowd(recorded.answers, size=3))]
    comparison = Comparison(arms, recorded.tasks(), recorded.score, tmp_path, repeats=4)
    await comparison.run()
    (three,) = (line for line in comparison.report().arms if line.role == "arm")
    assert three.runs == 120
    assert three.pass_k[1] == pytest.approx(three.score)
    assert three.pass_k[4] < three.pass_k[1]


async def test_a_run_in_which_nobody_can_answer_counts_as_wrong(tmp_path: Path, planted: Planted) -> None:
    def fails(question: str) -> str:
        raise ValueError(question)

    tasks = planted(4, {"a": 1.0}).tasks()
    score = planted(1, {"a": 1.0}).score
    report = await compare([Arm("broken", [FunctionPeer("p", fails)])], tasks, score=score, folder=tmp_path)
    assert line(report, "broken") == 0
    (broken,) = (line for line in report.arms if line.arm == "broken")
    assert (broken.per_solved, broken.failed) == (None, 4)
    assert "none solved" in report.markdown()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arms": []}, "got 0 arms"),
        ({"tasks": []}, "0 tasks"),
        ({"repeats": 0}, "0 repeats"),
        ({"concurrency": 0}, "0 runs at a time"),
        ({"twins": True}, "two arms are called 'vote'"),
        ({"tasks": "twice"}, "stands twice"),
        ({"protocol": "peer-ranking"}, "needs the skill 'compare'"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_written(
    planted: Planted, tmp_path: Path, change: dict[str, object], says: str
) -> None:
    recorded = planted(3, {"a": 0.9, "b": 0.9})
    arm = Arm("vote", RecordedCrowd(recorded.answers), str(change.get("protocol", "vote")))
    arms = [arm, arm] if change.get("twins") else [] if change.get("arms") == [] else [arm]
    tasks = list(recorded.tasks())
    tasks = [] if change.get("tasks") == [] else tasks * 2 if change.get("tasks") == "twice" else tasks
    with pytest.raises(UsageError, match=says):
        Comparison(arms, tasks, recorded.score, tmp_path / "out", repeats=int(str(change.get("repeats", 1))),
                   concurrency=int(str(change.get("concurrency", 1))))  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_report_on_nothing_is_a_usage_error(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(3, {"a": 0.9})
    comparison = Comparison([Arm("vote", RecordedCrowd(recorded.answers))], recorded.tasks(), recorded.score, tmp_path)
    with pytest.raises(UsageError, match="nothing to report"):
        comparison.report()
    with pytest.raises(UsageError, match="no comparison in"):
        report_of(tmp_path / "none")


async def test_every_run_keeps_its_log(planted: Planted, tmp_path: Path) -> None:
    recorded = planted(5, {"a": 0.9, "b": 0.5})
    comparison = Comparison([Arm("vote", RecordedCrowd(recorded.answers))], recorded.tasks(), recorded.score, tmp_path)
    await comparison.run()
    (about,) = comparison.about.arms
    with Log(tmp_path / about.log / "part-0001.db", "r") as log:
        assert [summary.question for summary in log.channels()] == [task.question.text for task in recorded.tasks()]
