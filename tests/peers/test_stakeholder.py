from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance import Swarm
from waggledance.core import Question, UsageError, best_package, package_key, package_of
from waggledance.peers import Stakeholder, parse
from waggledance.protocols import Bargaining

COSTS = st.lists(st.tuples(st.integers(0, 5), st.integers(-9, 9)), min_size=1, max_size=7)


@given(COSTS, st.integers(0, 12))
def test_the_knapsack_is_the_best_of_all_packages(items: list[tuple[int, int]], limit: int) -> None:
    prices, values = [p for p, _ in items], [v for _, v in items]
    every = [p for size in range(len(items) + 1) for p in combinations(range(len(items)), size)]
    best = max(sum(values[i] for i in p) for p in every if sum(prices[i] for i in p) <= limit)
    found = best_package(prices, limit, values)
    assert sum(values[i] for i in found) == best
    assert sum(prices[i] for i in found) <= limit


@given(st.frozensets(st.integers(0, 11)))
def test_a_package_and_its_name_are_one(package: frozenset[int]) -> None:
    assert package_of(package_key(package), 12) == package


def test_equal_wishes_favour_no_option() -> None:
    question = Question(text="?", expects="package", options=("a", "b", "c"))
    taken = [
        Swarm([Stakeholder("x", {"a": 1, "b": 1, "c": 1}), Stakeholder("y", {"a": 1, "b": 1, "c": 1})],
              protocol=Bargaining(), seed=seed).ask_sync(question).key
        for seed in range(30)
    ]  # fmt: skip
    assert {"A", "B", "C"} == set(taken)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("Answer: A, C", "A+C"),
        ("We need water.\nAnswer: C and A.\nConfidence: 70%", "A+C"),
        ("Answer: none", "none"),
        ("A, B, C", None),
        ("Answer: D", None),
        ("I want everything", None),
        ("", None),
    ],
)
def test_a_package_is_read_from_words(said: str, key: str | None) -> None:
    park = Question(text="?", expects="package", options=("a pond", "a lawn", "swings"), costs=(2, 2, 1), spend=3)
    assert parse(said, park).key == key


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"options": ("a",)}, "2 to 26 options"),
        ({"options": ("a", "b"), "costs": (1,)}, "2 options have 1 costs"),
        ({"options": ("a", "b"), "costs": (1, -1)}, "0 or more"),
        ({"options": ("a", "b"), "spend": -1}, "0 or more"),
        ({"expects": "choice", "options": ("a", "b"), "spend": 3}, "has no costs"),
    ],
)
def test_a_package_that_cannot_be_asked_for_is_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Question(text="?", **{"expects": "package", **wrong})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_values_that_are_no_numbers_or_no_options_are_refused() -> None:
    with pytest.raises(UsageError, match="finite"):
        Stakeholder("x", {"a": float("nan")})
    question = Question(text="?", expects="package", options=("a", "b"))
    peers = [Stakeholder("x", {"z": 1}), Stakeholder("y", {"a": 1}), Stakeholder("w", {"a": 1})]
    decision = Swarm(peers, protocol=Bargaining()).ask_sync(question)
    assert decision.key == "A"
    assert any("no option of this question" in d.reason for d in decision.dissent)
