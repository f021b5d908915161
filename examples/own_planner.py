"""A planner of your own says what a piece of work is broken into, and puts the parts' results together."""

import asyncio

from waggledance import FunctionPeer, Swarm
from waggledance.tasks import Add, Atomic, Parts, Result, Task, Work


class ByAnd:
    """Breaks "A and B" into A and B, and puts the results side by side."""

    async def expand(self, work: Work, /) -> Atomic | Parts:
        whole = work.task
        parts = [Task(goal=goal, parent=whole.id, depth=whole.depth + 1) for goal in whole.goal.split(" and ")]
        return Parts([Add(part) for part in parts]) if len(parts) > 1 else Atomic()

    async def aggregate(self, work: Work, /) -> Result:
        return Result("; ".join(sorted(work.inputs.values())))


swarm = Swarm([FunctionPeer(name, str.title) for name in ("ada", "ben", "cyd")])
result = asyncio.run(swarm.run("sing and dance and rest", planner=ByAnd()))
print(result)
assert result.text == "Dance; Rest; Sing"
