"""A peer of your own: a class, where a function is not enough; what one call cost and its luck stand in the call."""

from waggledance import Proposal, Swarm
from waggledance.core import Call, Cost, Peer
from waggledance.protocols import Vote


class Dice(Peer):
    """Throws two dice and believes the sum; skills that it does not list are never asked of it."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose"})

    async def propose(self, call: Call) -> Proposal:
        first, second = call.seed % 6 + 1, call.seed // 6 % 6 + 1  # the same in every repeat of the run
        call.charge(Cost(prompt_tokens=len(call.question.text) // 4))  # what counts against the budget
        return Proposal.of(str(first + second), f"I threw {first} and {second}.", confidence=0.17)


swarm = Swarm([Dice(f"dice {i}") for i in range(9)], protocol=Vote(), weights={"dice 3": 2.0})
decision = swarm.ask_sync("What comes up when two dice are thrown?", expects="number")
print(decision)

assert 2 <= int(decision.key or 0) <= 12
assert decision.cost.prompt_tokens == 9 * 9
assert sum(decision.support.values()) == 10_000_000  # parts per million: eight peers of weight 1, and one of 2
