"""A model of your own is anything that completes a request: here a lookup that stands in for any service you have."""

from random import Random

from waggledance import Agent, Swarm
from waggledance.models import Completion, ModelError, Request, ServerFailed, with_retries
from waggledance.protocols import Vote

CAPITALS = {"Slovenia": "Ljubljana", "Peru": "Lima"}


class Lookup:
    """Answers from a table; the first request fails, as services do."""

    name = "lookup"
    asked = 0

    async def complete(self, request: Request) -> Completion:
        self.asked += 1
        if self.asked == 1:
            raise ServerFailed(self.name, "the table is locked", "ask again")  # tried again
        prompt = request.turns[-1].text
        found = [capital for country, capital in CAPITALS.items() if country in prompt]
        if not found:
            raise ModelError(self.name, "the table has no such country", "add it")  # the peer abstains and says why
        words = f"It is in the table. Answer: {found[0]}"
        tokens = len(prompt) // 4
        return Completion(text=words, prompt_tokens=tokens, completion_tokens=9, finish="stop", seconds=0.0)

    async def aclose(self) -> None:
        """Nothing to let go of."""


lookup = Lookup()
model = with_retries(lookup, rng=Random(7))
swarm = Swarm([Agent(name, model) for name in ("ada", "ben", "cyd")], protocol=Vote())
decision = swarm.ask_sync("What is the capital of Slovenia?")
print(decision)
assert (decision.key, lookup.asked) == ("ljubljana", 4)
