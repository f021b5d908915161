"""What a peer says of itself when it joins a plan: its skills and how much it does at a time. A claim, to be weighed.

Source: Wang et al. 2026, "Symphony-Coord", arXiv:2602.00966: the answer to a beacon. Load is not stated but counted,
from the claims in the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from waggledance.core import UNIT, Body, Message, PeerId, UsageError
from waggledance.tasks._card import Card

MAX_SKILLS = 64


class Here(Body, frozen=True, gc=False):
    """A peer takes part in the plan."""

    kind: ClassVar[str] = "here/1"
    skills: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """How good it says it is: a skill or a kind of task, to parts per million."""
    capacity: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    """How many tasks it works on at a time."""
    text: Annotated[str, msgspec.Meta(max_length=2_000)] = ""

    def __post_init__(self) -> None:
        if len(self.skills) > MAX_SKILLS or any(not 0 <= ppm <= UNIT for ppm in self.skills.values()):
            raise UsageError(f"a peer names at most {MAX_SKILLS} skills, each with 0 to {UNIT:,} parts per million")


def cards_of(
    messages: Iterable[Message[Any]], names: Mapping[PeerId, str], load: Mapping[PeerId, int]
) -> tuple[Card, ...]:
    """Return a card of every peer that said it is here, by its newest word, in the order of ids.

    Args:
        messages: of the channel; what is no `Here` is passed over.
        names: what peers are called.
        load: how many tasks each holds.
    """
    newest: dict[PeerId, Message[Here]] = {}
    for message in messages:
        if isinstance(message.body, Here):
            before = newest.get(message.author)
            if before is None or before.sequence < message.sequence:
                newest[message.author] = message
    return tuple(
        Card(peer=peer, name=names.get(peer, ""), skills=said.body.skills, text=said.body.text,
             load=load.get(peer, 0), capacity=said.body.capacity)
        for peer, said in sorted(newest.items())
    )  # fmt: skip
