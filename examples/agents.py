"""Three agents share one small language model and agree on an answer; set WAGGLE_EXAMPLE_MODEL for another one."""

import os

from waggledance import Agent, Swarm, model
from waggledance.peers import PERSONAS
from waggledance.protocols import Debate

# "embedded" after `waggle models get smollm2-135m`, "openai:gpt-5-mini", "gguf:/path/to/model.gguf"; here a script.
spec = os.environ.get("WAGGLE_EXAMPLE_MODEL", "scripted:7 * 8 = 56, so the answer is 56. Confidence: 90%")
thinking = model(spec)
personas = list(PERSONAS.values())
peers = [Agent(name, thinking, persona=personas[i]) for i, name in enumerate(("ada", "ben", "cleo"))]

decision = Swarm(peers, protocol=Debate(rounds=1)).ask_sync("What is 7 times 8?", expects="number")
print(decision)
print(f"{decision.cost.calls} calls, {decision.cost.tokens} tokens, {decision.seconds:.1f} s")

assert decision.cost.calls == 6
if spec.startswith("scripted"):
    assert decision.key == "56"
