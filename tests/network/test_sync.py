"""Repair is a pure function of two copies, and makes them equal."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Channel, Door, Key, LoopClock, Message, Proposal, encode, frame, swarm_id
from waggledance.network import Give, Want, give, have, missing, wanted
from waggledance.network._sync import MAX_BATCH_BYTES

SWARM = swarm_id("sync")
KEYS = [Key(bytes([i]) * 32) for i in range(4)]


class Stopped(LoopClock):
    """A clock that stands still."""

    def now(self) -> float:
        return 0.0


def signed(message: Message[Proposal], key: Key) -> bytes:
    opened = Message(
        message.id, message.author, message.body, message.sequence, message.previous, message.parents,
        message.lamport, message.wall_ms, message.swarm, message.channel, key.sign(message.id),
    )  # fmt: skip
    return frame(opened)


def history(seed: int, forks: bool) -> list[bytes]:
    """Return frames of four authors who build on each other, causes first; with forks, author 3 has two branches."""
    rng, frames = Random(seed), list[bytes]()
    sheets = [Channel(SWARM, "c"), Channel(SWARM, "c")]
    for step in range(rng.randrange(1, 12)):
        who = rng.randrange(4)
        sheet = sheets[rng.randrange(2)] if forks and who == 3 else sheets[0]
        heard = [m for m in sheets[0].messages() if m.author != KEYS[3].peer and rng.random() < 0.4]
        message = sheet.publish(KEYS[who].peer, Proposal(key=str(step), round=step), heard, step)
        if who != 3:
            sheets[1].add(message, encode(message))
        frames.append(signed(message, KEYS[who]))
    return frames


def door(frames: list[bytes]) -> Door:
    made = Door(Channel(SWARM, "c"), members=[key.peer for key in KEYS], clock=Stopped())
    for framed in frames:
        made.receive(framed)
    return made


def exchange(a: Door, b: Door) -> None:
    """Let a greet b: have, then have and give, then give."""
    from_a = have(a.channel)
    from_b, to_a = have(b.channel), give("c", missing(b.channel, from_a))
    to_b = give("c", missing(a.channel, from_b))
    for receiver, batches in ((a, to_a), (b, to_b)):
        for batch in batches:
            for framed in batch.frames:
                receiver.receive(framed)


@given(seed=st.integers(0, 10_000), share=st.floats(0, 1), forks=st.booleans())
def test_exchanges_make_two_copies_equal(seed: int, share: float, forks: bool) -> None:
    rng, frames = Random(seed), history(seed, forks)
    a, b = (door([f for f in frames if rng.random() < share]) for _ in range(2))
    both = {m.id for made in (a, b) for m in made.channel.messages()}
    for _ in frames:  # what was parked for want of a cause may take an exchange of its own
        exchange(a, b)
    assert a.channel.digest() == b.channel.digest()
    assert a.channel.forked == b.channel.forked
    assert both <= {m.id for m in a.channel.messages()}


@given(seed=st.integers(0, 10_000))
def test_equal_copies_have_nothing_to_give(seed: int) -> None:
    frames = history(seed, forks=True)
    a, b = door(frames), door(frames)
    assert missing(a.channel, have(b.channel)) == []


def test_a_fork_with_equal_numbers_is_found_because_heads_carry_hashes() -> None:
    one, other = Channel(SWARM, "c"), Channel(SWARM, "c")
    liar = KEYS[3]
    a = door([signed(one.publish(liar.peer, Proposal(key="4"), [], 0), liar)])
    b = door([signed(other.publish(liar.peer, Proposal(key="5"), [], 0), liar)])
    exchange(a, b)
    assert a.channel.forked == b.channel.forked == {liar.peer}
    assert all(liar.peer in made.forks for made in (a, b))


def test_batches_stay_below_a_mebibyte_and_keep_the_order() -> None:
    sheet = Channel(SWARM, "c")
    messages = [sheet.publish(KEYS[0].peer, Proposal(key="x", text="y" * 60_000, round=i), [], 0) for i in range(40)]
    batches = give("c", messages)
    assert len(batches) == 3
    assert all(sum(map(len, batch.frames)) <= MAX_BATCH_BYTES for batch in batches)
    assert [f for batch in batches for f in batch.frames] == [frame(m) for m in messages]


def test_only_what_is_here_is_given_when_wanted() -> None:
    sheet = Channel(SWARM, "c")
    first = sheet.publish(KEYS[0].peer, Proposal(key="1"), [], 0)
    second = sheet.publish(KEYS[1].peer, Proposal(key="2"), [first], 0)
    strange = type(first.id)(bytes(32))
    assert wanted(sheet, Want("c", (second.id, strange, first.id))) == [first, second]
    assert give("c", wanted(sheet, Want("c", (strange,)))) == list[Give]()
