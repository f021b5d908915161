"""A protocol of your own is one async function that every peer runs at its seat."""

from waggledance import Decision, FunctionPeer, Proposal, Seat, Swarm, after, everyone
from waggledance.consensus import majority


async def second_thoughts(seat: Seat) -> Decision:
    """Answer, hear only those who disagree, answer once more, then vote."""
    in_time = everyone | after(30)
    mine = await seat.publish(await seat.propose())
    said = await seat.collect(Proposal, 0, until=in_time)
    others = [m for m in said if m.body.key != mine.body.key]
    await seat.publish(await seat.revise(mine, others))
    return majority(await seat.collect(Proposal, 1, until=in_time), (), seat.weights)


def easily_swayed(question: str, mine: str, heard: list[str]) -> str:
    return heard[0] if heard else mine


peers = [
    FunctionPeer("ada", lambda question: "Paris"),
    FunctionPeer("ben", lambda question: "Paris"),
    FunctionPeer("cyd", lambda question: "Lyon", revise=easily_swayed),
]
decision = Swarm(peers, protocol=second_thoughts).ask_sync("What is the capital of France?")
print(decision)
assert decision.confidence == 1.0
