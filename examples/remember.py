"""Peers with a memory: what a swarm has decided once, its members know when the like is asked again."""

from waggledance import Agent, Swarm
from waggledance.memory import Record, RecordStore, Remembering
from waggledance.models import Request, Scripted
from waggledance.protocols import Debate

memory = RecordStore()  # RecordStore("memory.db") keeps it in a file
memory.put(Record.of("finding", "The spare key of the office", "It is with the porter, in a blue envelope."))


def model(request: Request) -> str:
    """Know nothing but what stands in the prompt."""
    asked = request.turns[-1].text
    return "Answer: the porter" if "blue envelope" in asked else "Answer: no idea"


peers = [Remembering(Agent(f"peer {i}", Scripted(model)), memory) for i in range(3)]
swarm = Swarm(peers, protocol=Debate(rounds=0))
decision = swarm.ask_sync("Where is the spare key of the office?")
print(decision)
assert decision.key == "porter"

assert swarm.ask_sync("How tall is the church?").key == "no idea"  # nothing near: no note

kept = memory.search("where was that spare key?", k=1)[0].kept.record  # what was decided is remembered, privately
print(kept.sort, "|", kept.key, "|", kept.text.splitlines()[0], "|", kept.scope)
assert len(memory) == 3
