"""See messages as they are published: who proposes what, and who changes their mind."""

import asyncio

from waggledance import Decision, FunctionPeer, Proposal, Swarm
from waggledance.protocols import Debate


def follow_the_crowd(question: str, mine: str, heard: list[str]) -> str:
    """Adopt what most say, oneself included."""
    everybody = [mine, *heard]
    return max(everybody, key=everybody.count)


def saying(name: str, answer: str) -> FunctionPeer:
    return FunctionPeer(name, lambda question: answer, revise=follow_the_crowd)


async def main() -> None:
    swarm = Swarm([saying("ada", "yes"), saying("ben", "yes"), saying("cyd", "no")], protocol=Debate(rounds=1))
    names: dict[bytes, str] = {}
    async for event in swarm.watch("Is 91 divisible by 7?", expects="yes/no"):
        if isinstance(event, Decision):
            print("the swarm says", event.key)
            assert event.key == "yes"
            assert event.confidence == 1.0
        elif hasattr(event.body, "members"):
            names = {member.id: member.name for member in event.body.members}
        elif isinstance(event.body, Proposal):
            print(f"round {event.body.round}: {names[event.author]} says {event.body.key}")


asyncio.run(main())
