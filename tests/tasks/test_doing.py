"""One try at a task: what a planner's mistake costs is a try, with the reason, and never a part in silence."""

import asyncio

import pytest

from waggledance import FunctionPeer, Swarm
from waggledance.tasks import Add, Atomic, Parts, PlanResult, Result, Task, TaskId, Work


class Splits:
    """Breaks the work up into two, of which one may be wrong."""

    def __init__(self, depth: int, parent: TaskId | None = None) -> None:
        self.depth, self.parent = depth, parent

    async def expand(self, work: Work, /) -> Atomic | Parts:
        if work.task.depth:
            return Atomic()
        one = Task(goal="one", parent=work.task.id, depth=1)
        return Parts([Add(one), Add(Task(goal="two", parent=self.parent or work.task.id, depth=self.depth))])

    async def aggregate(self, work: Work, /) -> Result:
        return Result(" ".join(sorted(work.inputs.values())))


def done_by(planner: Splits) -> PlanResult:
    return asyncio.run(Swarm([FunctionPeer("ada", str.upper)]).run("both", planner=planner))


def test_parts_one_deeper_than_their_whole_are_done() -> None:
    assert done_by(Splits(depth=1)).text == "ONE TWO"


@pytest.mark.parametrize(
    ("planner", "said"),
    [
        (Splits(depth=0), "the planner's part 'two' is not legal: its parent is at depth 0, so it is at 1"),
        (Splits(depth=1, parent=TaskId(b"?" * 32)), "'two' is not legal: its parent is not in the plan"),
    ],
)
def test_a_part_that_may_not_be_added_fails_the_try_and_says_why(planner: Splits, said: str) -> None:
    result = done_by(planner)
    assert not result.complete
    assert said in str(result)
