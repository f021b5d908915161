"""A team as data: a writer, a critic who is somebody else, and a mender for as long as the critic says no."""

import asyncio

from waggledance import FunctionPeer, Swarm
from waggledance.tasks import Team, recipe_from

RECIPE = recipe_from("""
name: pair
start: request
out: note
limits: {rounds: 3}
kinds: {request: a wish, note: a short text, verdict: "yes or no, and why"}
roles:
  writer: {watch: [request], produces: note, apart: pair, prompt: Write what is wished for.}
  critic: {watch: [request, note], produces: verdict, apart: pair, prompt: "Is it short enough to read aloud?"}
  mender: {watch: [note, verdict], when: {verdict: no}, produces: note, prompt: Make it better.}
""")


def play(told: str) -> str:
    """Play the role that the task asks for, as a model would."""
    if "You are the writer" in told:
        return "Dear bees, we would like to inform you that the meadow is in bloom."
    if "You are the mender" in told:
        return "The meadow is in bloom."
    return "no, far too long" if "Dear bees" in told else "yes"


swarm = Swarm([FunctionPeer(name, play) for name in ("ada", "ben", "cyd")])
result = asyncio.run(swarm.run(RECIPE, "Tell the bees."))
decision = swarm.ask_sync("Tell the bees.", expects="free", protocol=Team(RECIPE))  # the same, as any protocol

print(result.text)
assert result.text == decision.text == "The meadow is in bloom."
