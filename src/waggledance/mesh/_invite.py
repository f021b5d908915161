"""An invite: one line of text that brings one peer into a swarm.

    waggle-invite:<base64url of [canonical MessagePack of the invite, secret]>

An invite is signed by the member who issues it and holds a key of its own, made for this one use. The guest proves with
that key's secret that the invite was given to it, and publishes the proof and never the secret: so everybody who sees
a join can check it, and nobody who sees it can use the invite again. Whoever reads the *text* can use it, once: send it
as you would send a password.

An invite names the swarm by its id, so the genesis may be taken from anyone and checked. The endpoints in it are a
start and nothing that is believed: give several, by different people, so that no one of them can hide the others.
Source: the project's card `threats`, D3 (Sybils come in by members only), D4 (several seeds, a signed list), D9.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from blake3 import blake3

from waggledance.core import Key, MessageId, PeerId, SwarmId, UsageError, show, signature_holds
from waggledance.mesh._genesis import MAX_WEIGHT, Genesis
from waggledance.mesh._names import check_file_name, check_shown_name

PREFIX = "waggle-invite:"
MAX_INVITE_CHARS = 8_192
MAX_ENDPOINTS = 8
DAY_MS = 24 * 3_600 * 1_000

_SIGNED = b"waggle/invite/1\0"
_PROVED = b"waggle/guest/1\0"

Trouble = Literal["garbled", "expired", "issuer-unknown", "other-swarm"]

_Key = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Moment = Annotated[int, msgspec.Meta(ge=0, lt=2**47)]
"""Milliseconds since 1970, up to the year 6429, so that every one has a date."""


class InviteRefused(UsageError):
    """An invite that cannot be used; `reason` is one of `Trouble`."""

    def __init__(self, reason: Trouble, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return f"this invite cannot be used ({self.reason}): {self.detail}"


class Invite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a member has signed for one guest. Make one with `new_invite`, read one with `read_invite`."""

    swarm: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    swarm_name: str
    endpoints: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=256)], ...], msgspec.Meta(max_length=MAX_ENDPOINTS)
    ]
    """Where members may be reached, such as ``"tcp/192.0.2.1:7447"``."""
    issuer: _Key
    nonce: _Key
    """The public half of the invite's own key: what tells it from all others."""
    weight: Annotated[int, msgspec.Meta(ge=0, le=MAX_WEIGHT)] = 0
    """Voting weight it grants, in parts per million; 0 to ask and answer without a vote."""
    guest: str = ""
    """The guest's name, if the issuer chose it; else the guest chooses."""
    issued_ms: _Moment
    not_after_ms: _Moment
    """Both by the issuer's clock, since 1970. No decision reads them: see `expiry`."""
    signature: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)] = bytes(64)

    def __post_init__(self) -> None:
        check_file_name("swarm", self.swarm_name)
        if self.guest:
            check_shown_name(self.guest)
        if not all(endpoint.isascii() and endpoint.isprintable() for endpoint in self.endpoints):
            raise UsageError(
                f"an endpoint is plain ASCII text, such as tcp/192.0.2.1:7447; got {self.endpoints!r:.200}"
            )

    def holds(self) -> bool:
        """Return whether its issuer signed exactly this."""
        return signature_holds(PeerId(self.issuer), digest_of_invite(self), self.signature)

    def brings(self, guest: PeerId, proof: bytes) -> bool:
        """Return whether `proof` shows that `guest` was given this invite, and that it holds."""
        return signature_holds(PeerId(self.nonce), _proof_of(self, guest), proof) and self.holds()

    def expiry(self, now_ms: int) -> str | None:
        """Return why the invite may not be used now, in a sentence that names both clocks; None when it may.

        The member who first lets the guest's join in asks this, of its own clock. Nobody else does, because clocks
        differ and who belongs to a swarm may not depend on them.
        """
        if now_ms <= self.not_after_ms:
            return None
        late = timedelta(milliseconds=now_ms - self.not_after_ms)
        return (
            f"it was issued at {_date(self.issued_ms)} by the issuer's clock and was good until "
            f"{_date(self.not_after_ms)}; the clock here says {_date(now_ms)}, which is {_span(late)} later. "
            "If one of the two clocks is wrong, set it; otherwise ask for a new invite"
        )


class HeldInvite(msgspec.Struct, frozen=True):
    """An invite and the secret that lets one use it."""

    invite: Invite
    secret: bytes

    @property
    def text(self) -> str:
        """The one line to send to the guest."""
        packed = _canonical((self.invite, self.secret))
        return PREFIX + urlsafe_b64encode(packed).decode().rstrip("=")

    def proof(self, guest: PeerId) -> bytes:
        """Return the 64 bytes that show that `guest` was given this invite."""
        return Key(self.secret).sign(_proof_of(self.invite, guest))

    def __repr__(self) -> str:
        return f"HeldInvite(invite={self.invite!r})"


def new_invite(
    issuer: Key,
    genesis: Genesis,
    *,
    endpoints: Sequence[str],
    now_ms: int,
    days: int = 7,
    weight: int = 0,
    guest: str = "",
) -> HeldInvite:
    """Issue an invite for one peer.

    Args:
        issuer: a member's key; that it is a member by then is looked at when the guest joins.
        genesis: the swarm's.
        endpoints: where members may be reached, at most 8; better three than one.
        now_ms: wall time of the issuer, milliseconds since 1970.
        days: how long it is good, ≥ 1.
        weight: voting weight to grant, in parts per million; only founders can grant any.
        guest: the name under which the guest joins; empty to let it choose.

    Raises:
        UsageError: nobody can join this swarm, or one of these is out of range.
    """
    if genesis.admission == "closed":
        raise UsageError(f"swarm {genesis.name!r} is closed: its founders are all it will ever have")
    if weight and genesis.founder(issuer.peer) is None:
        raise UsageError(f"{show(issuer.peer)} did not found {genesis.name!r}, and only founders' invites grant a vote")
    if weight > genesis.limits.granted_weight:
        raise UsageError(
            f"a founder of {genesis.name!r} may grant {genesis.limits.granted_weight} in all, not {weight}"
        )
    if days < 1:
        raise UsageError(f"an invite is good for one day or more, not {days}")
    secret = secrets.token_bytes(32)
    try:
        blank = msgspec.convert(
            {
                "swarm": genesis.swarm,
                "swarm_name": genesis.name,
                "endpoints": tuple(endpoints),
                "issuer": issuer.peer,
                "nonce": Key(secret).peer,
                "weight": weight,
                "guest": guest,
                "issued_ms": now_ms,
                "not_after_ms": now_ms + days * DAY_MS,
            },
            Invite,
        )
    except msgspec.ValidationError as why:
        raise UsageError(f"such an invite cannot be issued: {why}") from why
    return HeldInvite(msgspec.structs.replace(blank, signature=issuer.sign(digest_of_invite(blank))), secret)


def read_invite(text: str, *, now_ms: int) -> HeldInvite:
    """Read an invite's text; line breaks and spaces that a mail has put into it do no harm.

    Args:
        text: as `HeldInvite.text` gives it.
        now_ms: wall time of the reader, milliseconds since 1970.

    Raises:
        InviteRefused: it is garbled (cut off, changed in a single bit, of a newer version) or expired.
    """
    plain = "".join(text[: 2 * MAX_INVITE_CHARS].split())
    if not plain.startswith(PREFIX) or len(plain) > MAX_INVITE_CHARS:
        raise InviteRefused(
            "garbled", f"it has to begin with {PREFIX} and have at most {MAX_INVITE_CHARS:,} characters"
        )
    body = plain[len(PREFIX) :]
    try:
        packed = urlsafe_b64decode(body.encode("ascii") + b"=" * (-len(body) % 4))
        invite, secret = msgspec.msgpack.decode(packed, type=tuple[Invite, _Key])
    except (binascii.Error, UnicodeError, ValueError, msgspec.DecodeError) as why:
        raise InviteRefused("garbled", f"{_ASK_AGAIN} ({why})") from why
    held = HeldInvite(invite, secret)
    if held.text != plain or Key(secret).peer != invite.nonce or not invite.holds():
        raise InviteRefused("garbled", f"{_ASK_AGAIN}, or was changed on its way")
    expiry = invite.expiry(now_ms)
    if expiry is not None:
        raise InviteRefused("expired", expiry)
    return held


def check_issuer(invite: Invite, swarm: SwarmId, members: Sequence[PeerId] | frozenset[PeerId]) -> None:
    """Check what a guest can check once it knows the swarm: that it is this one, and that the issuer belongs to it.

    Raises:
        InviteRefused: with reason ``other-swarm`` or ``issuer-unknown``.
    """
    if invite.swarm != swarm:
        raise InviteRefused("other-swarm", f"it is for {invite.swarm.hex()}, and this is {swarm.hex()}")
    if invite.issuer not in members:
        raise InviteRefused(
            "issuer-unknown",
            f"it was issued by {show(invite.issuer)}, who is no member of {invite.swarm_name!r} (or no more). "
            "Ask a member for one",
        )


_ASK_AGAIN = "it was cut off or mistyped; copy the whole line, or ask for it again"
_canonical = msgspec.msgpack.Encoder(order="sorted").encode


def digest_of_invite(invite: Invite) -> MessageId:
    """Return what an invite's issuer signs: its hash without a signature."""
    blank = msgspec.structs.replace(invite, signature=bytes(64))
    return MessageId(blake3(_SIGNED + _canonical(blank)).digest())


def _proof_of(invite: Invite, guest: PeerId) -> MessageId:
    return MessageId(blake3(_PROVED + invite.swarm + guest).digest())


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(length: timedelta) -> str:
    days = length.days
    if days >= 730:
        return f"{days // 365} years"
    if days >= 2:
        return f"{days} days"
    return f"{int(length.total_seconds() // 60)} minutes"
