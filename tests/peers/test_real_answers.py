"""Whole solutions of four language models to GSM8K questions, read by us and by those who published them.

The texts are not part of this repository: their folder is named by WAGGLEDANCE_DATA, or lies beside the checkout.
"""

import gzip
import json
import os
from pathlib import Path

import pytest

from waggledance.core import Question
from waggledance.peers import parse

DATA = Path(os.environ.get("WAGGLEDANCE_DATA") or Path(__file__).parents[3] / "shared" / "data")
SOLUTIONS = DATA / "gsm8k" / "four-models.jsonl.gz"


@pytest.mark.skipif(not SOLUTIONS.exists(), reason=f"needs {SOLUTIONS.name}; name its folder in WAGGLEDANCE_DATA")
def test_real_solutions_are_read_as_their_publishers_read_them() -> None:
    question = Question(text="?", expects="number")
    read = 0
    with gzip.open(SOLUTIONS, "rt") as lines:
        for line in lines:
            for said in json.loads(line)["by"].values():
                if said["a"] is None:  # cut off before its answer
                    continue
                assert parse(said["text"], question).key == parse(said["a"], question).key, said["text"][-200:]
                read += 1
    assert read > 2_000
