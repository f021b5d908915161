"""What the door lets in, what it refuses and why, and what it makes of an author who says two things."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import (
    Channel,
    Door,
    ForkProof,
    Key,
    Message,
    MessageId,
    PeerId,
    Proposal,
    Unvouched,
    UsageError,
    encode,
    frame,
    swarm_id,
)
from waggledance.core._door import PARKED_BYTES_PER_AUTHOR, PARKED_PER_AUTHOR, PARKED_SECONDS, REFUSALS_KEPT
from waggledance.core._message import MAX_FRAME_BYTES, compose

SWARM = swarm_id("bees")
KEYS = [Key(bytes([n]) * 32) for n in range(1, 5)]
ADA, BEA, CAL, EVE = KEYS
MEMBERS = frozenset(key.peer for key in (ADA, BEA, CAL))


class HandClock:
    """A clock that stands where the test puts it."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def wall_ms(self) -> int:
        return 0


def a_door(**options: Any) -> Door:
    return Door(Channel(SWARM, "q1"), members=MEMBERS, clock=HandClock(), **options)


def say(
    desk: Channel, key: Key, text: str, built_on: list[Message[Any]] | None = None, round: int = 0
) -> Message[Proposal]:
    """Publish at a desk, signed."""
    return key.signed(desk.publish(key.peer, Proposal(key=text, round=round), built_on or [], 0))


def chain(key: Key, n: int, channel: str = "q1") -> list[Message[Proposal]]:
    desk = Channel(SWARM, channel)
    return [say(desk, key, str(i)) for i in range(n)]


def unsigned(message: Message[Any]) -> Message[Any]:
    return msgspec.structs.replace(message, signature=b"")


def only_refusal(door: Door) -> str:
    [(reason, n)] = door.refused.items()
    assert n == 1
    assert len(door.channel) == 0
    return reason


# -- what is let in ---------------------------------------------------------------------------------------------


def test_a_signed_message_by_a_member_is_stored() -> None:
    door = a_door()
    [message] = chain(ADA, 1)
    assert door.receive(frame(message)) == (message,)
    assert door.channel.get(message.id) == message
    assert not door.refused


def test_a_message_that_came_before_is_counted_as_known_and_not_refused() -> None:
    door = a_door()
    [message] = chain(ADA, 1)
    door.receive(frame(message))
    assert door.receive(frame(message)) == ()
    assert (door.known, len(door.channel), not door.refused) == (1, 1, True)


def test_a_message_waits_outside_until_what_it_builds_on_is_here() -> None:
    asked: list[tuple[PeerId, tuple[MessageId, ...]]] = []

    def ask(who: PeerId, ids: tuple[MessageId, ...]) -> None:
        asked.append((who, ids))

    door = a_door(ask=ask)
    first, second, third = chain(ADA, 3)
    assert door.receive(frame(third)) == ()
    assert door.receive(frame(second)) == ()
    assert (len(door.channel), door.parked, door.missing()) == (0, 2, (first.id,))
    assert door.receive(frame(first)) == (first, second, third)
    assert (door.parked, door.missing()) == (0, ())
    assert asked == [(ADA.peer, (second.id,)), (ADA.peer, (first.id,))]


def test_a_caller_who_opened_a_frame_hands_the_message_over() -> None:
    door = a_door()
    [message] = chain(ADA, 1)
    assert door.admit(message, encode(message)) == (message,)


def test_a_caller_may_bring_what_remembers_verified_signatures() -> None:
    seen: list[MessageId] = []

    def verify(author: PeerId, id: MessageId, signature: bytes) -> bool:
        seen.append(id)
        return True

    door = a_door(verify=verify)
    [message] = chain(ADA, 1)
    door.receive(frame(message))
    assert seen == [message.id]


def test_a_door_for_one_process_takes_messages_without_signatures() -> None:
    door = a_door(require_signatures=False)
    messages = [unsigned(m) for m in chain(ADA, 2)]
    assert [door.receive(frame(m)) for m in messages] == [(m,) for m in messages]


def test_a_function_may_say_who_is_admitted() -> None:
    door = Door(Channel(SWARM, "q1"), admits=lambda message: message.author == EVE.peer, clock=HandClock())
    door.receive(frame(chain(EVE, 1)[0]))
    door.receive(frame(chain(ADA, 1)[0]))
    assert (len(door.channel), door.refused["stranger"]) == (1, 1)


def test_a_door_without_a_guest_list_is_refused() -> None:
    with pytest.raises(UsageError, match="members="):
        Door(Channel(SWARM, "q1"), clock=HandClock())


# -- one signature for a run ------------------------------------------------------------------------------------


def test_a_signature_vouches_for_the_unsigned_run_behind_it() -> None:
    door = a_door()
    first, second, third = chain(ADA, 3)
    assert door.receive(frame(unsigned(first))) == ()
    assert door.receive(frame(unsigned(second))) == ()
    assert door.receive(frame(third)) == (first, second, third)
    assert door.parked == 0


@given(order=st.permutations(range(5)))
def test_a_run_with_one_signature_is_stored_in_whatever_order_it_comes(order: list[int]) -> None:
    door = a_door()
    run = [m if i == 4 else unsigned(m) for i, m in enumerate(chain(ADA, 5))]
    stored = [m for i in order for m in door.receive(frame(run[i]))]
    assert stored == run
    assert (door.parked, not door.refused) == (0, True)


def test_nobody_vouches_for_a_message_of_somebody_else() -> None:
    door = a_door()
    [victim] = chain(ADA, 1)
    message, _ = compose(BEA.peer, Proposal(key="x"), 2, victim.id, (), 2, 0, SWARM, "q1")
    door.receive(frame(BEA.signed(message)))
    assert door.receive(frame(unsigned(victim))) == ()
    assert len(door.channel) == 0
    assert door.receive(frame(victim)) == (victim,)
    assert door.refused == {"chain": 1}


def test_nobody_vouches_for_a_message_of_somebody_else_that_waits_already() -> None:
    door = a_door()
    [victim] = chain(ADA, 1)
    message, _ = compose(BEA.peer, Proposal(key="x"), 2, victim.id, (), 2, 0, SWARM, "q1")
    door.receive(frame(unsigned(victim)))
    assert door.receive(frame(BEA.signed(message))) == ()
    assert (len(door.channel), door.parked) == (0, 2)


def test_an_unsigned_message_that_nobody_vouches_for_is_refused_in_the_end() -> None:
    door = a_door()
    door.receive(frame(unsigned(chain(ADA, 1)[0])))
    door._clock.at = PARKED_SECONDS + 1  # type: ignore[attr-defined]
    door.receive(frame(chain(BEA, 1)[0]))
    assert (door.refused, door.parked) == ({"signature": 1}, 0)


def test_a_flood_of_unsigned_messages_in_an_authors_name_does_not_keep_the_author_out() -> None:
    door = a_door()
    run = chain(ADA, PARKED_PER_AUTHOR + 5)
    for message in run[1:]:
        door.receive(frame(unsigned(message)))
    real = chain(BEA, 2)
    assert door.parked == PARKED_PER_AUTHOR
    assert door.receive(frame(run[0])) == (run[0],)
    assert [m for r in real for m in door.receive(frame(r))] == real
    assert door.refused == {"parked-too-many": 4}


# -- attacks, each with its refusal -----------------------------------------------------------------------------


def test_a_frame_that_is_too_large_is_refused_unread() -> None:
    door = a_door()
    door.receive(bytes(MAX_FRAME_BYTES + 1))
    assert only_refusal(door) == "oversize"


def test_noise_is_refused_as_malformed() -> None:
    door = a_door()
    door.receive(b"\xc1 this is no frame")
    assert only_refusal(door) == "malformed"


def test_a_message_with_another_ones_signature_is_refused() -> None:
    door = a_door()
    first, second = chain(ADA, 2)
    door.receive(frame(msgspec.structs.replace(first, signature=second.signature)))
    assert only_refusal(door) == "signature"


def test_a_signature_for_the_identity_point_is_refused() -> None:
    identity = PeerId(b"\1" + bytes(31))
    message, _ = compose(identity, Proposal(key="x"), 1, None, (), 1, 0, SWARM, "q1")
    door = Door(Channel(SWARM, "q1"), admits=lambda message: True, clock=HandClock())
    door.receive(frame(msgspec.structs.replace(message, signature=identity + bytes(32))))
    assert only_refusal(door) == "signature"


def test_a_message_replayed_from_another_channel_is_refused() -> None:
    door = a_door()
    door.receive(frame(chain(ADA, 1, channel="q2")[0]))
    assert only_refusal(door) == "channel"


def test_a_message_replayed_from_another_swarm_is_refused() -> None:
    door = a_door()
    desk = Channel(swarm_id("wasps"), "q1")
    door.receive(frame(say(desk, ADA, "x")))
    assert only_refusal(door) == "swarm"


def test_a_strangers_message_is_refused() -> None:
    door = a_door()
    door.receive(frame(chain(EVE, 1)[0]))
    assert only_refusal(door) == "stranger"


def test_unsorted_keys_are_refused() -> None:
    door = a_door()
    [message] = chain(ADA, 1)
    fields = msgspec.msgpack.decode(encode(message))
    turned = msgspec.msgpack.encode(dict(reversed(fields.items())))
    door.receive(msgspec.msgpack.encode((turned, message.signature)))
    assert only_refusal(door) == "not-canonical"


def test_a_repeated_key_is_refused() -> None:
    door = a_door()
    [message] = chain(ADA, 1)
    raw = encode(message)
    doubled = bytes([raw[0] + 1]) + raw[1:] + b"\xa1v\x01"
    door.receive(msgspec.msgpack.encode((doubled, message.signature)))
    assert only_refusal(door) == "not-canonical"


def forged(sequence: int, previous: MessageId | None, parents: tuple[MessageId, ...], lamport: int) -> bytes:
    """A properly signed message by ADA whose place in the order may be a lie."""
    body = Proposal(key="lie")
    message, _ = compose(ADA.peer, body, sequence, previous, tuple(sorted(parents)), lamport, 0, SWARM, "q1")
    return frame(ADA.signed(message))


def test_a_number_that_skips_is_refused() -> None:
    door = a_door()
    [first] = chain(ADA, 1)
    door.receive(frame(first))
    door.receive(forged(3, first.id, (), 2))
    assert door.refused == {"chain": 1}


def test_a_previous_message_by_somebody_else_is_refused() -> None:
    door = a_door()
    [other] = chain(BEA, 1)
    door.receive(frame(other))
    door.receive(forged(2, other.id, (), 2))
    assert door.refused == {"chain": 1}


@pytest.mark.parametrize("lamport", [1, 3, 9])
def test_a_logical_clock_that_its_causes_do_not_give_is_refused(lamport: int) -> None:
    door = a_door()
    [other] = chain(BEA, 1)
    door.receive(frame(other))
    door.receive(forged(1, None, (other.id,), lamport))
    assert door.refused == {"chain": 1}
    assert "make it 2" in door.refusals[0].detail


def test_a_flood_of_orphans_takes_bounded_memory_and_hurts_only_its_author() -> None:
    door = a_door()
    for n in range(PARKED_PER_AUTHOR + 50):
        door.receive(forged(1, None, (MessageId(n.to_bytes(32)),), 2))
    assert (door.parked, door.refused["parked-too-many"]) == (PARKED_PER_AUTHOR, 50)
    assert len(door.refusals) <= REFUSALS_KEPT
    run = chain(BEA, 2)
    door.receive(frame(run[1]))
    assert door.receive(frame(run[0])) == tuple(run)


def test_a_flood_of_large_orphans_is_bounded_by_bytes() -> None:
    door = a_door()
    body = Proposal(key="lie", text="x" * 60_000)
    for n in range(300):
        message, _ = compose(ADA.peer, body, 1, None, (MessageId(n.to_bytes(32)),), 2, 0, SWARM, "q1")
        door.receive(frame(ADA.signed(message)))
    assert door.parked * 60_000 <= PARKED_BYTES_PER_AUTHOR
    assert door.refused["parked-too-many"] > 100


def test_orphans_are_let_go_after_a_while_and_leave_nothing_behind() -> None:
    door = a_door()
    for n in range(20):
        door.receive(forged(1, None, (MessageId(n.to_bytes(32)),), 2))
    door._clock.at = PARKED_SECONDS + 1  # type: ignore[attr-defined]
    door.receive(frame(chain(BEA, 1)[0]))
    assert (door.parked, door.refused["expired"]) == (0, 20)
    assert not door._waiting
    assert not door._load
    assert not door._load_bytes


def test_a_refusal_says_who_what_and_why() -> None:
    door = a_door()
    [message] = chain(EVE, 1)
    door.receive(frame(message))
    [refusal] = door.refusals
    assert (refusal.reason, refusal.author, refusal.id) == ("stranger", EVE.peer, message.id)
    assert "q1" in refusal.detail


# -- equivocation -----------------------------------------------------------------------------------------------


def two_tongues(n: int = 2) -> tuple[list[Message[Proposal]], list[Message[Proposal]]]:
    """Two chains by ADA that share their first message."""
    left, right = Channel(SWARM, "q1"), Channel(SWARM, "q1")
    a, b = [say(left, ADA, "0")], [say(right, ADA, "0")]
    for i in range(1, n):
        a.append(say(left, ADA, f"a{i}", round=i))
        b.append(say(right, ADA, f"b{i}", round=i))
    assert a[0] == b[0]
    return a, b


def test_an_author_who_says_two_things_is_collected_no_more_and_the_proof_is_kept() -> None:
    door = a_door()
    a, b = two_tongues()
    for message in (*a, chain(BEA, 1)[0]):
        door.receive(frame(message))
    assert len(door.channel.said(Proposal, 0)) == 2
    door.receive(frame(b[1]))
    assert [m.author for m in door.channel.said(Proposal, 0)] == [BEA.peer]
    assert door.channel.forked == {ADA.peer}
    proof = door.forks[ADA.peer]
    assert (proof.author, proof.sequence) == (ADA.peer, 2)
    assert {proof.a, proof.b} == {(frame(a[1]),), (frame(b[1]),)}
    assert proof.holds()


def test_a_message_that_shows_a_fork_wakes_nobody_who_waits_for_its_author() -> None:
    door = a_door()
    a, b = two_tongues()
    heard: list[frozenset[PeerId]] = []
    door.channel.subscribe(lambda message, raw: heard.append(door.channel.forked))
    for message in (*a, b[1]):
        door.receive(frame(message))
    assert heard == [frozenset(), frozenset(), frozenset({ADA.peer})]


@pytest.mark.parametrize("signed_last", [2, 3])
def test_the_proof_of_a_fork_among_unsigned_messages_reaches_to_the_signature(signed_last: int) -> None:
    door = a_door()
    a, b = two_tongues(4)
    for run in (a, b):
        for message in run[:signed_last]:
            door.receive(frame(unsigned(message)))
        door.receive(frame(run[signed_last]))
    proof = door.forks[ADA.peer]
    assert proof.sequence == 2
    assert len(proof.a) == len(proof.b) == signed_last
    assert proof.holds()


def test_a_proof_is_complete_when_the_signature_itself_still_waits_outside() -> None:
    door = a_door()
    a, b = two_tongues(3)
    [other] = chain(BEA, 1)
    voucher, _ = compose(ADA.peer, Proposal(key="v"), 4, a[2].id, (other.id,), 4, 0, SWARM, "q1")
    for message in a:
        door.receive(frame(unsigned(message)))
    assert door.receive(frame(ADA.signed(voucher))) == tuple(a)
    for message in b:
        door.receive(frame(message))
    assert door.forks[ADA.peer].holds()


def test_a_made_up_proof_does_not_hold() -> None:
    a, b = two_tongues()
    proof = ForkProof(ADA.peer, 2, (frame(a[1]),), (frame(b[1]),))
    assert proof.holds()
    no_proofs = [
        ForkProof(ADA.peer, 2, (frame(a[1]),), (frame(a[1]),)),
        ForkProof(ADA.peer, 1, (frame(a[1]),), (frame(b[1]),)),
        ForkProof(BEA.peer, 2, (frame(a[1]),), (frame(b[1]),)),
        ForkProof(ADA.peer, 2, (frame(unsigned(a[1])),), (frame(b[1]),)),
        ForkProof(ADA.peer, 2, (frame(a[1]), frame(b[1])), (frame(b[1]),)),
        ForkProof(ADA.peer, 2, (), (frame(b[1]),)),
        ForkProof(ADA.peer, 2, (b"noise",), (frame(b[1]),)),
        ForkProof(ADA.peer, 2, (frame(chain(ADA, 2, channel="q2")[1]),), (frame(b[1]),)),
    ]
    assert [p.holds() for p in no_proofs] == [False] * len(no_proofs)


# -- the law ----------------------------------------------------------------------------------------------------


def a_conversation(rng: Random, n: int, liar: bool) -> list[Message[Any]]:
    """A channel of three authors who build on what they have seen, signed now and then; perhaps one forks."""
    desks = {key.peer: Channel(SWARM, "q1") for key in (ADA, BEA, CAL)}
    twin = Channel(SWARM, "q1")
    said: list[Message[Any]] = []
    for i in range(n):
        key = rng.choice((ADA, BEA, CAL))
        forks = liar and key is CAL and rng.random() < 0.5
        desk = twin if forks else desks[key.peer]
        known = [m for m in said if m.author != key.peer or m.id in desk]
        built_on = rng.sample(known, k=min(len(known), rng.randrange(4)))
        message = desk.publish(key.peer, Proposal(key=str(rng.randrange(3)), round=rng.randrange(2)), built_on, i)
        said.append(message)
    last = {(m.author, id(twin) if m.id in twin else 0): m.id for m in said}
    return [
        next(key for key in KEYS if key.peer == m.author).signed(m)
        if m.id in last.values() or rng.random() < 0.5
        else m
        for m in said
    ]


@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False), n=st.integers(1, 25), liar=st.booleans())
def test_order_duplication_and_regrouping_change_neither_digest_nor_what_is_collected(
    rng: Random, n: int, liar: bool
) -> None:
    said = a_conversation(rng, n, liar)
    seen: set[Any] = set()
    for _ in range(3):
        arrivals = [*said, *rng.sample(said, k=rng.randrange(len(said) + 1))]
        rng.shuffle(arrivals)
        door = a_door()
        for message in arrivals:
            door.receive(frame(message))
        assert len(door.channel) == len(said)
        assert (door.parked, not door.refused) == (0, True)
        collected = tuple(door.channel.said(Proposal, round) for round in (0, 1))
        seen.add((door.channel.digest(), collected, door.channel.forked))
        assert all(proof.holds() for proof in door.forks.values())
    assert len(seen) == 1


def test_what_waits_for_a_signature_is_counted_over_several_doors_and_no_more_once_one_is_closed() -> None:
    together = Unvouched()
    doors = [a_door(unvouched=together) for _ in range(2)]
    first, second = chain(ADA, 2)
    for door in doors:
        door.receive(frame(unsigned(first)))
    assert together.size_bytes == 2 * len(encode(first))
    doors[0].close()
    assert (doors[0].parked, together.size_bytes) == (0, len(encode(first)))
    assert doors[1].receive(frame(second)) == (first, second)
    assert together.size_bytes == 0
