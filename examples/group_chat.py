"""Two people and a swarm in one room: it keeps quiet while they chat, and answers when there is something to answer."""

import asyncio
from random import Random

from waggledance import Swarm
from waggledance.gateways import Host, Hosted, Room, Speaker
from waggledance.models import Scripted
from waggledance.peers import Agent
from waggledance.protocols import ByMeaning, ByRules, Gates, Vote
from waggledance.safety import Scrubbed


async def main() -> None:
    model = Scripted("It tastes between apple and pear, with a floral note.")
    swarm = Swarm([Agent("ada", Scrubbed(model))], protocol=Vote())  # nothing private reaches the model
    room = Room("kitchen", ["swarm"])
    gate = Gates((ByRules("swarm"), ByMeaning(about=("Cooking, ingredients and recipes.",))))
    speaker = Speaker(room, "swarm", Host({"default": Hosted(swarm)}), "default", gate, Random(1))
    listening, answered = asyncio.create_task(speaker.run()), asyncio.Event()
    room.listen(lambda number, message: answered.set() if message.body.decided_in else None)

    mia, tom = (room.enter(name, "", lambda: None) for name in ("mia", "tom"))
    for person, words in (
        (mia, "running late, ten minutes"),
        (tom, "no worries, my new number is +44 20 7946 0958"),
        (mia, "they put a quince on the cheese plate. @swarm what does quince taste like?"),
    ):
        room.say(person, words)
        await asyncio.sleep(0.05)
    await answered.wait()
    listening.cancel()

    print("\n".join(f"{room.name_of(message.author)}: {message.body.text}" for _, message in room.said()))
    assert speaker.asked == 1
    assert "[PHONE_1]" in model.requests[0].turns[0].text


asyncio.run(main())
