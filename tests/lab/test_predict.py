import math
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.lab import Probe, load, plurality_seen, predict

DATA = Path(os.environ.get("WAGGLEDANCE_DATA") or Path(__file__).parents[3] / "shared" / "data")
Rows = list[dict[str, str | None]]


def world(
    questions: int, ability: Sequence[float], spread: float, seed: int, options: int = 6
) -> tuple[Rows, list[str]]:
    """Peers of different abilities answer questions of shared difficulty; the index of the truth is random."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    keys: list[str] = []
    for _ in range(questions):
        truth = int(rng.integers(options))
        difficulty = spread * rng.normal()
        row: dict[str, str | None] = {}
        for i, logit in enumerate(ability):
            right = rng.random() < 1 / (1 + math.exp(-(logit - difficulty)))
            wrong = (truth + 1 + int(rng.integers(options - 1))) % options
            row[f"p{i}"] = "abcdefgh"[truth if right else wrong]
        rows.append(row)
        keys.append("abcdefgh"[truth])
    return rows, keys


def test_a_probe_finds_the_accuracy_the_correlation_and_how_errors_agree() -> None:
    rows, keys = world(8_000, [0.5] * 5, 1.5, 1)
    fit = Probe.of(rows, keys).fit()
    right = np.array([[row[f"p{i}"] == key for i in range(5)] for row, key in zip(rows, keys, strict=True)])
    pairs = np.corrcoef(right.T)[np.triu_indices(5, 1)]
    assert fit.accuracy[0] == pytest.approx(right.mean())
    assert fit.rho[0] == pytest.approx(pairs.mean(), abs=0.01)
    assert fit.agreement[0] == pytest.approx(1 / 5, abs=0.015)


def test_what_is_predicted_from_a_large_probe_is_what_is_seen() -> None:
    for spread, seed in ((0.5, 2), (1.5, 3), (3.0, 4)):
        rows, keys = world(3_000, [-0.5, 0.0, 0.0, 0.3, 0.5, 0.8, 1.0], spread, seed)
        said = predict(Probe.of(rows[:1_500], keys[:1_500]), sizes=(3, 7))
        for vote in said.votes:
            assert abs(vote.accuracy - plurality_seen(rows[1_500:], keys[1_500:], vote.n, swarms=30)) < 0.035


def test_intervals_of_small_probes_hold_what_is_seen_nineteen_times_in_twenty() -> None:
    held = 0
    for seed in range(60):
        rows, keys = world(450, [0.2] * 7, 1.5, 100 + seed)
        said = predict(Probe.of(rows[:50], keys[:50]), sizes=(7,), further=400)
        held += said.votes[0].low <= plurality_seen(rows[50:], keys[50:], 7) <= said.votes[0].high
    assert held >= 53  # 57 expected; fewer than 53 has a chance of 3 % if 95 % is true


def test_copies_of_one_peer_gain_nothing_and_need_variety() -> None:
    rng = Random(5)
    rows: Rows = [{f"p{i}": said for i in range(7)} for said in (rng.choice("aab") for _ in range(200))]
    said = predict(Probe.of(rows, ["a"] * 200))
    assert said.rho == pytest.approx(1.0, abs=0.01)
    assert (said.advice, said.advised, said.variety) == ("one", 1, True)
    assert said.saturation == pytest.approx(1.0, abs=0.01)


def test_independent_peers_are_advised_to_vote() -> None:
    rows, keys = world(300, [0.6] * 9, 0.0, 6)
    said = predict(Probe.of(rows, keys))
    assert (said.advice, said.variety) == ("vote", False)
    assert said.votes[1].gain > 0.1


def test_one_strong_peer_among_weak_ones_is_advised_alone() -> None:
    rows, keys = world(300, [4.0, -1.0, -1.0, -1.0, -1.0], 0.5, 7)
    said = predict(Probe.of(rows, keys))
    assert (said.advice, said.best) == ("one", "p0")


def test_without_keys_agreement_tells_nearly_the_same_where_difficulty_spreads_as_its_model_says() -> None:
    rows, keys = world(400, [0.5] * 7, 2.0, 8)
    with_keys, without = predict(Probe.of(rows, keys)), predict(Probe.of(rows))
    assert (with_keys.labelled, without.labelled) == (True, False)
    assert abs(with_keys.votes[2].accuracy - without.votes[2].accuracy) < 0.05


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_no_order_of_questions_or_voters_changes_a_prediction(seed: int) -> None:
    rng = Random(seed)
    rows, keys = world(30, [0.3, 0.6, 0.9], 1.0, seed)
    order = rng.sample(range(30), 30)
    mixed = [dict(rng.sample(list(rows[i].items()), 3)) for i in order]
    one, other = Probe.of(rows, keys).fit(), Probe.of(mixed, [keys[i] for i in order]).fit()
    assert one.accuracy[0] == pytest.approx(other.accuracy[0])
    assert one.rho[0] == pytest.approx(other.rho[0])
    assert one.agreement[0] == pytest.approx(other.agreement[0])


@pytest.mark.parametrize("answer", ["a", "b", None])
def test_probes_where_all_are_right_wrong_or_silent_are_predicted_without_a_fuss(answer: str | None) -> None:
    rows: Rows = [dict.fromkeys(("p0", "p1", "p2"), answer) for _ in range(10)]
    said = predict(Probe.of(rows, ["a"] * 10))
    for vote in said.votes:
        assert 0 <= vote.low <= vote.accuracy <= vote.high <= 1
        assert vote.accuracy == pytest.approx(float(answer == "a"), abs=0.01)
    assert said.advice == "one"


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(UsageError, match="two voters"):
        Probe.of([{"p": "a"}, {"p": "b"}], ["a", "b"])
    with pytest.raises(UsageError, match="two questions"):
        Probe.of([{"p": "a", "q": "a"}], ["a"])
    with pytest.raises(UsageError, match="one key a question"):
        Probe.of([{"p": "a", "q": "a"}] * 3, ["a"])
    probe = Probe.of([{"p": "a", "q": "a"}] * 3, ["a"] * 3)
    for sizes in ((), (0,)):
        with pytest.raises(UsageError, match="one peer or more"):
            predict(probe, sizes=sizes)
    with pytest.raises(UsageError, match="one question or more"):
        predict(probe, further=0)
    with pytest.raises(UsageError, match="2 voters"):
        plurality_seen([{"p": "a", "q": "a"}], ["a"], 3)


def test_a_tie_counts_by_its_share_and_silence_for_nobody() -> None:
    rows: Rows = [{"p": "a", "q": "b", "r": "c"}, {"p": "a", "q": None, "r": None}, {"p": None, "q": None, "r": None}]
    assert plurality_seen(rows, ["a", "a", "a"], 3) == pytest.approx((1 / 3 + 1 + 0) / 3)


@pytest.mark.skipif(
    not (DATA / "math5-many-models").exists(), reason="needs recorded sets; name them in WAGGLEDANCE_DATA"
)
@pytest.mark.parametrize("name", ["math5-many-models", "crux-many-models", "confidence-boolq", "confidence-lsat"])
def test_recorded_models_vote_as_predicted_from_half_of_their_questions(name: str) -> None:
    held = load(name, DATA)
    tasks = [task for task in held.tasks("all", 800, 0) if task.key is not None]
    rng = Random(name)
    misses: list[float] = []
    for _ in range(8):
        models = rng.sample(sorted({model for task in tasks for model in held.answers[task.id]}), 7)
        rows: Rows = [
            {model: said[0].key for model, said in held.answers[task.id].items() if model in models} for task in tasks
        ]
        keys, half = [str(task.key) for task in tasks], len(tasks) // 2
        vote = predict(Probe.of(rows[:half], keys[:half]), sizes=(7,), further=len(tasks) - half).votes[0]
        misses.append(vote.accuracy - plurality_seen(rows[half:], keys[half:], 7))
    assert abs(float(np.mean(misses))) < 0.06
