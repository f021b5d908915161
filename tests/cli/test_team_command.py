"""`waggle team`: recipes are listed, shown, run and kept; what is wrong is said with its place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import Result

from waggledance._swarm import Interrupted, Swarm
from waggledance.core import Log
from waggledance.tasks import PlanEdit, PlanResult, outcome_of, read_recipe

Waggle = Callable[..., Result]
OWN = """\
name: pair
start: request
out: note
limits: {rounds: 2}
kinds: {request: a wish, note: a text, verdict: yes or no}
roles:
  writer: {watch: [request], produces: note, prompt: Write.}
  critic: {watch: [note], produces: verdict, prompt: Judge.}
  mender: {watch: [note, verdict], when: {verdict: no}, produces: note, prompt: Mend.}
"""


@pytest.fixture
def waggle(waggle: Waggle) -> Waggle:
    """Return what runs `waggle team …`."""
    Path("own.yaml").write_text(OWN)
    return partial(waggle, "team")


def test_recipes_are_listed_and_shown(waggle: Waggle) -> None:
    listed = json.loads(waggle("list", "--json").stdout)["recipes"]
    assert {"software-company", "review-panel"} <= {row["name"] for row in listed}
    assert "software-company" in waggle("list").stdout
    shown = waggle("show", "review-pipeline")
    assert "adjudicator" in shown.stdout
    assert "5 peers" in shown.stderr
    assert json.loads(waggle("show", "--recipe", "own.yaml", "--json").stdout)["roles"]["mender"]["when"] == {
        "verdict": "no"
    }


def test_what_comes_out_is_on_stdout_and_who_did_what_on_stderr(waggle: Waggle) -> None:
    done = waggle("run", "adaptive-chair", "17 - 8?", "--model", "scripted:I count.\n9")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:2] == ["yes", "answer: 9"]
    assert "begins thinker" in done.stderr
    assert "✓ chair: tally" in done.stderr
    assert "made for 3 models, not 1" in done.stderr
    assert waggle("run", "adaptive-chair", "17 - 8?", "--model", "scripted:9", "-q").stderr == ""


def test_a_team_of_ones_own_runs_from_a_file_reads_stdin_and_is_kept_whole(waggle: Waggle, tmp_path: Path) -> None:
    done = waggle(
        "run", "--recipe", "own.yaml", "-", "--model", "scripted:no", "--json", "--peers", "3", stdin="a note\n"
    )
    told = json.loads(done.stdout)
    assert [(s["role"], s["round"], s["status"]) for s in told["steps"]] == [
        ("", 1, "done"), ("writer", 1, "done"), ("critic", 1, "done"), ("mender", 2, "done"), ("critic", 2, "done"),
    ]  # fmt: skip
    assert told["steps"][0]["text"] == "a note"
    assert len(told["peers"]) == 3
    with Log(tmp_path / "log.db") as log:
        plan = PlanResult.of(log.read(told["channel"])).plan
    assert outcome_of(read_recipe(tmp_path / "own.yaml"), plan).text == told["text"] == "no"


def test_as_many_peers_as_the_recipe_keeps_apart_are_seated_and_fewer_refused(waggle: Waggle) -> None:
    words = ("run", "review-pipeline", "sums", "--model", 'scripted:{"question": "1+1?", "answer": "2"}', "--json")
    assert waggle(*words, "--peers", "4").exit_code == 2
    assert "keeps 5 parts apart" in waggle(*words, "--peers", "4").stdout


def test_nothing_that_comes_out_ends_with_3_and_the_reason(waggle: Waggle, tmp_path: Path) -> None:
    done = waggle("run", "software-company", "a list", "--model", "scripted:I would rather not")
    assert done.exit_code == 3
    assert done.stdout == ""
    reason = "check 'schema:requirements': it is no JSON"
    assert f"failed at product_manager: requirements: {reason}" in done.stderr
    with Log(tmp_path / "log.db") as log:
        (channel,) = log.names()
    again = waggle("run", "--resume", channel, "--model", "scripted:I still would not", "-q")
    assert (again.exit_code, again.stdout) == (3, "")
    assert reason in again.stderr
    quiet = waggle("run", "review-pipeline", "sums", "--model", "scripted:no", "-q", "--no-log")
    assert (quiet.exit_code, quiet.stdout) == (3, "")
    assert quiet.stderr.count("\n") == 1
    assert "nothing came out: generator: sample failed: check 'schema:sample': it is no JSON" in quiet.stderr
    assert "settling: settled failed: there is no sample to settle" in quiet.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "software-compnay", "x"), "did you mean 'software-company'?"),
        (("run", "software-company"), "give a recipe's name and the request"),
        (("run", "software-company", " "), "the request is empty"),
        (("run", "software-company", "x" * 50_001), "the limit is 50,000"),
        (("show",), "say which recipe"),
        (("show", "--recipe", "none.yaml"), "cannot be read"),
        (("show", "--recipe", "wrong.yaml"), "wrong.yaml, line 8: roles.critic.produces: there is no kind 'verdikt'"),
    ],
)
def test_what_cannot_be_run_is_refused_with_2(
    waggle: Waggle, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "wrong.yaml").write_text(OWN.replace("produces: verdict", "produces: verdikt"))
    done = waggle(*words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_an_interrupted_team_prints_what_was_made(waggle: Waggle, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Swarm.ask_sync

    def interrupted(self: Swarm, *args: object, **more: object) -> None:
        whole(self, *args, **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        raise Interrupted(None)

    monkeypatch.setattr(Swarm, "ask_sync", interrupted)
    done = waggle("run", "adaptive-chair", "17 - 8?", "--model", "scripted:9")
    assert done.exit_code == 130
    assert "answer: 9" in done.stdout
    assert "interrupted; what was made is in the log" in done.stderr


def test_a_team_that_was_killed_goes_on_where_it_was(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "waggle.toml").write_text('[models.slow]\nkind = "scripted"\nmodel = "no"\ndelay_s = 0.5\n')
    words = ("team", "run", "--recipe", "own.yaml", "a note", "--model", "slow", "--peers", "3")
    killed = subprocess.Popen(
        [sys.executable, "-m", "waggledance", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert killed.stderr is not None
    for line in killed.stderr:
        if "did mender" in line:  # half a second after the critic: that is in the log
            break
    killed.kill()
    killed.wait()
    killed.stderr.close()
    with Log(tmp_path / "log.db") as log:
        (channel,) = log.names()
        made = {m.id for m in log.read(channel) if isinstance(m.body, PlanEdit)}
    done = waggle("run", "--recipe", "own.yaml", "--resume", channel, "--model", "scripted:yes", "--json")
    told = json.loads(done.stdout)
    made_of = [(s["role"], s["text"]) for s in told["steps"] if s["role"]]
    assert made_of[:2] == [("writer", "no"), ("critic", "no")]
    assert [role for role, _ in made_of[2:]] == ["mender", "critic"]
    assert made_of[3] == ("critic", "yes")
    assert (done.exit_code, told["text"], told["channel"]) == (0, made_of[2][1], channel)
    with Log(tmp_path / "log.db") as log:
        assert made < {m.id for m in log.read(channel)}


def test_what_cannot_be_gone_on_with_is_refused_with_2(waggle: Waggle) -> None:
    waggle("run", "adaptive-chair", "17 - 8?", "--model", "scripted:9")
    assert "leave them out" in waggle("run", "adaptive-chair", "x", "--resume", "q1").stderr
    assert "leave out --no-log" in waggle("run", "--resume", "q1", "--no-log").stderr
    nowhere = waggle("run", "--resume", "q1", "--log", "none.db")
    assert "there is no log at none.db" in nowhere.stderr
    assert not Path("none.db").exists()
    missing = waggle("run", "--resume", "q77-abc")
    assert missing.exit_code == 2
    assert "there is no channel 'q77-abc'" in missing.stderr
