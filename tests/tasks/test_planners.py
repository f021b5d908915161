"""A planner is made from its name, and what is no name of one is refused with the nearest."""

from __future__ import annotations

import pytest

from waggledance.core import UnknownName, UsageError
from waggledance.tasks import Bounded, Linted, Roma, planner_by_name, roma


def test_a_name_makes_the_planner_with_its_parameters() -> None:
    assert planner_by_name("roma") == roma() == Bounded(Roma())
    assert planner_by_name(" roma( depth=2 , parts=4 ) ") == Bounded(Roma(), depth=2, parts=4)
    assert planner_by_name("roma(lint=1)") == Bounded(Linted(Roma()))


@pytest.mark.parametrize("name", ["romas", "", "roma(deep=2)"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        planner_by_name(name)


def test_the_nearest_name_is_said() -> None:
    with pytest.raises(UnknownName, match="did you mean 'roma'"):
        planner_by_name("romas")
    with pytest.raises(UnknownName, match="did you mean 'depth'"):
        planner_by_name("roma(dept=2)")


@pytest.mark.parametrize("name", ["roma(", "roma(depth=two)", "roma(depth)", "roma(depth=-1)", "roma(depth=99)"])
def test_a_text_that_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        planner_by_name(name)
