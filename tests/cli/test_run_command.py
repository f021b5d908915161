"""`waggle run`: rows in, rows out, and nothing lost or done twice whatever ends it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from waggledance.cli._run_view import BatchView, summary
from waggledance.core import Cost
from waggledance.tasks import BatchReport

RUN = [sys.executable, "-c", "import sys; sys.argv[0] = 'waggle'; from waggledance.cli import main; main()"]
Waggle = Callable[..., Result]
PLAN = """
name: answers
model: "scripted:Answer: yes"
steps:
  draft: {prompt: "Answer: {question}"}
  review: {prompt: "Is {draft} right?", expects: yes/no}
"""
OWN_PLAN = """
seed: 4
steps:
  draft: {python: "own:draft"}
  review: {python: "own:review"}
  decide: {python: "own:decide"}
"""
OWN = """
import asyncio, os
async def called(row, name):
    with open("calls", "a") as file:
        file.write(f"{row.id} {name}\\n")
    await asyncio.sleep(float(os.environ.get("NAP_S", 0)))
async def draft(row, visit):
    await called(row, "draft")
    return visit.seed % 1000
async def review(row, draft, visit):
    await called(row, "review")
    return [draft, visit.seed % 7]
async def decide(row, review):
    await called(row, "decide")
    return {"of": review, "n": row.data["n"]}
"""


@pytest.fixture
def waggle(waggle: Waggle, monkeypatch: pytest.MonkeyPatch) -> Waggle:
    """Return what runs `waggle run …`."""
    monkeypatch.delenv("NAP_S", raising=False)
    Path("plan.yaml").write_text(PLAN)
    Path("own.yaml").write_text(OWN_PLAN)
    Path("own.py").write_text(OWN)
    write_rows(Path("in.jsonl"), 30)
    return partial(waggle, "run")


def write_rows(path: Path, n: int) -> None:
    path.write_text("".join(json.dumps({"id": f"r{i}", "question": f"{i}?", "n": i}) + "\n" for i in range(n)))


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_go_in_and_come_out_in_order(waggle: Waggle, tmp_path: Path) -> None:
    ran = waggle("plan.yaml", "--rows", "in.jsonl", "--out", "out.jsonl")
    assert ran.exit_code == 0
    assert "30 rows done, 0 failed" in ran.stdout
    rows = lines(tmp_path / "out.jsonl")
    assert [row["id"] for row in rows] == [f"r{i}" for i in range(30)]
    assert rows[3] == {"id": "r3", "question": "3?", "n": 3, "draft": "Answer: yes", "review": "yes"}
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.jsonl", "out.jsonl.journal"]


def test_json_is_one_object_that_says_what_was_done(waggle: Waggle) -> None:
    ran = waggle("plan.yaml", "--rows", "in.jsonl", "--out", "out.jsonl", "--json")
    told = json.loads(ran.stdout)
    assert (told["status"], told["done"], told["cost"]["calls"]) == ("complete", 30, 60)
    assert told["journal"] == "out.jsonl.journal"


def test_bad_rows_end_in_the_dead_letters_and_the_others_go_on(waggle: Waggle, tmp_path: Path) -> None:
    bad = ["nonsense", '{"id": "a", "draft": 1}', '{"id": "b"}', '{"id": "c", "question": "x"}', '{"id": "c"}', "[]"]
    (tmp_path / "in.jsonl").write_text("\n".join(bad))
    ran = waggle("plan.yaml", "--rows", "in.jsonl", "--out", "out.csv")
    assert ran.exit_code == 0
    assert "1 row done, 5 failed" in ran.stdout
    dead = {letter["id"]: letter["reason"] for letter in lines(tmp_path / "out.csv.dead.jsonl")}
    assert sorted(Counter(reason.split(":")[0][:22] for reason in dead.values()).values()) == [1, 1, 1, 1, 1]
    assert "name of a step" in " ".join(dead.values())
    assert dead["b"] == "the row has no field 'question'; it has id"
    assert "an earlier row has the id 'c'" in dead["c, row 5"]


def test_fields_keep_their_order_and_a_row_that_is_refused_its_id(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("question,id,author\n2+2?,a,x\n")
    assert waggle("plan.yaml", "--rows", "in.csv", "--out", "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == "id,question,author,draft,review"
    (tmp_path / "in.jsonl").write_text('{"id": "h", "question": "?", "draft": "mine"}\n{"id": "g", "question": "?"}\n')
    assert waggle("plan.yaml", "--rows", "in.jsonl", "--out", "out.jsonl").exit_code == 0
    [dead] = lines(tmp_path / "out.jsonl.dead.jsonl")
    assert (dead["id"], dead["step"]) == ("h", "rows")
    assert "a field 'draft', which is the name of a step" in dead["reason"]


def test_a_file_that_is_there_and_no_batch_of_ours_is_not_written_over_but_with_fresh(
    waggle: Waggle, tmp_path: Path
) -> None:
    (tmp_path / "notes.jsonl").write_text("dear to somebody\n")
    words = ("plan.yaml", "--rows", "in.jsonl", "--out", "notes.jsonl")
    ran = waggle(*words)
    assert ran.exit_code == 2
    assert "notes.jsonl is there already, and no journal beside it" in ran.stderr
    assert (tmp_path / "notes.jsonl").read_text() == "dear to somebody\n"
    assert waggle(*words, "--fresh").exit_code == 0
    assert waggle(*words).exit_code == 0  # what has a journal is its own
    assert len(lines(tmp_path / "notes.jsonl")) == 30


def test_results_do_not_depend_on_how_many_rows_are_in_flight(waggle: Waggle, tmp_path: Path) -> None:
    for n in ("1", "30"):
        assert waggle("own.yaml", "--rows", "in.jsonl", "--out", f"{n}.jsonl", "--in-flight", n).exit_code == 0
    assert (tmp_path / "1.jsonl").read_text() == (tmp_path / "30.jsonl").read_text()
    assert waggle("own.yaml", "--rows", "in.jsonl", "--out", "s.jsonl", "--seed", "5").exit_code == 0
    assert (tmp_path / "1.jsonl").read_text() != (tmp_path / "s.jsonl").read_text()


def test_rows_come_from_csv_and_go_to_parquet(waggle: Waggle, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    (tmp_path / "in.csv").write_text("id,question\n1,why?\n2,how?\n")
    assert waggle("plan.yaml", "--rows", "in.csv", "--out", "out.parquet").exit_code == 0
    with duckdb.connect() as database:
        found = database.read_parquet(str(tmp_path / "out.parquet")).fetchall()
    assert found == [("1", "why?", "Answer: yes", "yes"), ("2", "how?", "Answer: yes", "yes")]


def test_a_swarm_answers_each_row(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        'model: "scripted:Answer: 4"\n'
        'steps: {decide: {ask: {question: "{question}", peers: 3, answer: number, protocol: vote}}}'
    )
    ran = waggle("plan.yaml", "--rows", "in.jsonl", "--out", "out.jsonl", "--json")
    assert lines(tmp_path / "out.jsonl")[0]["decide"] == 4
    assert json.loads(ran.stdout)["cost"]["calls"] == 90


def test_a_budget_ends_the_run_and_the_same_command_with_more_goes_on(waggle: Waggle, tmp_path: Path) -> None:
    words = ("own.yaml", "--rows", "in.jsonl", "--out", "out.jsonl", "--in-flight", "3")
    ran = waggle(*words, "--budget-calls", "40")
    assert ran.exit_code == 3
    assert "the budget of 40 calls is spent" in ran.stderr
    assert "run the same command again to go on, with a larger budget" in ran.stderr
    assert not (tmp_path / "out.jsonl").exists()
    assert (tmp_path / "out.jsonl.partial.jsonl").exists()
    assert waggle(*words).exit_code == 0
    assert len((tmp_path / "calls").read_text().splitlines()) == 90


def test_a_changed_plan_is_refused_with_the_difference_until_fresh(waggle: Waggle, tmp_path: Path) -> None:
    words = ("plan.yaml", "--rows", "in.jsonl", "--out", "out.jsonl")
    assert waggle(*words).exit_code == 0
    (tmp_path / "plan.yaml").write_text(PLAN.replace("Is {draft} right", "Is {draft} wrong"))
    ran = waggle(*words)
    assert ran.exit_code == 2
    assert "-review.code: prompt: Is {draft} right?" in ran.stderr
    assert "+review.code: prompt: Is {draft} wrong?" in ran.stderr
    assert waggle(*words, "--fresh").exit_code == 0


def test_rows_that_failed_are_tried_once_more_with_again(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import os\nasync def draft(row):\n    return 1 if os.path.exists('up') else 1 / 0\n"
    )
    (tmp_path / "own.yaml").write_text('steps: {draft: {python: "own:draft"}}')
    words = ("own.yaml", "--rows", "in.jsonl", "--out", "out.jsonl")
    ran = waggle(*words)
    assert ran.exit_code == 3
    assert "no row made it" in ran.stderr
    assert "30 rows failed at draft: ZeroDivisionError" in ran.stdout
    (tmp_path / "up").touch()
    assert "0 rows done" in waggle(*words).stdout
    assert "30 rows done" in waggle(*words, "--again").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("none.yaml", "--rows", "in.jsonl", "--out", "o.jsonl"), "no such file"),
        (("plan.yaml", "--rows", "none.jsonl", "--out", "o.jsonl"), "no such file"),
        (("plan.yaml", "--rows", "in.jsonl", "--out", "o.txt"), "ends in none of"),
        (("plan.yaml", "--rows", "in.jsonl", "--out", "none/o.jsonl"), "Nothing was asked yet"),
        (("plan.yaml", "--rows", "in.jsonl", "--out", "in.jsonl"), "both rows and output"),
        (("plan.yaml", "--rows", "in.jsonl", "--out", "o.jsonl", "--model", "opnai:x"), "did you mean 'openai'"),
        (
            ("plan.yaml", "--rows", "in.jsonl", "--out", "o.jsonl", "--in-flight", "0"),
            "Invalid value for '--in-flight'",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_asked(
    waggle: Waggle, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    ran = waggle(*words)
    assert ran.exit_code == 2
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    left = {path.name for path in tmp_path.iterdir() if path.stat().st_size}
    assert left - {"o.jsonl.journal"} == {"plan.yaml", "own.yaml", "own.py", "in.jsonl"}


def test_a_wrong_key_in_a_plan_names_the_right_one_and_the_line(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("steps:\n  draft:\n    promt: x\n")
    ran = waggle("plan.yaml", "--rows", "in.jsonl", "--out", "o.jsonl")
    assert "plan.yaml, line 3: there is no key 'promt'; did you mean 'prompt'?" in ran.stderr


def test_a_line_says_how_far_how_fast_what_it_costs_and_how_long_still() -> None:
    report = BatchReport()
    view = BatchView(report, 1000, None, None)
    view.line(0.0)
    report.done, report.failed, report.cost = 90, 10, Cost(300, 4000, 1000, 250_000)
    assert view.line(10.0) == ("100 of 1,000 rows · 10.0 rows/s · 500 tokens/s · 10 failed · $0.2500 · 1 min 30 s left")
    report.seconds = 10.0
    assert summary(report)[0] == "90 rows done, 10 failed, 0 were there already"


# -- a process, and what ends it --------------------------------------------------------------------------------------


def started(folder: Path, *words: str, nap_s: float, **how: Any) -> subprocess.Popen[str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    env = {**kept, "HOME": str(folder), "NAP_S": str(nap_s), "PYTHONWARNINGS": "error"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*RUN, "run", "own.yaml", "--rows", "in.jsonl", "--out", "out.jsonl", "--in-flight", "8", *words],
        env=env, cwd=folder, stdout=pipe, stderr=pipe, text=True, **how,
    )  # fmt: skip


def wait_for_calls(process: subprocess.Popen[str], folder: Path, n: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if (folder / "calls").exists() and len((folder / "calls").read_text().splitlines()) >= n:
            return
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"it ended early or took too long: {process.communicate()}")


def check_exactly_once(folder: Path, rows: int, at_most_twice: int) -> None:
    calls = Counter((folder / "calls").read_text().splitlines())
    assert len(calls) == 3 * rows
    assert sum(n - 1 for n in calls.values()) <= at_most_twice
    assert [row["id"] for row in lines(folder / "out.jsonl")] == [f"r{i}" for i in range(rows)]


def test_a_killed_run_goes_on_with_nothing_done_twice_but_calls_in_flight(waggle: Waggle, tmp_path: Path) -> None:
    process = started(tmp_path, nap_s=0.02)
    wait_for_calls(process, tmp_path, 40)
    process.kill()
    process.communicate()
    ran = waggle("own.yaml", "--rows", "in.jsonl", "--out", "out.jsonl")
    assert ran.exit_code == 0
    check_exactly_once(tmp_path, 30, 8)
    resumed = (tmp_path / "out.jsonl").read_text()
    assert waggle("own.yaml", "--rows", "in.jsonl", "--out", "whole.jsonl").exit_code == 0
    assert (tmp_path / "whole.jsonl").read_text() == resumed


@pytest.mark.slow
def test_killed_again_and_again_each_row_still_ends_once(waggle: Waggle, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 200)
    for kill in range(1, 6):
        process = started(tmp_path, nap_s=0.02)
        wait_for_calls(process, tmp_path, 90 * kill)
        process.kill()
        process.communicate()
    assert waggle("own.yaml", "--rows", "in.jsonl", "--out", "out.jsonl").exit_code == 0
    check_exactly_once(tmp_path, 200, 5 * 8)


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_ctrl_c_keeps_everything_and_says_how_to_go_on(waggle: Waggle, tmp_path: Path, stop: signal.Signals) -> None:
    process = started(tmp_path, "--json", nap_s=0.05)
    wait_for_calls(process, tmp_path, 30)
    process.send_signal(stop)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out)["status"] == "interrupted"
    assert "interrupted. What is done is kept in out.jsonl.journal: run the same command again to go on" in err
    assert "Traceback" not in err
    assert waggle("own.yaml", "--rows", "in.jsonl", "--out", "out.jsonl").exit_code == 0
    check_exactly_once(tmp_path, 30, 8)


@pytest.mark.parametrize("more", [["--fresh"], []])
def test_a_batch_that_runs_is_left_alone_and_ends_as_it_would_have(
    waggle: Waggle, tmp_path: Path, more: list[str]
) -> None:
    process = started(tmp_path, nap_s=0.02)
    wait_for_calls(process, tmp_path, 40)
    process.send_signal(signal.SIGSTOP)  # so that what changes meanwhile was changed by the other
    try:
        before = {path.name: path.read_bytes() for path in tmp_path.glob("out.*")}
        ran = waggle("own.yaml", "--rows", "in.jsonl", "--out", "out.jsonl", *more)
        after = {path.name: path.read_bytes() for path in tmp_path.glob("out.*")}
    finally:
        process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=60)
    assert ran.exit_code == 2
    assert f"process {process.pid} is running this batch; wait for it to end, or write elsewhere" in ran.stderr
    assert before["out.jsonl.partial.jsonl"]
    assert after == before
    assert process.returncode == 0, err
    check_exactly_once(tmp_path, 30, 0)


def test_a_full_disk_ends_the_run_with_74_and_it_goes_on_later(waggle: Waggle, tmp_path: Path) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))

    process = started(tmp_path, nap_s=0, preexec_fn=little_room)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 74
    assert "make room on the disk and run the same command again" in err
    assert "Traceback" not in err
    assert waggle("own.yaml", "--rows", "in.jsonl", "--out", "out.jsonl").exit_code == 0
    check_exactly_once(tmp_path, 30, 8)


def test_rows_come_through_a_pipe(waggle: Waggle, tmp_path: Path) -> None:
    process = started(tmp_path, "--rows", "-", nap_s=0, stdin=subprocess.PIPE)
    out, err = process.communicate((tmp_path / "in.jsonl").read_text(), timeout=60)
    assert process.returncode == 0, err
    assert "30 rows done" in out
    check_exactly_once(tmp_path, 30, 0)


RUDE = """
import os, subprocess, sys

async def prints(row):
    print("p" * 1_000_000)
    subprocess.run(["echo", "a child of mine"])
    return "fine"

async def forks(row):
    return "parent" if os.fork() else "child"

async def goes_elsewhere(row):
    os.chdir("/")
    return "fine"

async def exits(row):
    if row.data["n"] == 1:
        sys.exit(7)
    return "fine"

async def infinite(row):
    return {"score": float("nan")} if row.data["n"] == 1 else {"score": None}
"""


@pytest.mark.parametrize(
    ("step", "done", "why"),
    [
        ("prints", 3, ""),
        ("forks", 3, ""),
        ("goes_elsewhere", 3, ""),
        ("exits", 2, "it called exit(7)"),
        ("infinite", 2, "what step 's' returned cannot be kept: a number in it is NaN or infinite"),
    ],
)
def test_a_rude_step_costs_its_row_at_most_and_stdout_holds_the_result_alone(
    tmp_path: Path, step: str, done: int, why: str
) -> None:
    (tmp_path / "rude.py").write_text(RUDE)
    (tmp_path / "rude.yaml").write_text(f"steps:\n  s: {{python: 'rude:{step}'}}\n")
    write_rows(tmp_path / "in.jsonl", 3)
    words = ["rude.yaml", "--rows", "in.jsonl", "--out", "out.jsonl", "--json"]
    ran = subprocess.run([*RUN, "run", *words], cwd=tmp_path, capture_output=True,
                         text=True, timeout=60, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["status"], told["done"], told["failed"]) == ("complete", done, 3 - done)
    assert len(lines(tmp_path / "out.jsonl")) == done
    assert all(row["s"] != "child" for row in lines(tmp_path / "out.jsonl"))
    assert why in ran.stdout
    assert len(ran.stderr) < 100_000
    assert ("a child of mine" in ran.stderr) == (step == "prints")
