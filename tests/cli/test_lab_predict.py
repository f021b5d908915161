import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from waggledance.cli._app import app

runner = CliRunner()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A set of 120 questions that five models of shared difficulty answered."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "sums"
    folder.mkdir()
    with gzip.open(folder / "answers.jsonl.gz", "wt") as lines:
        for number in range(120):
            difficulty, key = rng.normal(), int(rng.integers(100))
            by = {
                f"m{i}": {
                    "a": str(key if rng.random() < 1 / (1 + np.exp(difficulty - i / 3)) else key + rng.integers(1, 4))
                }
                for i in range(5)
            }
            lines.write(json.dumps({"id": f"sums/{number}", "key": key, "by": by}) + "\n")
    return folder


def predicted(*args: str) -> dict[str, object]:
    result = runner.invoke(app, ["lab", "predict", *args, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["groups"][0]


def test_a_prediction_stands_beside_what_was_seen_on_the_other_questions(recording: Path) -> None:
    result = runner.invoke(app, ["lab", "predict", "--data", str(recording), "--probes", "40"])
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()
    assert first[0] == "sums, 5 models; probe of 40 questions with keys"
    rows = {line.split("\t")[0]: line.split("\t") for line in first if "\t" in line}
    assert set(rows) >= {"1", "3", "5", "7 (if there were)"}
    assert rows["3"][-1].endswith("%")
    assert rows["7 (if there were)"][-1] == ""


def test_the_same_seed_predicts_the_same_and_the_probe_is_drawn_by_it(recording: Path) -> None:
    args = ("--data", str(recording), "--probes", "40")
    assert predicted(*args) == predicted(*args)
    assert predicted(*args) != predicted(*args, "--seed", "1")


def test_without_keys_the_probe_s_keys_are_not_looked_at(recording: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in gzip.decompress((recording / "answers.jsonl.gz").read_bytes()).splitlines()]
    other = tmp_path / "other" / "sums"
    other.mkdir(parents=True)
    with gzip.open(other / "answers.jsonl.gz", "wt") as out:
        out.writelines(json.dumps({**line, "key": line["key"] + 7}) + "\n" for line in lines)
    args = ("--no-keys", "--probes", "120")
    assert (
        predicted("--data", str(recording), *args)["prediction"] == predicted("--data", str(other), *args)["prediction"]
    )


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--probes", "1"], "two questions at least"),
        (["--model", "m7"], "no recorded model 'm7'"),
        (["--model", "m1"], "two voters at least"),
        (["--bank", "none.jsonl"], "there is no bank at none.jsonl"),
    ],
)
def test_what_cannot_be_predicted_says_why(recording: Path, args: list[str], says: str) -> None:
    result = runner.invoke(app, ["lab", "predict", "--data", str(recording), *args])
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr
