"""Five peers answer a question; the decision says how sure the swarm is and who disagrees."""

from waggledance import FunctionPeer, Swarm


def saying(name: str, answer: str) -> FunctionPeer:
    return FunctionPeer(name, lambda question: answer)


answers = {"ada": "9", "ben": "9", "cyd": "8", "dee": "9", "eve": "17 - 9 = 8"}
swarm = Swarm([saying(name, answer) for name, answer in answers.items()])
decision = swarm.ask_sync("A farmer has 17 sheep. All but 9 run away. How many are left?", expects="number")
print(decision)

assert decision.key == "9"
assert decision.share("9") == 3 / 5
assert {decision.name(d.peer) for d in decision.dissent} == {"cyd", "eve"}
