"""What is said in a swarm's lobby about who belongs to it: join, admit, leave, revoke."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from waggledance.core import Body, PeerId, UsageError
from waggledance.mesh._genesis import MAX_WEIGHT
from waggledance.mesh._invite import HeldInvite, Invite
from waggledance.mesh._names import check_shown_name

MAX_REASON_CHARS = 280

_Key = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Join(Body, frozen=True):
    """Asks to come in; by the newcomer, with an invite and the proof that it was given to this author."""

    kind: ClassVar[str] = "join/1"
    invite: Invite
    proof: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
    name: str
    """How the author wants to be called; an invite that names its guest overrides it."""

    def __post_init__(self) -> None:
        check_shown_name(self.name)

    @classmethod
    def of(cls, held: HeldInvite, guest: PeerId, name: str = "") -> Join:
        """Make a join from an invite that was sent to `guest`.

        Raises:
            UsageError: the invite names no guest and neither does `name`; or the name cannot be shown.
        """
        called = held.invite.guest or name
        if not called:
            raise UsageError("this invite does not say how its guest is called: give a name to join under")
        return cls(invite=held.invite, proof=held.proof(guest), name=called)


class Admit(Body, frozen=True):
    """Its author's vote that a peer shall belong to the swarm, with this voting weight.

    Of one author's votes on one peer the latest counts. About a member it is a vote to change the weight.
    """

    kind: ClassVar[str] = "admit/1"
    who: _Key
    weight: Annotated[int, msgspec.Meta(ge=0, le=MAX_WEIGHT)]
    """In parts per million; 0 to ask and answer without a vote."""


class Leave(Body, frozen=True):
    """Its author goes, for good: who comes back comes with a new key."""

    kind: ClassVar[str] = "leave/1"


class Revoke(Body, frozen=True):
    """Its author's vote that a member shall belong no more, such as one whose key was stolen. It stands for good."""

    kind: ClassVar[str] = "revoke/1"
    who: _Key
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON_CHARS)] = ""
