"""A pipeline is a checked graph, and where a row goes next is a function of the row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UnknownName, UsageError
from waggledance.tasks import Back, Pipeline, Row, Step, step


async def nothing(**_: Any) -> None: ...


def no_complaint(row: Row, value: object) -> str | None:
    return None


def a_step(name: str, *needs: str, **how: Any) -> Step:
    return Step(name, nothing, needs, needs, version="1", **how)


def test_steps_stand_after_those_they_need_whatever_order_they_come_in() -> None:
    steps = [a_step("decide", "review"), a_step("review", "generate"), a_step("generate")]
    assert Pipeline(steps).order == ("generate", "review", "decide")


def test_parameters_name_what_a_step_needs() -> None:
    @step
    async def review(row: Row, generate: str, visit: object, style: str) -> None: ...

    assert review.needs == ("generate", "style")
    assert review.takes == ("row", "generate", "visit", "style")


def test_no_steps_are_no_pipeline() -> None:
    with pytest.raises(UsageError, match="at least one step"):
        Pipeline([])


def test_a_circle_is_named_step_by_step() -> None:
    with pytest.raises(UsageError, match=r"circle: (a → b → a|b → a → b)"):
        Pipeline([a_step("a", "b"), a_step("b", "a")])


def test_a_step_that_waits_on_itself_is_a_circle() -> None:
    with pytest.raises(UsageError, match="circle: a → a"):
        Pipeline([a_step("a", "a")])


def test_an_unknown_need_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="'generat'; did you mean 'generate'"):
        Pipeline([a_step("generate"), a_step("review", "generat")])


def test_two_steps_with_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two steps are called 'a'"):
        Pipeline([a_step("a"), a_step("a")])


def test_a_loop_leads_back_to_what_comes_before_only() -> None:
    with pytest.raises(UsageError, match="does not come before"):
        Pipeline([a_step("a", back=Back("b", unless=bool)), a_step("b", "a")])
    with pytest.raises(UnknownName, match="'nowhere'"):
        Pipeline([a_step("a", back=Back("nowhere", unless=bool))])


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"timeout_s": 0.0}, "positive"),
        ({"timeout_s": float("nan")}, "positive"),
        ({"timeout_s": float("inf")}, "positive"),
        ({"retries": -1}, "0 or more"),
        ({"width": 0}, "1 or more"),
    ],
)
def test_a_step_that_makes_no_sense_is_not_born(how: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        a_step("a", **how)


@pytest.mark.parametrize("name", ["", "row", "visit", "two words", "1st"])
def test_a_step_has_a_name_that_can_be_a_parameter(name: str) -> None:
    with pytest.raises(UsageError, match="name as in Python"):
        a_step(name)


def test_a_loop_that_never_leads_back_is_refused() -> None:
    with pytest.raises(UsageError, match="at least once"):
        Back("a", unless=bool, times=0)


def test_what_is_no_async_function_is_no_step() -> None:
    def plain(row: Row) -> None: ...

    with pytest.raises(UsageError, match="no async function"):
        step(plain)  # type: ignore[arg-type]  # that is the point


def test_a_step_names_each_of_its_needs() -> None:
    async def greedy(row: Row, *rest: str, **more: str) -> None: ...

    with pytest.raises(UsageError, match=r"takes \*rest.*\*\*more"):
        step(greedy)


def test_a_loop_sends_a_row_back_as_often_as_it_says_and_no_more() -> None:
    loop = Back("generate", unless=lambda row: row.results["review"] == "good", times=2)
    pipeline = Pipeline([a_step("generate"), a_step("review", "generate", back=loop), a_step("decide", "review")])
    row = Row("r", {})
    while ready := pipeline.ready(row):
        pipeline.settle(row, ready[0], f"bad {len(row.hops)}")
    assert row.hops == ["generate", "review"] * 3 + ["decide"]
    assert row.earlier["review"] == "bad 3"
    assert row.results["review"] == "bad 5"


@given(st.data())
@settings(max_examples=60)
def test_going_through_ready_steps_in_any_order_ends_with_every_step_once(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 7))
    needs = [data.draw(st.sets(st.sampled_from(range(i)))) if i else set[int]() for i in range(n)]
    pipeline = Pipeline([a_step(f"s{i}", *(f"s{j}" for j in sorted(needs[i]))) for i in range(n)])
    row = Row("r", {})
    while ready := pipeline.ready(row):
        pipeline.settle(row, data.draw(st.sampled_from(ready)), 0)
    assert sorted(row.hops) == sorted(pipeline.order)
    seen: set[str] = set()
    for name in row.hops:
        assert set(pipeline[name].needs) <= seen
        seen.add(name)


def test_the_digest_changes_with_what_results_rest_on_and_with_nothing_else() -> None:
    plain = Pipeline([a_step("a"), a_step("b", "a")]).digest
    assert Pipeline([a_step("b", "a"), a_step("a", width=3, timeout_s=9.0)]).digest == plain
    assert Pipeline([a_step("a"), a_step("b")]).digest != plain
    assert Pipeline([a_step("a"), a_step("b", "a", check=no_complaint)]).digest != plain


def test_functions_with_other_code_have_another_digest() -> None:
    async def one(row: Row) -> bool:
        return row.id in {"x", "y", "z"}

    async def two(row: Row) -> bool:
        return row.id in {"x", "y"}

    assert Pipeline([step(name="s")(one)]).digest != Pipeline([step(name="s")(two)]).digest
