"""Plans as models write them are read; what is no plan is refused with what to mend."""

from __future__ import annotations

import pytest

from waggledance.core import RunFailed
from waggledance.tasks._part_lines import PartLine, read_parts

JSON_LIST = """```json
[{"goal": "the Nile", "type": "RETRIEVE"}, {"task": "the Amazon", "kind": "look"},
 {"description": "compare them.", "dependencies": ["1", 2]}]
```"""
JSON_OBJECT = """{"subtasks": [{"id": 1, "task": "the Nile", "type": "search"},
{"id": 2, "task": "the Amazon", "type": "look"}, {"id": 3, "task": "compare them.", "dep": [1, 2]}]}"""


@pytest.mark.parametrize(
    "text",
    [
        "1. look: the Nile\n2. look: the Amazon\n3. think: compare them. after: 1, 2",
        "Here is the plan:\n\n1) look: the Nile\n2) Look: the Amazon\n3) compare them. (after 1 and 2)\nGood luck!",
        "- **1. retrieve:** the Nile\n- **2. search:** the Amazon\n- **3.** compare them. [depends on: parts 1, 2]",
        "Step 1: look: the Nile\nStep 2: look: the Amazon\nStep 3: compare them. needs steps 1, 2.",
        JSON_LIST,
        JSON_OBJECT,
    ],
)
def test_the_same_plan_is_read_from_many_forms(text: str) -> None:
    assert read_parts(text) == (
        PartLine(1, "the Nile", "look"),
        PartLine(2, "the Amazon", "look"),
        PartLine(3, "compare them.", "think", (1, 2)),
    )


@pytest.mark.parametrize("text", ["atomic", "Atomic.", "I can do that at once.\n**ATOMIC**"])
def test_a_task_that_is_to_stay_whole_has_no_parts(text: str) -> None:
    assert read_parts(text) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no part that can be read"),
        ("I am not sure. Atomic energy, perhaps?", "no part that can be read"),
        ("[1, 2, 3]", "no part that can be read"),
        ("[" * 5_000, "no part that can be read"),
        ("1. a after: 2\n2. b after: 1", "the parts 1, 2 wait for each other"),
        ("1. a after: 1\n2. b", "the parts 1 wait for each other"),
        ("1. a\n2. b after: 7", "part 2 comes after part 7, which is not there"),
        ("1. a\n1. b", "two parts have the number 1"),
    ],
)
def test_what_is_no_plan_is_refused_with_what_to_mend(text: str, why: str) -> None:
    with pytest.raises(RunFailed, match=why):
        read_parts(text)


def test_parts_that_say_the_same_are_one_and_whoever_waits_for_either_waits_for_it() -> None:
    parts = read_parts("1. Find the Nile.\n2. find  the nile\n4. compare after: 2\n5. sum up after: 1, 4")
    assert [(p.number, p.after) for p in parts] == [(1, ()), (2, (1,)), (3, (1, 2))]


def test_numbers_and_colons_within_a_goal_stay_there() -> None:
    (a, b) = read_parts("1. At 10:30, add 3.5 and 4.\n2. Ask: who needs 5 boats?")
    assert (a.goal, b.goal) == ("At 10:30, add 3.5 and 4.", "Ask: who needs 5 boats?")
