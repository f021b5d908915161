"""`waggle lab compare` and `report`, as people run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from typer.testing import CliRunner, Result

from waggledance.cli._app import app

RUN = [sys.executable, "-c", "import sys; sys.argv[0] = 'waggle'; from waggledance.cli import main; main()"]
LIGHT = """
import sys
sys.argv = ['waggle', 'lab', 'compare', '--help']
from waggledance.cli import main
try:
    main()
finally:
    print(sorted({'numpy', 'matplotlib', 'waggledance.lab'} & set(sys.modules)))
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "PYTHONWARNINGS": "error", "MPLCONFIGDIR": matplotlib.get_configdir()}


@pytest.fixture
def recorded(tmp_path: Path) -> str:
    """A set of forty sums: `good` is right four times in five, `bad` one time in five, `mute` never answers."""
    rows = [
        {
            "question": f"{i} + 1?",
            "answer": str(i + 1),
            "kind": "number",
            "by": {
                "good": {"a": str(i + 1 if i % 5 else 0), "p": 0.9, "chars": 100},
                "bad": {"a": str(i + 1 if not i % 5 else 0), "p": 0.4, "chars": 80},
                "mute": {"a": None, "chars": 30},
            },
        }
        for i in range(40)
    ]
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which nothing of the user's is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WAGGLEDANCE_DATA", raising=False)


def waggle(*words: str) -> Result:
    return CliRunner().invoke(app, ["lab", *words])


def test_a_recorded_set_is_compared_kept_and_reported_again(recorded: str) -> None:
    arms = ("--arm", "vote", "--arm", "vote rule=confidence name=sure", "--arm", "vote peers=good+bad")
    ran = waggle("compare", *arms, "--data", recorded, "--out", "out", "--json")
    assert ran.exit_code == 0, ran.stderr
    report = json.loads(ran.stdout)
    right = {line["arm"]: line["score"] for line in report["arms"]}
    assert (right["sure"], right["oracle beside vote"], right["one call beside vote"]) == (0.8, 1.0, 0.8)
    assert {line["arm"] for line in report["against_first"]} == {"sure", "vote peers=good+bad"}
    folder = Path("out")
    assert {"report.md", "report.json", "rows.jsonl", "comparison.json", "logs"} <= {p.name for p in folder.iterdir()}
    again = waggle("report", "out")
    assert again.stdout.strip() == (folder / "report.md").read_text().strip()
    assert "kept in out" in again.stderr


def test_the_same_folder_is_only_gone_on_with_when_asked(recorded: str) -> None:
    how = ("compare", "--arm", "vote", "--data", recorded, "--out", "out", "-q")
    assert waggle(*how, "--tasks", "10").exit_code == 0
    refused = waggle(*how)
    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    gone_on = waggle(*how, "--resume")
    assert "40 tasks" in gone_on.stdout


def test_live_models_are_compared_with_keys_as_they_are_read(recorded: str) -> None:
    model = ("--model", "scripted:Answer: 4", "--model", "scripted:Answer: 5")
    ran = waggle("compare", "--arm", "debate(rounds=1) peers=3", *model, "--data", recorded, "--out", "o", "--tasks",
                 "4", "--json")  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    report = json.loads(ran.stdout)
    (debate,) = (line for line in report["arms"] if line["role"] == "arm")
    assert debate["calls"] == 6
    assert list(report["at_equal"]) == ["calls", "priced tokens"]
    assert report["at_equal"]["calls"][0]["samples"] == 6


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--arm", "vot"), "did you mean 'vote'"),
        (("--arm", "vote peers=god"), "did you mean 'good'"),
        (("--arm", "vote peers=9"), "9 peers shall sit together, and 3 models are recorded"),
        (("--arm", "vote", "--tasks", "0"), "at least one task"),
        (("--arm", "vote", "--category", "history"), "no category 'history'"),
        (("--arm", "vote", "--prices", "none.json"), "price table"),
        (("--arm", "vote", "--budget-calls", "-1"), "negative"),
        (("--arm", "vote", "--data", "nowhere"), "no set of questions at nowhere"),
        (("--arm", "vote", "--arm", "vote"), "two arms are called 'vote'"),
        (("--arm", "vote", "--bank", "b", "--model", "scripted:4"), "not both"),
        (("--arm", "vote peers=gpt", "--model", "scripted:4"), "among those of --model"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_exit_code_2(recorded: str, words: tuple[str, ...], says: str) -> None:
    data = () if "--data" in words else ("--data", recorded)
    ran = waggle("compare", *words, *data, "--out", "out")
    assert ran.exit_code == 2
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_report_of_nothing_is_one_sentence() -> None:
    ran = waggle("report", "nowhere")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "there is no comparison in nowhere" in ran.stderr


def test_ctrl_c_keeps_what_is_there_and_prints_it(recorded: str, env: dict[str, str]) -> None:
    Path("waggle.toml").write_text('[models.slow]\nkind = "scripted"\nmodel = "Answer: 4"\ndelay_s = 0.05\n')
    how = ("compare", "--arm", "vote peers=1", "--model", "slow", "--data", recorded, "--out", "out", "--concurrency",
           "1")  # fmt: skip
    child = subprocess.Popen([*RUN, "lab", *how], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    assert "1 of 40 runs" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "Not all is there" in out
    assert "--resume goes on" in err
    gone_on = waggle(*how, "--resume", "-q")
    assert gone_on.exit_code == 0, gone_on.stderr
    assert "Not all is there" not in gone_on.stdout


def test_help_loads_neither_numpy_nor_matplotlib(env: dict[str, str]) -> None:
    ran = subprocess.run([sys.executable, "-c", LIGHT], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert "Compare arrangements" in ran.stdout
    assert ran.stdout.strip().endswith("[]")
