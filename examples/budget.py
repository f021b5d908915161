"""A budget ends a run early; the decision rests on what is there and says so."""

from waggledance import Budget, FunctionPeer, Swarm
from waggledance.protocols import Debate

peers = [FunctionPeer(f"peer {i}", lambda question: "42") for i in range(5)]
swarm = Swarm(peers, protocol=Debate(rounds=3))

whole = swarm.ask_sync("What is 6 times 7?", expects="number")
short = swarm.ask_sync("What is 6 times 7?", expects="number", budget=Budget(calls=7))
print(f"without a budget: {whole.cost.calls} calls. With one: {short.cost.calls} calls.")
print(short)

assert (whole.cost.calls, short.cost.calls) == (20, 7)
assert short.key == "42"
assert any("7 calls is spent" in note for note in short.notes)
