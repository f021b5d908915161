"""What a check found: every violation, the first one first, and what could not be judged."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from waggledance.core import MessageId, PeerId, show
from waggledance.safety._violation import Violation


class Faulty(msgspec.Struct, frozen=True):
    """A contract that cannot be relied on: it raised, or said one thing and then another of the same messages."""

    contract: str
    at: MessageId
    why: str


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a channel keeps its contracts.

    A contract is judged up to its first violation on every path of causes; two violations of one contract did not know
    of each other.
    """

    channel: str
    contracts: tuple[str, ...]
    messages: int
    """How many were judged."""
    waiting: int = 0
    """How many build on something that is not here, and were not judged."""
    sealed: bool = False
    """Whether the asker's outcome is here. What is missing counts as missing then, and not before."""
    violations: tuple[Violation, ...] = ()
    """Causes before effects, ties by the step's id, then by the contract's name."""
    faulty: tuple[Faulty, ...] = ()
    forked: tuple[PeerId, ...] = ()
    """Authors of two messages with one number."""
    unknown: Mapping[str, int] = {}
    """Kinds that this program does not know, and how many messages of each; contracts on them read field by field."""
    unsaid: int = 0
    """Exchanges with models and tools that went into no message that is here."""

    @property
    def first(self) -> Violation | None:
        """The first violation; None when there is none."""
        return self.violations[0] if self.violations else None

    @property
    def holds(self) -> bool:
        """Whether nothing is violated and every contract could be judged on all that is here."""
        return not (self.violations or self.faulty)

    def of(self, contract: str) -> tuple[Violation, ...]:
        """Return the violations of one contract."""
        return tuple(violation for violation in self.violations if violation.contract == contract)

    def __str__(self) -> str:
        """Return a few plain lines."""
        judged = f"{self.channel or 'an empty channel'}: {self.messages:,} messages, {len(self.contracts)} contracts"
        lines = [f"{judged} hold" if self.holds else f"{judged}, {len(self.violations)} violations"]
        lines += [f"  {violation}" for violation in self.violations]
        lines += [f"  {fault.contract} cannot be judged at {show(fault.at)}: {fault.why}" for fault in self.faulty]
        if self.waiting:
            lines.append(f"  {self.waiting:,} messages rest on what is not here and were not judged")
        if not self.sealed and self.messages:
            lines.append("  no outcome yet: what is missing was not judged")
        return "\n".join(lines)
