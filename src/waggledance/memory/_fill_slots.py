"""Filling slots together: every peer says what it knows of what is unknown, until nothing is.

Each round of news a peer looks up those slots that it has not filled, and says what it found; nobody asks anybody by
name, since nobody knows who knows. It ends by a pure condition on the messages (`Slots.done`), or when time is up.

Source: Liu et al. 2024, iAgents, arXiv:2406.14928, section InfoNav: plan of unknowns, fill, end when all are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from waggledance.core import Message, Seat, UsageError
from waggledance.memory._slots import Fill, Slot, Slots

LookUp = Callable[[str], Fill | None]
"""Looks a slot's name up in what this peer alone knows; None where it knows nothing."""


async def fill_slots(seat: Seat, look_up: LookUp, *, need: Sequence[str] = (), within_s: float = 30.0) -> Slots:
    """Fill what is unknown together; return what is known in the end. Every peer of the channel runs this.

    It reads the seat's news, so nothing else should. When all is known, a peer ends at once; a late one reads the same
    from the channel.

    Args:
        seat: the seat.
        look_up: what this peer knows; its answer's slot is set to the name that was asked.
        need: the slots that this peer asks for.
        within_s: how long to go on at most.

    Raises:
        UsageError: a slot's name breaks a limit, or the time is not positive.
    """
    if not within_s > 0:
        raise UsageError(f"slots are filled within some seconds, got within_s={within_s}")
    asking = [Slot(name=name) for name in need]
    for slot in asking:
        await seat.publish(slot)
    heard: list[Message[Any]] = []
    tried = set[str]()
    end_s = seat.clock.now() + within_s
    with seat.listen() as news:
        while True:
            left = min(end_s - seat.clock.now(), seat.meter.seconds_left())
            if left <= 0:
                return Slots.of(heard)
            heard += await news.next(left)
            slots = Slots.of(heard)
            if slots.done and {slot.name for slot in asking} <= slots.known.keys():
                return slots
            for name in slots.known:
                if name not in tried:
                    tried.add(name)
                    fill = look_up(name)
                    if fill is not None:
                        await seat.publish(Fill(slot=name, value=fill.value, sources=fill.sources))
