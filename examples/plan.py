"""Five tasks, three peers, no manager: each claims what it ranks first for, and begins when its inputs are there."""

import asyncio

from waggledance import FunctionPeer, Swarm
from waggledance.tasks import Add, Link, Op, Task


def work(question: str) -> str:
    """Stand in for a model: the first line is the task, the rest is what earlier tasks found."""
    task, *found = question.splitlines()
    return f"[{task}{' from ' + str(len(found) // 2) + ' notes' if found else ''}]"


sights, food, weather = (
    Task(goal=f"Find out about the {topic} in Ljubljana") for topic in ("sights", "food", "weather")
)
route = Task(goal="Plan a walk through two days", needs=("maps",))
letter = Task(goal="Write it as a letter")
plan: list[Op] = [
    *map(Add, (sights, food, weather, route, letter)),
    *[Link(found.id, route.id) for found in (sights, food)],
    *[Link(found.id, letter.id) for found in (route, weather)],
]


async def main() -> None:
    swarm = Swarm([FunctionPeer(name, work) for name in ("ada", "ben", "cleo")])
    result = await swarm.run(plan, good_at={"cleo": {"maps": 900_000}})
    did = {entry.task: result.names[entry.holder] for entry in result.plan.entries.values() if entry.holder}
    for task, name in did.items():
        print(f"{name:4} {task.goal}")
    print(result)
    assert result.complete
    assert did[route] == "cleo"


asyncio.run(main())
