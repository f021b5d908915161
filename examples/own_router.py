"""A router of your own says which peer a task suits best, from cards and published outcomes, alike at every peer."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from waggledance import FunctionPeer, Message, Swarm
from waggledance.core import PeerId
from waggledance.tasks import Add, Card, Router, Scored, State, Task, TaskOutcome, in_order


class Fair(Router):
    """Prefers whoever has done least."""

    name = "fair"

    def start(self) -> State:
        return Done()


class Done(Counter[PeerId]):
    """How much each has done: what the router has learnt; it copies itself, as every dict does."""

    def learn(self, said: Message[TaskOutcome]) -> None:
        self[said.body.worker] += 1

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        return in_order(task, cards, [-self[card.peer] for card in cards])  # equals by a hash, never by name


swarm = Swarm([FunctionPeer(name, str.title) for name in ("ada", "ben", "cyd")])
result = asyncio.run(swarm.run([Add(Task(goal=f"job {n}")) for n in range(9)], router=Fair()))
did = Counter(result.names[entry.holder] for entry in result.plan.entries.values() if entry.holder)
print(did)
assert result.complete
