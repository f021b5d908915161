"""A gate: whether to speak now, decided before anything that costs is asked. Silence is the rule.

In a room with several people an assistant mostly listens; among many peers an open question needs a few answers, not
all. Gates stand in a row, cheapest first: rules, then likeness in meaning, then a small model. Each says `Speak`,
`Silent`, or None where it cannot tell; where none can, the gate is silent.

Two speakers with the same gate would speak at once: so each waits a random while, the shorter the more urgent it is,
and thinks again when somebody else has spoken meanwhile.

Source: Shen et al. 2026, "GroupGPT", arXiv:2603.01059 (window, reasons, silence as the default, recent interventions
count against another); the row of gates and the wait are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol, TypeAlias, get_args

import msgspec

from waggledance.core import UNIT, UsageError

Reason: TypeAlias = Literal["addressed", "knowledge", "suggestion", "fact correction", "emotional support", "style"]
"""Why to speak: called by name, something is to be known, help is wanted, something said is wrong, somebody is sad or
afraid, or people hurt each other."""
REASONS: tuple[Reason, ...] = get_args(Reason)

WINDOW_TURNS = 12
"""How much of a conversation a gate looks at: what came before seldom asks for words now."""
MAX_WAIT_MS = 3_000
"""What somebody without any hurry waits at most."""


class Heard(msgspec.Struct, frozen=True):
    """One turn of a conversation, as a gate sees it; media stand in it as their words."""

    name: str
    """Who spoke."""
    text: str
    mine: bool = False
    """Whether the one spoke who is to decide."""


class Speak(msgspec.Struct, frozen=True):
    """There is a reason to speak.

    Raises:
        UsageError: an unknown reason, or an urgency outside of 0 to 1,000,000.
    """

    reason: Reason
    urgency_ppm: int
    """0 to 1,000,000: how soon."""

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise UsageError(f"there is no reason {self.reason!r} to speak; known: {', '.join(REASONS)}")
        if not 0 <= self.urgency_ppm <= UNIT:
            raise UsageError(f"an urgency lies between 0 and {UNIT} parts per million, got {self.urgency_ppm}")


class Silent(msgspec.Struct, frozen=True):
    """There is none."""

    why: str = ""


class Gate(Protocol):
    """Decides for one speaker."""

    async def decide(self, window: Sequence[Heard]) -> Speak | Silent | None:
        """Say whether to speak after these turns, oldest first; None where this gate cannot tell."""
        ...


@dataclass(frozen=True)
class Gates:
    """Gates in a row, cheapest first: the first that can tell decides; silence where none can."""

    row: Sequence[Gate]

    async def decide(self, window: Sequence[Heard]) -> Speak | Silent:
        """Ask one after the other, with the last turns of the window."""
        last = tuple(window)[-WINDOW_TURNS:]
        for gate in self.row:
            said = await gate.decide(last)
            if said is not None:
                return said
        return Silent("nothing asks for it")


def wait_ms(urgency_ppm: int, rng: Random) -> int:
    """Return how many milliseconds to wait before speaking: anything up to 3 s, scaled by 1 - urgency.

    >>> wait_ms(1_000_000, Random(1)), 0 <= wait_ms(500_000, Random(1)) <= 1_500
    (0, True)
    """
    return rng.randrange(UNIT) * (UNIT - urgency_ppm) // UNIT * MAX_WAIT_MS // UNIT
