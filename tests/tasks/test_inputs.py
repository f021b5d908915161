import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.tasks._inputs import ANY, Kind, inputs, kind_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=3), st.integers(0, 99))
def test_inputs_are_literals_of_the_right_number_and_none_comes_twice(
    examples: list[tuple[Any, ...]], seed: int
) -> None:
    kinds = [kind_of([example[i] for example in examples]) for i in range(2)]
    found = inputs(kinds, 20, seed=seed, examples=examples)
    assert len(found) == len(set(found)) <= 20
    assert found == inputs(kinds, 20, seed=seed, examples=examples)
    assert all(len(ast.literal_eval(args.replace("inf", "1e999"))) == 2 for args in found)


def test_boundary_values_come_before_drawn_ones() -> None:
    assert inputs([("int",)], 8, seed=0) == [f"({n},)" for n in (0, 1, -1, 2, 3, 10, 7, 100)]
    assert inputs([("list", ("int",))], 3, seed=0)[0] == "([],)"
    assert inputs([("str",)], 1, seed=0) == ["('',)"]


def test_another_seed_draws_other_inputs() -> None:
    assert inputs([("int",)], 20, seed=0) != inputs([("int",)], 20, seed=1)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], ANY),
        ([True], ("bool",)),
        ([1, None], ("union", (("int",), ("none",)))),
        ([[], [1.5]], ("list", ("float",))),
        ([{"a": [1]}], ("dict", ("str",), ("list", ("int",)))),
        ([object()], ANY),
    ],
)
def test_examples_show_their_type(values: list[Any], kind: Kind) -> None:
    assert kind_of(values) == kind


def test_a_wish_without_meaning_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one"):
        inputs([("int",)], 0, seed=0)
    with pytest.raises(UsageError, match="another number"):
        inputs([("int",)], 3, seed=0, examples=[(1, 2)])
