"""A violation: which contract a step breaks, and the evidence with which anyone can look again."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from waggledance.core import Body, MessageId, PeerId, show

_Id = Annotated[bytes, msgspec.Meta(max_length=32)]
MAX_WHY_CHARS = 2_000
NOBODY = PeerId(b"")


class Violation(Body, frozen=True, gc=False):
    """A step that breaks a contract; a body, so that whoever finds one can tell the others.

    A contract gives `why`, and `involved` and `by` where they say more than the step itself; the rest is filled in by
    whoever checks. It depends on nothing but the step and what it builds on, see `recheck`; the one exception is an
    author who writes two messages with one number, of whom `involved` names the other.
    """

    kind: ClassVar[str] = "violation/1"
    why: Annotated[str, msgspec.Meta(max_length=MAX_WHY_CHARS)]
    """What was seen, in words."""
    involved: tuple[MessageId, ...] = ()
    """Other messages that it takes to see it."""
    by: Annotated[PeerId, msgspec.Meta(max_length=32)] = NOBODY
    """Whom it speaks against; nobody (no bytes) when messages break it together that did not know of each other."""
    contract: str = ""
    """The contract's name."""
    at: _Id = b""
    """The id of the violating step: of the first message whose past breaks the contract with it."""
    channel: str = ""

    def __str__(self) -> str:
        """Return one line."""
        against = "" if self.by == NOBODY else f" by {self.by.hex()[:8]}"
        return f"{self.contract}: {show(self.at)}{against}: {self.why}"
