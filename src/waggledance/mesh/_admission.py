"""Who belongs to a swarm: a pure function of its genesis and of what was said in its lobby.

The messages are gone through in one order, by logical clock and then by id, so the same set gives the same members on
every peer, in whatever order it came. No clock is read. At each message the members *by then* count:

    join    closed   nobody comes in.
            invited  admitted once the invite's issuer is a member, with the weight that the invite grants if the issuer
                     is a founder and grants no more than the genesis allows, with weight 0 if it is not.
            quorum   the invite brings the join to the table; members with a quorum of the weight admit it.
    admit   once members with a quorum of the weight say the same weight, the peer has it (not if closed).
    leave   final for this key.
    revoke  once two members or more, with a quorum of the weight, say so. Weight that the accused has granted does not
            count, so nobody can lend votes to keep itself in. Whoever came in on its invites stays if more weight than
            may lie had seen the join by then; others go too, so a stolen key cannot date invites back.

Who waits, waits until more others have asked since on the same member's invites than that member may bring in; a key
asks four times at most. An invite brings in one key: of several joins with one invite the first in the order counts. Of
an author who equivocates in the lobby, nothing from the doubled message on counts.
Source: the project's network specification, §2 (forks), §3 (membership), §5.2 (quorums); card `threats`, D3, D14.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from waggledance.core import Member, Message, PeerId, show
from waggledance.mesh._admission_bodies import Join
from waggledance.mesh._admission_fold import JOINS_A_GUEST, Fold, asks_too_often, invite_holds
from waggledance.mesh._genesis import Genesis


@dataclass(frozen=True, slots=True)
class Membership:
    """Who belongs to a swarm by some set of messages, and what became of everybody who asked."""

    genesis: Genesis
    members: Mapping[PeerId, Member]
    """By id; the names in it are told apart: the second `ada` is shown as ``ada#1f2e``."""
    asked: tuple[Message[Join], ...]
    """Joins that wait, in the fold's order: for their issuer to be a member, for room, or for a quorum."""
    refused: tuple[tuple[PeerId, str], ...]
    """Joins that do not count, and why, in the fold's order."""
    left: frozenset[PeerId]
    revoked: Mapping[PeerId, tuple[str, ...]]
    """By id: the reasons that were given."""
    ever: frozenset[PeerId]
    """Who is a member or was one. Their earlier messages belong to the lobby, on every peer alike."""
    epoch: int
    """How often members or weights have changed since the genesis."""
    _fold: Fold = field(compare=False, repr=False)

    def why_kept_out(self, join: Message[Join], *, now_ms: int | None = None) -> str | None:
        """Return why a door keeps a newcomer's join out, in a sentence; None when it lets it in.

        Args:
            join: the newcomer's message.
            now_ms: the wall time here, when the newcomer itself brings it: then this member answers for letting it in,
                and looks at everything it knows, the invite's expiry too. None when another member passes it on: then
                only what never changes is looked at, because all members must come to hold the same messages.
        """
        body = join.body
        if now_ms is not None:
            why = self._fold.why_never(join) or self._fold.why_no_more(join) or body.invite.expiry(now_ms)
            if why is not None:
                return why
            issuer = PeerId(body.invite.issuer)
            if issuer not in self.members:
                return f"its invite was issued by {show(issuer)}, who is no member"
            most = JOINS_A_GUEST * self.genesis.limits.guests
            if self._fold.asked_with[issuer] >= most:
                return f"its invite was issued by {show(issuer)}, with whose invites {most} have asked already"
            return None
        if self.genesis.admission == "closed":
            return "the swarm is closed"
        if body.invite.swarm != self.genesis.swarm:
            return "its invite is for another swarm"
        if body.invite.issuer not in self.ever:
            return f"its invite was issued by {show(body.invite.issuer)}, who was never a member"
        if not invite_holds(body.invite, join.author, body.proof):
            return "its invite does not hold"
        return asks_too_often(join)

    def may_ask(self, join: Message[Join], *, now_ms: int | None = None) -> bool:
        """Return whether a door lets a join in; see `why_kept_out`."""
        return self.why_kept_out(join, now_ms=now_ms) is None


def membership_of(genesis: Genesis, messages: Iterable[Message[Any]]) -> Membership:
    """Return who belongs to a swarm by these messages of its lobby.

    Args:
        genesis: the swarm's.
        messages: the lobby's, of any kind, in any order, once or more often each; other swarms' are passed over.
            Signatures are the door's business and not looked at again, but for those of invites.
    """
    fold = Fold(genesis, messages)
    return Membership(
        genesis,
        fold.members,
        tuple(fold.waiting),
        tuple(fold.refused),
        frozenset(fold.left),
        fold.revoked,
        frozenset(fold.ever),
        fold.epoch,
        fold,
    )
