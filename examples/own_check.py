"""A recipe's own function and own check: what needs no mind, and what a schema cannot say."""

import asyncio

from waggledance import FunctionPeer, Swarm
from waggledance.tasks import Finding, Task, Watched, recipe_check, recipe_from, role_function


@role_function("count-words")
async def count_words(watched: Watched) -> str:
    return str(sum(len(poem.text.split()) for poem in watched.of("poem")))


@recipe_check("bees-only")
async def bees_only(task: Task, text: str) -> Finding:
    return Finding(True) if "bee" in text else Finding.failed("no bee is in it")


RECIPE = recipe_from("""
name: poet
start: wish
out: count
kinds: {wish: a wish, poem: one line, count: how many words it has}
roles:
  poet: {watch: [wish], produces: poem, prompt: Write a line., checks: [bees-only], tries: 2}
  counter: {watch: [poem], produces: count, does: count-words}
""")


def poet(told: str) -> str:
    return "a bee is a bee" if "no bee is in it" in told else "a rose is a rose"


result = asyncio.run(Swarm([FunctionPeer("ada", poet)]).run(RECIPE, "Something of the meadow."))
print(result)
assert result.text == "5"
