"""Members that certify a decision, step by step, with real signatures and time that is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from random import Random
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import (
    Ack,
    Certifier,
    Claim,
    Prep,
    Seal,
    conflict,
    cut_of_seals,
    verify_certificate,
)
from waggledance.consensus._certificate_bodies import ack_statement, prep_statement
from waggledance.consensus._cut_of_seals import Heads
from waggledance.consensus._turns import turns
from waggledance.core import (
    Body,
    Key,
    Member,
    Message,
    MessageId,
    Note,
    PeerId,
    RunFailed,
    UsageError,
    local_peer_id,
    swarm_id,
)
from waggledance.core._message import compose

KEYS = [Key(blake3(b"certifier %d" % i).digest()) for i in range(8)]
QUESTION = MessageId(blake3(b"the opening").digest())
PARAMS = {"protocol": "vote", "topology": "complete"}


def outcome(cut: Heads) -> bytes:
    return blake3(repr(cut).encode()).digest()


def lacking(cut: Heads) -> bytes | None:
    return None


def heads_of(*who: int, number: int = 1) -> Heads:
    """Return heads that name one message of each of these members."""
    heads = [(KEYS[i].peer, number, MessageId(blake3(b"%d %d" % (i, number)).digest())) for i in who]
    return tuple(sorted(heads))


class Hall:
    """Members in one process; nothing arrives unless it is delivered."""

    def __init__(self, n: int, *, weights: Sequence[int] | None = None, **options: Any) -> None:
        self.members = tuple(
            Member(KEYS[i].peer, f"p{i}", 1_000_000 if weights is None else weights[i]) for i in range(n)
        )
        self.options: dict[str, Any] = {"quorum_rule": "byzantine", "decide": outcome, "rule": "majority", **options}
        self.who = [self.made(i) for i in range(n)]
        self.said: list[Message[Any]] = []

    def made(self, i: int, **options: Any) -> Certifier:
        merged = {**self.options, **options}
        return Certifier(KEYS[i].peer, KEYS[i].sign, QUESTION, self.members, params=PARAMS, delay_s=1.0, **merged)

    def publish(self, i: int, bodies: Iterable[Body]) -> list[Message[Any]]:
        messages = [self.message(i, body) for body in bodies]
        self.said += messages
        return messages

    def message(self, i: int, body: Body) -> Message[Any]:
        author = KEYS[i].peer
        sequence = 1 + sum(m.author == author for m in self.said)
        previous = None if sequence == 1 else MessageId(bytes(32))
        message, _ = compose(author, body, sequence, previous, (), sequence, 0, swarm_id("s"), "q")
        return message

    def finish(self, *who: int, heads: Callable[[int], Heads] | None = None, now: float = 0.0) -> None:
        for i in who:
            self.publish(i, self.who[i].finished((heads or heads_of)(i), now))

    def settle(self, *who: int, now: float = 0.0) -> None:
        """Deliver everything to these members, until nobody says any more."""
        at = dict.fromkeys(who, 0)
        while any(at[i] < len(self.said) for i in who):
            for i in who:
                if at[i] < len(self.said):
                    message = self.said[at[i]]
                    at[i] += 1
                    self.publish(i, self.who[i].on(message, now))

    def tick(self, *who: int, now: float) -> None:
        for i in who:
            self.publish(i, self.who[i].tick(now))

    def bodies(self, kind: type[Body]) -> list[Any]:
        return [m.body for m in self.said if isinstance(m.body, kind)]


def vote(i: int, kind: type[Prep | Ack], digest: bytes, epoch: int = 0, *, key: Key | None = None) -> Body:
    statement = prep_statement if kind is Prep else ack_statement
    signature = (key or KEYS[i]).sign(statement(QUESTION, epoch, digest))
    return kind(round=epoch, question=QUESTION, digest=digest, signature=signature)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("rule", ["byzantine", "crash"])
@pytest.mark.parametrize("one_phase", [False, True])
def test_members_that_hear_each_other_all_certify_the_cut_of_all_seals_at_once(
    n: int, rule: str, one_phase: bool
) -> None:
    hall = Hall(n, quorum_rule=rule, one_phase=one_phase)
    hall.finish(*range(n))
    hall.settle(*range(n))
    certificates = [member.certificate for member in hall.who]
    digests = {c.decided.digest() for c in certificates if c is not None}
    assert None not in certificates
    assert len(digests) == 1
    for certificate in certificates:
        assert certificate is not None
        assert certificate.decided.cut == heads_of(*range(n))
        assert verify_certificate(certificate, hall.members, decide=outcome).trusted
    assert len(hall.bodies(Claim)) == 1
    assert len(hall.bodies(Prep)) == (0 if one_phase else n)
    assert all(member.next_at == inf and member.is_over for member in hall.who)


def test_a_quorum_without_the_silent_certifies_after_a_grace_of_one_delay() -> None:
    hall = Hall(4)
    order = turns(QUESTION, 0, tuple(sorted(m.id for m in hall.members)))
    there = sorted(range(4), key=lambda i: order[KEYS[i].peer])[:3]
    hall.finish(*there)
    hall.settle(*there)
    assert not hall.bodies(Claim)
    assert min(hall.who[i].next_at for i in there) == 1.0
    hall.tick(*there, now=1.0)
    hall.settle(*there, now=1.0)
    assert all(hall.who[i].certificate is not None for i in there)


def test_the_next_in_turn_claims_when_the_first_is_silent() -> None:
    hall = Hall(4)
    order = turns(QUESTION, 0, tuple(sorted(m.id for m in hall.members)))
    there = sorted(range(4), key=lambda i: order[KEYS[i].peer])[1:]
    hall.finish(*there)
    hall.settle(*there)
    hall.tick(*there, now=1.5)
    assert not hall.bodies(Claim)
    hall.tick(*there, now=2.0)
    hall.settle(*there, now=2.0)
    assert len(hall.bodies(Claim)) == 1
    assert all(hall.who[i].certificate is not None for i in there)


def test_less_than_a_quorum_never_starts_a_clock_and_says_who_is_silent() -> None:
    hall = Hall(4)
    hall.finish(0, 1)
    hall.settle(0, 1)
    hall.tick(0, 1, now=1e9)
    assert [type(m.body) for m in hall.said] == [Seal, Seal]
    assert hall.who[0].next_at == inf
    assert [m.name for m in hall.who[0].progress().silent] == ["p2", "p3"]
    assert str(hall.who[0].progress()) == (
        "epoch 0: sealed 2, prepped 0, acked 0 of weight 4, needed 2.67; nothing from p2, p3"
    )


def test_no_quorum_in_time_leads_to_the_next_epoch_with_a_larger_cut() -> None:
    hall = Hall(4)
    hall.finish(0, 1, 2)
    hall.settle(0, 1, 2)  # nobody ticks, so nobody claims
    for i in (0, 1, 2):
        hall.publish(i, hall.who[i].finished(heads_of(i, number=2), 0.0))
    hall.finish(3)
    hall.tick(0, 1, 2, now=6.0)
    assert [hall.who[i].epoch for i in range(4)] == [1, 1, 1, 0]
    hall.settle(0, 1, 2, 3, now=6.0)
    hall.tick(0, 1, 2, 3, now=8.0)
    hall.settle(0, 1, 2, 3, now=8.0)
    certificate = hall.who[3].certificate
    assert certificate is not None
    assert certificate.epoch == 1
    assert {sequence for _, sequence, _ in certificate.decided.cut} == {1, 2}


def test_time_of_an_epoch_doubles() -> None:
    hall = Hall(1, decide=lacking)
    lengths: list[float] = []
    now = 0.0
    hall.finish(0)
    hall.settle(0)
    for epoch in range(4):
        assert hall.who[0].epoch == epoch
        began, now = now, hall.who[0].next_at
        lengths.append(now - began)
        hall.tick(0, now=now)
        hall.settle(0, now=now)
    assert lengths == [6.0, 12.0, 24.0, 48.0]


def test_a_member_signs_only_what_it_recomputed_and_does_so_when_the_messages_are_here() -> None:
    hall = Hall(4)
    missing = [True]

    def later(cut: Heads) -> bytes | None:
        return None if missing[0] else outcome(cut)

    hall.who[3] = hall.made(3, decide=later)
    hall.finish(0, 1, 3)
    hall.settle(0, 1, 3)
    hall.tick(0, 1, 3, now=4.0)
    hall.settle(0, 1, 3, now=4.0)
    assert {m.author for m in hall.said if isinstance(m.body, Prep)} == {KEYS[0].peer, KEYS[1].peer}
    missing[0] = False
    said = hall.who[3].retry(4.0)
    assert [type(body) for body in said] == [Prep]
    hall.publish(3, said)
    hall.settle(0, 1, 3, now=4.0)
    assert all(hall.who[i].certificate is not None for i in (0, 1, 3))


def test_who_comes_late_to_a_certificate_takes_it_and_says_nothing_more() -> None:
    hall = Hall(4)
    hall.finish(0, 1, 2, 3)
    hall.settle(0, 1, 2)
    for i in (0, 1, 2):
        hall.tick(i, now=3.0)
    hall.settle(0, 1, 2, now=3.0)
    assert hall.who[0].certificate is not None
    assert hall.who[3].resume(hall.said, 3.0) == []
    assert hall.who[3].certificate is not None


def test_a_rule_that_fails_on_a_cut_signs_nothing() -> None:
    def failing(cut: Heads) -> bytes:
        raise RunFailed("no such cut")

    hall = Hall(1, decide=failing)
    hall.finish(0)
    hall.settle(0)
    assert [type(m.body) for m in hall.said] == [Seal]


def claimed(hall: Hall, i: int, seals: Sequence[Message[Any]], epoch: int = 0, **unlock: Any) -> Message[Any]:
    """Publish a member's claim of what follows from these seals; it need not be its turn."""
    cut = cut_of_seals(m.body.heads for m in seals)
    digest = hall.who[i].decided(cut, outcome(cut)).digest()
    ids = tuple(sorted(m.id for m in seals))
    [message] = hall.publish(i, [Claim(round=epoch, seals=ids, digest=digest, **unlock)])
    return message


def test_a_false_digest_is_never_prepped() -> None:
    hall = Hall(4)
    hall.finish(0, 1, 2)
    hall.settle(0, 1, 2)
    ids = tuple(sorted(m.id for m in hall.said))
    hall.publish(3, [Claim(seals=ids, digest=bytes(32))])
    hall.settle(0, 1, 2)
    for i in (0, 1, 2):
        assert not [b for b in hall.who[i].tick(5.9) if isinstance(b, Prep) and b.digest == bytes(32)]


def test_a_claim_on_fewer_seals_than_a_quorum_is_never_prepped() -> None:
    hall = Hall(4)
    hall.finish(0, 1, 2)
    hall.settle(0, 1, 2)
    claim = claimed(hall, 3, hall.said[:2])
    for i in (0, 1, 2):
        said = [*hall.who[i].on(claim, 0.0), *hall.who[i].tick(5.9)]
        assert not [b for b in said if isinstance(b, Prep) and b.digest == claim.body.digest]


def test_a_member_preps_one_decision_an_epoch() -> None:
    hall = Hall(4)
    hall.finish(0, 1, 2, 3)
    seals = list(hall.said)
    hall.settle(0)
    prepped: list[Body] = []
    for i, some in enumerate((seals[:3], seals[1:], seals)):
        prepped += hall.who[0].on(claimed(hall, i + 1, some), 0.0)
        prepped += hall.who[0].tick(5.9)
    assert len([b for b in prepped if isinstance(b, Prep)]) <= 1


def locked(hall: Hall) -> tuple[bytes, list[Message[Any]]]:
    """Lock member 0 to the decision of the first three seals, in epoch 0; return its digest, and all seals."""
    hall.finish(0, 1, 2, 3)
    seals = list(hall.said)
    for seal in seals:
        hall.who[0].on(seal, 0.0)
    claim = claimed(hall, 1, seals[:3])
    said = [*hall.who[0].on(claim, 0.0), *hall.who[0].tick(5.0)]
    digest = claim.body.digest
    for i in (1, 2, 3):
        said += hall.who[0].on(hall.message(i, vote(i, Prep, digest)), 5.0)
    assert [b.digest for b in said if isinstance(b, Ack)] == [digest]
    return digest, seals


def to_epoch(hall: Hall, epoch: int, seals: Sequence[Message[Any]], now: float) -> None:
    for i in (1, 2, 3):
        hall.who[0].on(hall.message(i, Seal(round=epoch, heads=seals[i].body.heads)), now)
    hall.publish(0, [])
    for body in hall.who[0].tick(now):
        hall.who[0].on(hall.message(0, body), now)
    assert hall.who[0].epoch == epoch


def test_a_locked_member_preps_nothing_else_without_a_later_quorum() -> None:
    hall = Hall(4)
    digest, seals = locked(hall)
    to_epoch(hall, 1, seals, 100.0)
    other = claimed(hall, 2, seals, epoch=1)
    said = [*hall.who[0].on(other, 100.0), *hall.who[0].tick(111.0)]
    assert not [b for b in said if isinstance(b, Prep) and b.digest != digest]
    forged = tuple(sorted((KEYS[i].peer, bytes(64)) for i in (1, 2, 3)))
    to_epoch(hall, 3, seals, 200.0)
    shown = claimed(hall, 3, seals, epoch=3, unlock=forged, unlock_epoch=2)
    said = [*hall.who[0].on(shown, 200.0), *hall.who[0].tick(240.0)]
    assert not [b for b in said if isinstance(b, Prep) and b.digest != digest]


def signatures(digest: bytes, epoch: int) -> tuple[tuple[PeerId, bytes], ...]:
    statement = prep_statement(QUESTION, epoch, digest)
    return tuple(sorted((KEYS[i].peer, KEYS[i].sign(statement)) for i in (1, 2, 3)))


def test_a_quorum_from_a_later_epoch_than_the_lock_unlocks_a_member() -> None:
    hall = Hall(4)
    digest, seals = locked(hall)
    to_epoch(hall, 3, seals, 200.0)
    other = claimed(hall, 2, seals, epoch=2).body.digest
    shown = claimed(hall, 2, seals, epoch=3, unlock=signatures(other, 2), unlock_epoch=2)
    said = [*hall.who[0].on(shown, 200.0), *hall.who[0].tick(240.0)]
    assert other != digest
    assert [b.digest for b in said if isinstance(b, Prep)] == [other]


def test_a_quorum_from_the_epoch_of_the_lock_or_before_does_not_unlock() -> None:
    hall = Hall(4)
    digest, seals = locked(hall)
    to_epoch(hall, 3, seals, 200.0)
    other = claimed(hall, 2, seals, epoch=2).body.digest
    shown = claimed(hall, 2, seals, epoch=3, unlock=signatures(other, 0), unlock_epoch=0)
    said = [*hall.who[0].on(shown, 200.0), *hall.who[0].tick(240.0)]
    assert not [b for b in said if isinstance(b, Prep) and b.digest == other]
    assert hall.who[0]._ballots.lock == (0, digest)


def test_a_member_never_acks_an_epoch_before_the_one_it_prepped_in() -> None:
    hall = Hall(4)
    hall.finish(0, 1, 2, 3)
    seals = list(hall.said)
    for seal in seals:
        hall.who[0].on(seal, 0.0)
    early = claimed(hall, 1, seals[:3])
    hall.who[0].on(early, 0.0)
    to_epoch(hall, 1, seals, 100.0)
    late = claimed(hall, 2, seals, epoch=1)
    said = [*hall.who[0].on(late, 100.0), *hall.who[0].tick(111.0)]
    assert [b.digest for b in said if isinstance(b, Prep)] == [late.body.digest]
    for i in (1, 2, 3):
        assert not hall.who[0].on(hall.message(i, vote(i, Prep, early.body.digest)), 111.0)


def test_a_restarted_member_does_not_contradict_what_it_said_before() -> None:
    hall = Hall(4)
    hall.finish(0, 1, 2, 3)
    seals = list(hall.said)
    first, second = claimed(hall, 1, seals[:3]), claimed(hall, 2, seals)
    for m in seals:
        hall.who[0].on(m, 0.0)
    said = [b for m in (first, second) for b in hall.who[0].on(m, 0.0)] + hall.who[0].tick(5.0)
    mine = [b for b in said if isinstance(b, Prep)]
    assert len(mine) == 1
    other = second if mine[0].digest == first.body.digest else first
    again = hall.made(0)
    log = [other, *seals, *[hall.message(0, body) for body in said]]
    assert not [b for b in [*again.resume(log, 9.0), *again.tick(14.0)] if isinstance(b, Prep)]


def test_a_restarted_member_goes_on_in_the_epoch_in_which_it_stopped() -> None:
    hall = Hall(4)
    again = hall.made(0)
    again.resume([hall.message(0, vote(0, Prep, bytes(32), epoch=3))], 0.0)
    assert again.epoch == 3


def test_a_seal_that_names_what_is_not_there_cannot_make_an_honest_author_look_forked() -> None:
    real = {head[2] for i in range(4) for head in heads_of(i)}

    def decide(cut: Heads) -> bytes | None:
        return outcome(cut) if all(id in real for _, _, id in cut) else None

    hall = Hall(4, decide=decide)
    order = turns(QUESTION, 0, tuple(sorted(m.id for m in hall.members)))
    liar, victim, *rest = sorted(range(4), key=lambda i: order[KEYS[i].peer])
    there = (victim, *rest)
    author, number, _ = heads_of(victim)[0]
    hall.finish(*there)
    hall.publish(liar, [Seal(heads=((author, number, MessageId(bytes(32))),))])
    lie = claimed(hall, liar, hall.said)
    for now in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0):
        hall.tick(*there, now=now)
        hall.settle(*there, now=now)
    certificate = hall.who[victim].certificate
    assert certificate is not None
    assert certificate.decided.digest() != lie.body.digest
    assert certificate.decided.cut == heads_of(*there)


def test_an_author_that_really_forked_is_left_out_by_all() -> None:
    author, number, _ = heads_of(3)[0]
    branch: Heads = ((author, number, MessageId(bytes(32))),)
    hall = Hall(4)
    hall.finish(0, 1, 2, heads=lambda i: tuple(sorted([*heads_of(i), *(heads_of(3) if i else branch)])))
    hall.settle(0, 1, 2)
    hall.tick(0, 1, 2, now=3.0)
    hall.settle(0, 1, 2, now=3.0)
    certificate = hall.who[0].certificate
    assert certificate is not None
    assert certificate.decided.cut == heads_of(0, 1, 2)


def test_one_phase_has_one_epoch_and_may_end_without_a_decision() -> None:
    hall = Hall(4, one_phase=True)
    hall.finish(0, 1, 2, 3)
    seals = list(hall.said)
    for seal in seals:
        hall.who[0].on(seal, 0.0)
    assert not hall.who[0].is_over
    hall.tick(0, now=6.0)
    assert hall.who[0].is_over
    assert hall.who[0].certificate is None
    late = claimed(hall, 1, seals)
    assert [*hall.who[0].on(late, 6.0), *hall.who[0].tick(99.0)] == []
    assert hall.who[0].epoch == 0


def test_one_phase_acks_one_decision_and_no_preps_make_it_ack_another() -> None:
    hall = Hall(4, one_phase=True)
    hall.finish(0, 1, 2, 3)
    seals = list(hall.said)
    for seal in seals:
        hall.who[0].on(seal, 0.0)
    first, second = claimed(hall, 1, seals[:3]), claimed(hall, 2, seals)
    said = [b for m in (first, second) for b in hall.who[0].on(m, 0.0)] + hall.who[0].tick(5.0)
    for digest in (first.body.digest, second.body.digest):
        for i in (1, 2, 3):
            said += hall.who[0].on(hall.message(i, vote(i, Prep, digest)), 5.0)
    assert len([b for b in said if isinstance(b, Ack)]) == 1


def test_members_of_weight_0_and_strangers_have_no_say_and_can_follow() -> None:
    hall = Hall(4, weights=[1, 1, 0, 1])
    hall.finish(0, 1, 2, 3)
    assert [m.author for m in hall.said] == [KEYS[i].peer for i in (0, 1, 3)]
    hall.settle(0, 1, 2, 3)
    certificate = hall.who[2].certificate
    assert certificate is not None
    assert [m.name for m in certificate.members] == [
        m.name for m in sorted(hall.members, key=lambda m: m.id) if m.weight
    ]
    stranger = hall.message(7, vote(7, Ack, certificate.decided.digest()))
    assert hall.who[0].on(stranger, 0.0) == []


def test_a_forged_signature_or_another_question_counts_for_nothing() -> None:
    hall = Hall(4)
    digest = bytes(32)
    for body in (
        vote(1, Prep, digest, key=KEYS[2]),
        Prep(question=MessageId(bytes(32)), digest=digest, signature=vote(1, Prep, digest).signature),  # type: ignore[attr-defined]
        vote(1, Ack, digest, key=KEYS[2]),
    ):
        hall.who[0].on(hall.message(1, body), 0.0)
    assert hall.who[0].progress().prepped == hall.who[0].progress().acked == 0
    hall.who[0].on(hall.message(1, vote(1, Prep, digest)), 0.0)
    assert hall.who[0].progress().prepped == 1_000_000


def test_acks_of_different_epochs_are_no_certificate_together() -> None:
    hall = Hall(4)
    hall.finish(0, 1, 2, 3)
    for seal in list(hall.said):
        hall.who[0].on(seal, 0.0)
    claim = claimed(hall, 1, hall.said[:3])
    hall.who[0].on(claim, 0.0)
    for i, epoch in ((1, 0), (2, 1), (3, 2)):
        hall.who[0].on(hall.message(i, vote(i, Ack, claim.body.digest, epoch)), 0.0)
    assert hall.who[0].certificate is None
    for i in (2, 3):
        hall.who[0].on(hall.message(i, vote(i, Ack, claim.body.digest, 0)), 0.0)
    assert hall.who[0].certificate is not None


def test_heavy_members_decide_by_weight_and_not_by_heads() -> None:
    hall = Hall(5, weights=[8_000_000, 1, 1, 1, 1])
    hall.finish(0)
    hall.settle(0)
    hall.tick(0, now=5.0)
    hall.settle(0, now=5.0)
    assert hall.who[0].certificate is not None


@given(seed=st.integers(0, 2**32))
def test_order_and_repeats_of_messages_do_not_change_what_is_certified(seed: int) -> None:
    hall = Hall(4)
    hall.finish(*range(4))
    hall.settle(*range(4))
    rng = Random(seed)
    heard = hall.said * 2
    rng.shuffle(heard)
    follower = hall.made(0)
    for message in [*heard, hall.message(5, Note(about="x", text="")), *heard]:
        follower.on(message, 0.0)
    first, again = hall.who[0].certificate, follower.certificate
    assert first is not None
    assert again is not None
    assert first.decided == again.decided
    assert conflict(first, again) is None


def test_turns_are_a_new_order_in_every_epoch_and_favour_nobody() -> None:
    voters = tuple(sorted(local_peer_id(f"p{i}") for i in range(4)))
    firsts = [min(turns(QUESTION, epoch, voters).items(), key=lambda item: item[1])[0] for epoch in range(400)]
    assert sorted(turns(QUESTION, 0, voters).values()) == [0, 1, 2, 3]
    assert all(60 < firsts.count(voter) < 140 for voter in voters)


@pytest.mark.parametrize("delay_s", [0.0, -1.0, inf, float("nan")])
def test_a_delay_that_is_no_time_is_refused(delay_s: float) -> None:
    with pytest.raises(UsageError, match="delay_s"):
        Certifier(KEYS[0].peer, KEYS[0].sign, QUESTION, (Member(KEYS[0].peer, "a"),), "crash", outcome, "r", {},
                  delay_s=delay_s)  # fmt: skip


def test_too_many_voters_and_params_of_ours_are_refused() -> None:
    many = tuple(Member(local_peer_id(str(i)), str(i)) for i in range(401))
    with pytest.raises(UsageError, match="at most 400"):
        Certifier(KEYS[0].peer, KEYS[0].sign, QUESTION, many, "byzantine", outcome, "r", {})
    with pytest.raises(UsageError, match="filled in here"):
        Certifier(KEYS[0].peer, KEYS[0].sign, QUESTION, many[:1], "byzantine", outcome, "r", {"quorum": "crash"})
