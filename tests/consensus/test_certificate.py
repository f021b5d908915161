"""Certificates as texts: they travel, are checked offline, and every change to them is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import (
    Certificate,
    CertificateInvalid,
    Decided,
    Heads,
    answer_in,
    conflict,
    members_hash,
    outcome_of_decision,
    verify_certificate,
)
from waggledance.consensus._certificate_bodies import Signatures, ack_statement, prep_statement
from waggledance.core import (
    Decision,
    Key,
    Member,
    Message,
    MessageId,
    Opening,
    Question,
    UsageError,
    local_peer_id,
    swarm_id,
)
from waggledance.core._message import compose

KEYS = sorted([Key(blake3(b"certificate %d" % i).digest()) for i in range(7)], key=lambda key: key.peer)
MEMBERS = tuple(Member(key.peer, f"p{i}", 1_000_000) for i, key in enumerate(KEYS[:4]))


def opening(text: str = "What is 17 - 8?") -> Message[Opening]:
    body = Opening(question=Question(text=text), members=MEMBERS, rule="majority")
    return compose(KEYS[0].peer, body, 1, None, (), 1, 0, swarm_id("bees"), "q1")[0]


def decided(key: str = "9", *, members: tuple[Member, ...] = MEMBERS, **changed: Any) -> Decided:
    outcome = outcome_of_decision(Decision(status="decided", key=key, rule="majority"))
    cut: Heads = ((KEYS[0].peer, 1, opening().id),)
    fields: dict[str, Any] = {
        "question": opening().id, "rule": "majority", "params": {"quorum": "byzantine", "phases": "2"}, "cut": cut,
        "members": members_hash(members), "outcome": outcome, **changed,
    }  # fmt: skip
    return Decided(**fields)


def signed(by: tuple[int, ...], what: Decided, epoch: int = 0) -> Signatures:
    statement = ack_statement(what.question, epoch, what.digest())
    return tuple(sorted((KEYS[i].peer, KEYS[i].sign(statement)) for i in by))


def made(by: tuple[int, ...] = (0, 1, 2), what: Decided | None = None, epoch: int = 0, **changed: Any) -> Certificate:
    what = decided() if what is None else what
    fields: dict[str, Any] = {"decided": what, "epoch": epoch, "acks": signed(by, what, epoch), "members": MEMBERS}
    return Certificate(**{**fields, **changed})


def knowing(outcome: bytes | None) -> Callable[[Heads], bytes | None]:
    def decide(cut: Heads) -> bytes | None:
        return outcome

    return decide


def reason(certificate: Certificate, *args: Any, **options: Any) -> str:
    with pytest.raises(CertificateInvalid) as caught:
        verify_certificate(certificate, *args, **options)
    assert "proves nothing" in str(caught.value)
    return caught.value.reason


def test_a_certificate_is_checked_with_public_keys_only_and_says_what_it_proves() -> None:
    verified = verify_certificate(made().about(opening()), MEMBERS)
    assert verified.answer == "9"
    assert verified.weight == 3_000_000
    assert verified.trusted
    assert not verified.recomputed
    assert str(verified).startswith("certified: 9\n")
    assert "signed by p0, p1, p2" in str(verified)
    assert "compare their keys" in str(verify_certificate(made()))


def test_a_quorum_is_needed_and_the_weightless_add_nothing() -> None:
    assert reason(made((0, 1))) == "quorum"
    ones = tuple(Member(m.id, m.name, 1) for m in MEMBERS)
    assert reason(made((0, 1), decided(members=ones), members=ones)) == "quorum"
    assert verify_certificate(made((0, 1, 2), decided(members=ones), members=ones)).weight == 3
    members = (*MEMBERS[:3], Member(KEYS[3].peer, "p3", 0))
    what = decided(members=members)
    assert reason(made((0, 1, 3), what, members=members)) == "stranger"
    assert reason(made((0, 1, 5))) == "stranger"


@pytest.mark.parametrize("rule", ["byzantine", "crash"])
def test_what_was_signed_under_one_quorum_rule_is_no_certificate_under_another(rule: str) -> None:
    crash = decided(params={"quorum": "crash", "phases": "2"})
    assert verify_certificate(made((0, 1, 2), crash)).quorum.rule == "crash"
    other = decided(params={"quorum": rule, "phases": "1"})
    assert reason(made((0, 1, 2), decided(), acks=signed((0, 1, 2), other))) == "signature"


def test_preps_are_no_acks_and_acks_of_another_epoch_do_not_count() -> None:
    statement = prep_statement(decided().question, 0, decided().digest())
    preps = tuple(sorted((KEYS[i].peer, KEYS[i].sign(statement)) for i in (0, 1, 2)))
    assert reason(made(acks=preps)) == "signature"
    assert reason(made(acks=signed((0, 1, 2), decided(), epoch=1))) == "signature"


def test_one_phase_has_one_epoch() -> None:
    one = decided(params={"quorum": "byzantine", "phases": "1"})
    assert verify_certificate(made(what=one)).epoch == 0
    assert reason(made(what=one, epoch=1)) == "malformed"


@pytest.mark.parametrize("params", [{}, {"quorum": "all", "phases": "2"}, {"quorum": "crash"}])
def test_a_certificate_that_does_not_say_what_it_counts_proves_nothing(params: dict[str, str]) -> None:
    assert reason(made(what=decided(params=params))) == "malformed"


def test_other_members_or_weights_than_the_trusted_ones_are_refused() -> None:
    heavier = (*MEMBERS[:3], Member(KEYS[3].peer, "p3", 2_000_000))
    assert reason(made(), heavier) == "members"
    assert reason(made(), MEMBERS[:3]) == "members"
    assert reason(made(members=heavier)) == "members"
    assert reason(made(members=(*MEMBERS, MEMBERS[0]))) == "members"
    assert reason(made(members=())) == "members"
    renamed = tuple(Member(m.id, "?", m.weight) for m in reversed(MEMBERS))
    assert verify_certificate(made(), (*renamed, Member(KEYS[5].peer, "guest", 0))).trusted
    with pytest.raises(UsageError):
        verify_certificate(made(), ())


def test_signers_have_the_names_by_which_the_reader_knows_them() -> None:
    lying = tuple(Member(m.id, "the bank", m.weight) for m in MEMBERS)
    verified = verify_certificate(made(members=lying), MEMBERS)
    assert [m.name for m in verified.signers] == ["p0", "p1", "p2"]


def test_a_signature_twice_is_refused() -> None:
    acks = signed((0, 1), decided())
    assert reason(made(acks=(*acks, acks[0]))) == "malformed"


def test_the_outcome_is_recomputed_where_the_messages_are_at_hand() -> None:
    assert verify_certificate(made(), decide=knowing(decided().outcome)).recomputed
    assert reason(made(), decide=knowing(None)) == "incomplete"
    assert reason(made(), decide=knowing(decided("8").outcome)) == "outcome"


def test_the_question_in_it_is_the_one_that_was_signed() -> None:
    with pytest.raises(UsageError, match="not the message"):
        made().about(opening("What is 17 - 9?"))
    assert reason(made(opening=b"\x80")) == "question"
    other = msgspec.structs.replace(made(), opening=made(what=decided()).about(opening()).opening + b"\0")
    assert reason(other) == "question"


def test_a_certificate_comes_back_from_its_text_and_reads_well() -> None:
    certificate = made().about(opening())
    text = certificate.to_json()
    assert Certificate.from_json(text) == certificate
    assert Certificate.from_json(made().to_json()) == made()
    read = json.loads(text)
    assert read["schema"] == "waggledance/certificate/1"
    assert (read["question"], read["answer"], read["channel"]) == ("What is 17 - 8?", "9", "q1")
    assert read["digest"] == certificate.decided.digest().hex()
    assert Certificate.from_json(text).to_json() == text


@pytest.mark.parametrize("weight", [2**63, 2**64, 10**40])
def test_a_weight_that_no_member_can_have_makes_a_certificate_of_nobody(weight: int) -> None:
    read = json.loads(made().to_json())
    read["members"][0]["weight"] = weight
    with pytest.raises(CertificateInvalid) as caught:
        verify_certificate(Certificate.from_json(json.dumps(read)))
    assert caught.value.reason == "members"


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(read: Any) -> None:
        for key in path[:-1]:
            read = read[key]
        read[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (put("answer", value="8"), "answer"),
        (put("question", value="What is 17 - 9?"), "question"),
        (put("channel", value="q2"), "question"),
        (put("swarm", value="00" * 16), "question"),
        (put("opening", value=None), "question"),
        (put("digest", value="00" * 32), "malformed"),
        (put("schema", value="waggledance/certificate/2"), "malformed"),
        (put("epoch", value=-1), "malformed"),
        (put("epoch", value=2**70), "malformed"),
        (put("extra", value=1), "malformed"),
        (put("acks", 0, 1, value="00" * 63), "malformed"),
        (put("acks", 0, 0, value="zz"), "malformed"),
        (put("decision", "question", value="00"), "malformed"),
        (put("decision", "outcome", value="AB"), "malformed"),
        (put("decision", "cut", 0, 1, value=0), "malformed"),
        (put("decision", "rule", value="borda"), "malformed"),
        (put("members", 0, "weight", value="NaN"), "malformed"),
    ],
)
def test_a_text_that_was_changed_is_refused(change: Callable[[dict[str, Any]], None], why: str) -> None:
    read = json.loads(made().about(opening()).to_json())
    change(read)
    with pytest.raises(CertificateInvalid) as caught:
        Certificate.from_json(json.dumps(read))
    assert caught.value.reason == why


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", "[" * 100_000, b"\xff\xfe", "NaN", " " * (8 * 1024 * 1024 + 1)]
)
def test_what_is_no_certificate_is_refused(text: str | bytes) -> None:
    with pytest.raises(CertificateInvalid) as caught:
        Certificate.from_json(text)
    assert caught.value.reason == "malformed"


@given(at=st.integers(0), to=st.characters(codec="ascii"))
def test_no_changed_character_verifies_as_something_else(at: int, to: str) -> None:
    text = made().about(opening()).to_json()
    at %= len(text)
    changed = text[:at] + to + text[at + 1 :]
    try:
        verified = verify_certificate(Certificate.from_json(changed), MEMBERS)
    except CertificateInvalid:
        return
    assert (verified.answer, verified.digest) == ("9", decided().digest())


def test_two_certificates_in_one_epoch_prove_who_lied() -> None:
    a, b = made((0, 1, 2)), made((1, 2, 3), decided("8"))
    found = conflict(a, b, MEMBERS)
    assert found is not None
    assert [m.name for m in found.liars] == ["p1", "p2"]
    assert "each of them lied" in str(found)
    assert "1,333,333 broke the rules" in str(found)
    assert conflict(b, a, MEMBERS) == found


def test_two_certificates_of_different_epochs_prove_too_many_liars_and_name_none() -> None:
    found = conflict(made((0, 1, 2)), made((1, 2, 3), decided("8"), epoch=2))
    assert found is not None
    assert [m.name for m in found.signed_both] == ["p1", "p2"]
    assert found.liars == ()
    assert "cannot be told" in str(found)


def test_certificates_that_agree_or_are_of_different_questions_do_not_conflict() -> None:
    assert conflict(made((0, 1, 2)), made((1, 2, 3), epoch=3)) is None
    assert conflict(made(), made(what=decided("8", question=MessageId(bytes(32))))) is None
    with pytest.raises(CertificateInvalid):
        conflict(made(), made((0,), decided("8")))


def test_certificates_of_different_members_blame_who_named_the_members() -> None:
    few = MEMBERS[:3]
    found = conflict(made(), made((0, 1, 2), decided("8", members=few), members=few))
    assert found is not None
    assert "different members" in str(found)


def test_any_difference_in_a_decision_changes_its_digest() -> None:
    variants = [
        decided(), decided("8"), decided(rule="borda"), decided(params={"quorum": "crash", "phases": "2"}),
        decided(question=MessageId(bytes(32))), decided(cut=()), decided(members=MEMBERS[:3]), decided(outcome=b""),
    ]  # fmt: skip
    assert len({one.digest() for one in variants}) == len(variants)
    assert decided(params={"phases": "2", "quorum": "byzantine"}).digest() == decided().digest()


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": bytes(64 * 1024 + 1)},
        {"question": b""},
        {"rule": "cafe\u0301"},
        {"cut": ((KEYS[1].peer, 1, MessageId(bytes(32))), (KEYS[0].peer, 1, MessageId(bytes(32))))},
        {"cut": ((KEYS[0].peer, 0, MessageId(bytes(32))),)},
    ],
)
def test_a_decision_that_cannot_be_is_not_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        decided(**wrong)


def test_an_outcome_holds_its_answer_and_foreign_bytes_hold_none() -> None:
    assert answer_in(outcome_of_decision(Decision(status="undecided", key=None))) is None
    assert answer_in(outcome_of_decision(Decision(status="decided", key="über"))) == "über"
    for foreign in (b"", b"\xc1", bytes(32), outcome_of_decision(Decision(status="decided", key="4")) + b"\0"):
        assert answer_in(foreign) is None


def test_names_and_the_weightless_do_not_change_who_the_members_are() -> None:
    a, b = local_peer_id("a"), local_peer_id("b")
    assert members_hash([Member(a, "a", 1), Member(b, "b", 0)]) == members_hash([Member(a, "z", 1)])
    assert members_hash([Member(a, "a", 1)]) != members_hash([Member(a, "a", 2)])
