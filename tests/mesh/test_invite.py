"""An invite brings in whom it was given to, once, in time, and not when a single bit of it was changed."""

from __future__ import annotations

import base64
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, Key, Member, PeerId, UsageError
from waggledance.mesh import Genesis, HeldInvite, InviteRefused, Limits, check_issuer, new_invite, read_invite

ADA, BEN, EVE = (Key(bytes([n]) * 32) for n in (1, 2, 3))
NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
GENESIS = Genesis(name="bees", members=(Member(ADA.peer, "ada"), Member(BEN.peer, "ben", 0)))
ENDPOINTS = ("tcp/192.0.2.1:7447", "tcp/198.51.100.7:7447", "tls/[2001:db8::1]:7447")


def issued(issuer: Key = ADA, **how: Any) -> HeldInvite:
    asked: dict[str, Any] = {"endpoints": ENDPOINTS, "now_ms": NOW_MS, **how}
    return new_invite(issuer, GENESIS, **asked)


def test_what_was_issued_is_read_again() -> None:
    held = issued(weight=UNIT, guest="Clea")
    assert read_invite(held.text, now_ms=NOW_MS) == held
    assert held.invite.endpoints == ENDPOINTS
    assert held.invite.not_after_ms == NOW_MS + 7 * DAY_MS


def test_line_breaks_and_spaces_of_a_mail_do_no_harm() -> None:
    held = issued()
    folded = "\r\n  ".join(held.text[i : i + 60] for i in range(0, len(held.text), 60))
    assert read_invite(f"\n {folded} \n", now_ms=NOW_MS) == held


def test_the_proof_is_the_guests_alone() -> None:
    held = issued()
    proof = held.proof(EVE.peer)
    assert held.invite.brings(EVE.peer, proof)
    assert not held.invite.brings(BEN.peer, proof)
    assert not held.invite.brings(EVE.peer, bytes(64))
    assert not held.invite.brings(EVE.peer, issued().proof(EVE.peer))


def test_a_join_shows_nothing_that_lets_somebody_else_use_the_invite() -> None:
    held = issued()
    assert held.secret not in msgspec.msgpack.encode((held.invite, held.proof(EVE.peer)))
    assert held.secret.hex() not in repr(held) + repr(held.invite)


def test_a_flipped_bit_anywhere_is_garbled() -> None:
    plain = issued(guest="Clea").text
    head, body = plain.split(":")
    packed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    for place, bit in product(range(len(packed)), range(8)):
        changed = bytearray(packed)
        changed[place] ^= 1 << bit
        text = f"{head}:{base64.urlsafe_b64encode(changed).decode().rstrip('=')}"
        with pytest.raises(InviteRefused, match="garbled"):
            read_invite(text, now_ms=NOW_MS)


@settings(max_examples=150)
@given(where=st.floats(0, 1), cut=st.integers(0, 4), put=st.text(max_size=4))
def test_a_mistyped_invite_is_the_same_or_garbled(where: float, cut: int, put: str) -> None:
    held = issued()
    at = int(where * len(held.text))
    text = held.text[:at] + put + held.text[at + cut :]
    if "".join(text.split()) == held.text:
        assert read_invite(text, now_ms=NOW_MS) == held
    else:
        with pytest.raises(InviteRefused, match="garbled"):
            read_invite(text, now_ms=NOW_MS)


@settings(max_examples=150)
@given(
    text=st.one_of(st.text(max_size=300), st.binary(max_size=300).map(lambda b: base64.urlsafe_b64encode(b).decode()))
)
def test_no_text_crashes_the_reader(text: str) -> None:
    for candidate in (text, f"waggle-invite:{text}"):
        with pytest.raises(InviteRefused):
            read_invite(candidate, now_ms=NOW_MS)


@settings(max_examples=150)
@given(
    value=st.recursive(
        st.none() | st.integers(-5, 2**64 - 1) | st.binary(max_size=64) | st.text(max_size=8) | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    )
)
def test_no_packed_value_crashes_the_reader(value: object) -> None:
    text = base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).decode().rstrip("=")
    with pytest.raises(InviteRefused, match="garbled"):
        read_invite(f"waggle-invite:{text}", now_ms=NOW_MS)


def test_megabytes_are_refused_before_they_are_read() -> None:
    with pytest.raises(InviteRefused, match="garbled"):
        read_invite("waggle-invite:" + "A" * 10_000_000, now_ms=NOW_MS)


def test_an_expired_invite_names_both_clocks() -> None:
    held = issued(days=1)
    assert read_invite(held.text, now_ms=NOW_MS + DAY_MS) == held
    with pytest.raises(InviteRefused, match=r"expired.*2026-09-22 14:13 UTC.*2026-09-22 14:14 UTC.*1 minutes later"):
        read_invite(held.text, now_ms=NOW_MS + DAY_MS + 60_000)


def test_a_clock_two_years_off_is_suspected_aloud() -> None:
    with pytest.raises(
        InviteRefused, match=r"the clock here says 2028-.*2 years later. If one of the two clocks is wr"
    ):
        read_invite(issued().text, now_ms=NOW_MS + 740 * DAY_MS)
    behind = read_invite(issued().text, now_ms=NOW_MS - 740 * DAY_MS)
    assert behind.invite.expiry(NOW_MS - 740 * DAY_MS) is None


def test_the_guest_checks_the_issuer_once_it_knows_the_members() -> None:
    held = issued(EVE)
    check_issuer(issued().invite, GENESIS.swarm, [ADA.peer])
    with pytest.raises(InviteRefused, match=r"issuer-unknown.*no member of 'bees'"):
        check_issuer(held.invite, GENESIS.swarm, [ADA.peer, BEN.peer])
    other = Genesis(name="wasps", members=GENESIS.members)
    with pytest.raises(InviteRefused, match="other-swarm"):
        check_issuer(held.invite, other.swarm, [EVE.peer])


def test_attack_d4_endpoints_exchanged_on_the_way_are_noticed() -> None:
    held = issued()
    elsewhere = msgspec.structs.replace(held.invite, endpoints=("tcp/203.0.113.66:7447",))
    with pytest.raises(InviteRefused, match="changed on its way"):
        read_invite(HeldInvite(elsewhere, held.secret).text, now_ms=NOW_MS)


def test_attack_d14_an_invite_of_the_identity_point_holds_for_nobody() -> None:
    identity = PeerId(bytes([1]) + bytes(31))
    forged = msgspec.structs.replace(issued().invite, issuer=identity, signature=bytes([1]) + bytes(63))
    assert not forged.holds()
    nonce = msgspec.structs.replace(issued().invite, nonce=identity)
    assert not nonce.brings(EVE.peer, bytes([1]) + bytes(63))


@pytest.mark.parametrize(
    ("issuer", "how", "says"),
    [
        (BEN, {"weight": -1}, ">= 0"),
        (EVE, {"weight": 1}, "only founders' invites grant a vote"),
        (ADA, {"weight": UNIT + 1}, "may grant 1000000 in all"),
        (ADA, {"days": 0}, "one day or more"),
        (ADA, {"guest": "a#b"}, "no '#'"),
        (ADA, {"guest": "\u202eada"}, "visible"),
        (ADA, {"endpoints": ["tcp/x"] * 9}, "length <= 8"),
        (ADA, {"endpoints": [""]}, "length >= 1"),
        (ADA, {"endpoints": ["tcp/\x1b[2J"]}, "plain ASCII"),
        (ADA, {"now_ms": -1}, ">= 0"),
        (ADA, {"days": 10**9}, "<= 1407"),
    ],
)
def test_a_senseless_invite_is_not_issued(issuer: Key, how: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        issued(issuer, **how)


def test_a_closed_swarm_invites_nobody() -> None:
    closed = msgspec.structs.replace(GENESIS, admission="closed", limits=Limits())
    with pytest.raises(UsageError, match="closed"):
        new_invite(ADA, closed, endpoints=(), now_ms=NOW_MS)
