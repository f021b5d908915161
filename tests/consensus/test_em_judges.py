"""EM on judgements: the card's table with fewer repeats, what cannot be told, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import numpy as np
import pytest

from waggledance.consensus import em_judges, preferences
from waggledance.core import UNIT, Judgement, Message, PeerId, Proposal, UsageError, local_peer_id

Preference = tuple[PeerId, str, str]
JUDGES = tuple(local_peer_id(f"judge {k}") for k in range(10))
ANN, BOB = local_peer_id("ann"), local_peer_id("bob")


def verdicts(etas: list[float], labels: int, seed: int) -> tuple[dict[str, float], list[Preference]]:
    """Return strengths of 20 items from N(0, 1.5²), and verdicts of judges on random pairs."""
    rng = Random(seed)
    strength = {f"item {i}": rng.gauss(0, 1.5) for i in range(20)}
    given: list[Preference] = []
    for judge, eta in zip(JUDGES, etas, strict=False):
        for _ in range(labels):
            a, b = rng.sample(sorted(strength), 2)
            better = rng.random() < 1 / (1 + np.exp(strength[b] - strength[a]))
            given.append((judge, a, b) if better == (rng.random() < eta) else (judge, b, a))
    return strength, given


def tau(found: dict[str, float], true: dict[str, float]) -> float:
    """Return Kendall's τ of two orders."""
    names = sorted(found)
    one, other = (np.array([by[name] for name in names]) for by in (found, true))
    i, j = np.triu_indices(len(names), 1)
    return float((np.sign(one[i] - one[j]) * np.sign(other[i] - other[j])).mean())


class Row(NamedTuple):
    plain: float
    em: float
    rmse: float


def play(etas: list[float], labels: int, repeats: int = 10) -> Row:
    """Return Kendall's τ without and with EM, and the error of η, on average over repeats."""
    rows: list[Row] = []
    for seed in range(repeats):
        true, given = verdicts(etas, labels, seed)
        found = em_judges(given)
        plain = em_judges(given, eta0=0.999999, sweeps=1)
        error = [found.eta[judge] - eta for judge, eta in zip(JUDGES, etas, strict=False)]
        rows.append(
            Row(
                tau(dict(plain.strengths), true),
                tau(dict(found.strengths), true),
                float(np.mean(np.square(error)) ** 0.5),
            )
        )
    return Row(*np.mean(rows, axis=0).tolist())


@pytest.mark.parametrize(
    ("etas", "labels", "plain", "em", "rmse"),
    [
        ([0.9] * 10, 50, 0.814, 0.802, 0.086),
        ([0.9] * 10, 200, 0.901, 0.903, 0.042),
        ([0.95] * 7 + [0.5] * 3, 50, 0.753, 0.799, 0.086),
        ([0.95] * 7 + [0.5] * 3, 200, 0.876, 0.906, 0.038),
        ([0.9] * 7 + [0.1] * 3, 50, 0.515, 0.761, 0.089),
        ([0.9] * 7 + [0.1] * 3, 200, 0.762, 0.910, 0.044),
    ],
)  # fmt: skip
def test_the_published_table_is_reproduced(
    etas: list[float], labels: int, plain: float, em: float, rmse: float
) -> None:
    seen = play(etas, labels)  # the card has 40 repeats; ± .06 is 2 to 3 s.e. of our 10
    assert seen.plain == pytest.approx(plain, abs=0.06), seen
    assert seen.em == pytest.approx(em, abs=0.06), seen
    assert seen.rmse == pytest.approx(rmse, abs=0.02), seen
    assert seen.em >= seen.plain - 0.02
    if 0.1 in etas:
        assert seen.em >= seen.plain + 0.12


def test_hostile_judges_are_found_out_and_count_nothing() -> None:
    _, given = verdicts([0.9] * 7 + [0.1] * 3, 200, seed=3)
    found = em_judges(given)
    assert all(found.eta[judge] < 0.25 for judge in JUDGES[7:])
    assert [found.weights()[judge] for judge in JUDGES[7:]] == [0, 0, 0]
    assert all(found.weights()[judge] > UNIT for judge in JUDGES[:7])
    assert any("3 of 10 agree with the rest less often than a coin" in note for note in found.notes)


def test_with_half_of_the_judges_hostile_it_says_that_nothing_can_be_told_and_anchors_tell() -> None:
    true, given = verdicts([0.9] * 5 + [0.1] * 5, 200, seed=5)
    found = em_judges(given)
    assert any("who is hostile cannot be told" in note for note in found.notes)
    anchored = em_judges(given, anchors={f"item {i}": true[f"item {i}"] for i in range(5)})
    assert tau(dict(anchored.strengths), true) > 0.8
    assert anchored.strengths["item 0"] == true["item 0"]
    assert not any("who is hostile cannot be told" in note for note in anchored.notes)


def test_neither_order_nor_the_split_of_verdicts_changes_a_bit() -> None:
    _, given = verdicts([0.9, 0.8, 0.7], 60, seed=7)
    order = Random(1).sample(range(len(given)), len(given))
    one, other = em_judges(given), em_judges([given[i] for i in order])
    assert (one.eta, one.strengths) == (other.eta, other.strengths)
    assert [one.label_trust[i] for i in order] == list(other.label_trust)


def test_a_judge_with_few_verdicts_is_not_known_and_the_notes_say_so() -> None:
    _, given = verdicts([0.9, 0.9], 60, seed=8)
    found = em_judges([*given, (BOB, "item 0", "item 1")])
    assert found.known == frozenset(JUDGES[:2])
    assert found.notes[0].startswith("1 of 3 judges gave fewer than 50 verdicts")


def test_contradictory_verdicts_of_one_judge_cancel_and_are_trusted_alike() -> None:
    found = em_judges([(ANN, "4", "5"), (ANN, "5", "4")])
    assert found.strengths == {"4": 0.0, "5": 0.0}
    assert found.label_trust[0] == found.label_trust[1]


def test_nobody_judged() -> None:
    found = em_judges([])
    assert (found.eta, found.strengths, found.weights()) == ({}, {}, {})
    assert found.notes == ("nobody judged: nothing is known about judges",)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"eta0": 0.5}, "eta0 lies between 0.5 and 1"),
        ({"eta0": float("nan")}, "eta0 lies between 0.5 and 1"),
        ({"l2": 0.0}, "l2 is a finite number above 0"),
        ({"l2": float("inf")}, "l2 is a finite number above 0"),
        ({"sweeps": 0}, "at least one sweep"),
        ({"anchors": {"4": float("nan")}}, "anchors are finite strengths"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        em_judges([(ANN, "4", "5")], **wrong)  # pyright: ignore[reportArgumentType]


def test_a_comparison_of_something_with_itself_is_refused() -> None:
    with pytest.raises(UsageError, match="a judge compares '4' with itself"):
        em_judges([(ANN, "4", "4")])


def test_preferences_leave_out_what_judges_say_about_their_own_answers(
    say: Callable[..., Message[Proposal]], judge: Callable[..., Message[Judgement]]
) -> None:
    a, b, c = say("ann", "4"), say("bob", "5"), say("eve", "6")
    judged = [judge("ann", [a, b], [b, c]), judge("zoe", [c, a], [a, b])]
    assert preferences(judged, [a, b, c]) == sorted(
        [(ANN, "q\n5", "q\n6"), (local_peer_id("zoe"), "q\n6", "q\n4"), (local_peer_id("zoe"), "q\n4", "q\n5")],
        key=lambda found: (found[0], sorted(found[1:])),
    )
