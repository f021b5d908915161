"""A door that shares what it knows lets in exactly what a door by itself lets in."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import (
    Channel,
    Door,
    Key,
    LoopClock,
    Message,
    Proposal,
    encode,
    frame,
    open_frame,
    signature_holds,
    swarm_id,
)
from waggledance.network._copy import Copy, Sealed
from waggledance.network._shared_door import SharedDoor, Sound

SWARM = swarm_id("shared")
KEYS = [Key(bytes([i]) * 32) for i in range(4)]
MEMBERS = frozenset(key.peer for key in KEYS[:3])


class Stopped(LoopClock):
    """A clock that stands still."""

    def now(self) -> float:
        return 0.0


def history(rng: Random) -> list[tuple[Message[Any], bytes]]:
    """Return signed messages of two members, a member with two branches, and a stranger."""
    sheets, made = [Channel(SWARM, "c"), Channel(SWARM, "c")], list[tuple[Message[Any], bytes]]()
    for step in range(rng.randrange(2, 14)):
        who = rng.randrange(4)
        sheet = sheets[rng.randrange(2)] if who == 2 else sheets[0]
        heard = [m for m in sheet.messages() if m.author == KEYS[0].peer and rng.random() < 0.5]
        message = sheet.publish(KEYS[who].peer, Proposal(key=str(step), round=step), heard, step)
        if who < 2:
            sheets[1].add(message, encode(message))
        signed = Message(
            message.id, message.author, message.body, message.sequence, message.previous, message.parents,
            message.lamport, message.wall_ms, message.swarm, message.channel, KEYS[who].sign(message.id),
        )  # fmt: skip
        made.append((open_frame(frame(signed)), encode(signed)))
    return made


def copy() -> Copy:
    def seal(message: Message[Any], raw: bytes) -> Sealed:
        raise AssertionError("nothing is written here")

    return Copy(SWARM, "c", KEYS[0].peer, lambda body: body, seal, lambda sealed: None)


@given(seed=st.integers(0, 100_000))
def test_many_doors_that_share_let_in_what_single_doors_let_in(seed: int) -> None:
    rng = Random(seed)
    messages = history(rng)
    sound: Sound = {}
    for _ in range(4):
        arriving = rng.choices(messages, k=3 * len(messages))
        single = Door(Channel(SWARM, "c"), members=MEMBERS, clock=Stopped())
        shared = SharedDoor(
            copy(), members=MEMBERS, clock=Stopped(), verify=signature_holds,
            ask=lambda author, ids: None, sound=sound,
        )  # fmt: skip
        for message, raw in arriving:
            alone = single.admit(message, raw)
            together = shared.admit(message, raw)
            assert {m.id for m in alone} == {m.id for m in together}
        assert shared.channel.digest() == single.channel.digest()
        assert shared.channel.forked == single.channel.forked
        assert (shared.refused, shared.parked, shared.known) == (single.refused, single.parked, single.known)
        assert shared.missing() == single.missing()
