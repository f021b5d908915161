"""A card: what is known of a peer when a task looks for one. What it says of itself is a claim; outcomes weigh it down.

Source: Wang et al. 2026, "Symphony-Coord", arXiv:2602.00966: a peer's answer to a beacon (load, latency, availability,
self-description).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from waggledance.core import UNIT, Peer, PeerId, UsageError, local_peer_id

if TYPE_CHECKING:
    from waggledance.mesh import MemberState, Record
    from waggledance.topology import Embed

UNSAID_PPM = UNIT // 2
"""What a peer is taken to claim of a kind that its card does not name: neither good nor bad, so that it is tried."""
SLOW_MS = 2_000
"""A round trip as slow as this counts as the slowest there is (the paper's 2 s)."""


class Card(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One peer, as whoever ranks sees it now.

    Raises:
        UsageError: a peer id that has not 32 bytes, a self-rating outside 0 to 1,000,000, a number that makes no sense.
    """

    peer: PeerId
    name: str = ""
    skills: Mapping[str, int] = {}
    """How good it says it is: kind of task, or skill, to parts per million."""
    text: str = ""
    """What it says of itself, in words."""
    load: int = 0
    """Tasks that it holds, running and waiting, when last heard of."""
    load_age_ms: int = 0
    """How long ago its load was what is said here, in milliseconds."""
    capacity: int = 1
    """Tasks that it works on at a time."""
    task_ms: int = 1_000
    """How long one task takes it, by its own word; in milliseconds."""
    latency_ms: int = 0
    """Round trip to it, in milliseconds."""
    available: bool = True
    """Whether it is taken to be up; a peer that is not comes after all that are, whatever it can do."""
    micro_usd_1k: int = 0
    """What a thousand tokens cost with it, in millionths of a dollar."""

    def __post_init__(self) -> None:
        if len(self.peer) != 32:
            raise UsageError(f"a card is of a peer with an id of 32 bytes, got {len(self.peer)}")
        for kind, ppm in self.skills.items():
            if not 0 <= ppm <= UNIT:
                raise UsageError(
                    f"card of {self.name or self.peer.hex()[:8]}: a self-rating lies between 0 and {UNIT:,} parts per "
                    f"million, got {ppm:,} for {kind!r}"
                )
        if (
            min(self.load, self.load_age_ms, self.latency_ms, self.micro_usd_1k) < 0
            or min(self.capacity, self.task_ms) < 1
        ):
            raise UsageError(
                f"card of {self.name or self.peer.hex()[:8]}: load, its age, latency and price are 0 or more, capacity "
                f"and the time of a task 1 or more, got {self.load}, {self.load_age_ms}, {self.latency_ms}, "
                f"{self.micro_usd_1k}, {self.capacity}, {self.task_ms}"
            )

    def claim_ppm(self, kind: str) -> int:
        """Return how good it says it is at a kind of task; one half where it says nothing about it."""
        return self.skills.get(kind, UNSAID_PPM)

    @cached_property
    def busy_ppm(self) -> int:
        """How much of its capacity is taken, 0 to 1,000,000."""
        return min(UNIT, UNIT * self.load // self.capacity)

    @cached_property
    def slow_ppm(self) -> int:
        """Its round trip, of 2 s, 0 to 1,000,000."""
        return min(UNIT, UNIT * self.latency_ms // SLOW_MS)

    @cached_property
    def calm_ppm(self) -> int:
        """The paper's stability: 0.4 (1 - load) + 0.4 (1 - latency) + 0.2 available."""
        return (4 * (UNIT - self.busy_ppm) + 4 * (UNIT - self.slow_ppm) + 2 * UNIT * self.available) // 10


def card_of_peer(peer: Peer, skills: Mapping[str, int] | None = None, *, load: int = 0, capacity: int = 1) -> Card:
    """Return the card of a peer in this process: its own skills count as full, `skills` adds kinds of tasks.

    Args:
        peer: who.
        skills: how good it is at kinds of tasks, in parts per million.
        load: tasks that it holds.
        capacity: tasks that it works on at a time.

    Raises:
        UsageError: a number outside its range.
    """
    own = dict.fromkeys(sorted(peer.skills), UNIT)
    return Card(
        peer=local_peer_id(peer.name), name=peer.name, skills=own | dict(skills or {}), load=load, capacity=capacity
    )


def card_of_record(
    record: Record,
    state: MemberState | None = None,
    *,
    load: int = 0,
    kinds: Mapping[str, str] | None = None,
    embed: Embed | None = None,
) -> Card:
    """Return the card of a peer on the mesh: what its record claims, and whether it is up.

    A skill that the record lists counts as claimed in full: records have no grades. Of a kind that it does not list,
    but that `kinds` has words for, the claim is how near those words are to the record's own.

    Args:
        record: its capability record in force.
        state: what failure detection holds of it; it is taken to be up when None.
        load: tasks that it holds, as far as is known.
        kinds: words for kinds of tasks.
        embed: how texts become vectors; `by_meaning()` when None.

    Raises:
        UsageError: a negative load.
    """
    claims = record.capability
    skills = dict.fromkeys((skill.id for skill in claims.skills), UNIT)
    for kind, words in sorted((kinds or {}).items()):
        if kind not in skills:
            skills[kind] = _near_ppm(words, claims.text, embed)
    rtt_s = 0.0 if state is None or state.rtt_s is None else state.rtt_s
    return Card(
        peer=record.author,
        name=claims.name,
        skills=skills,
        text=claims.text,
        load=load,
        capacity=max(1, claims.limits.parallel),
        latency_ms=round(1_000 * rtt_s),
        available=state is None or state.status == "alive",
        micro_usd_1k=claims.cost.micro_usd_1k,
    )


def _near_ppm(words: str, text: str, embed: Embed | None) -> int:
    from waggledance.topology import SIMILARITY_STEPS, by_meaning, similarities_to

    return UNIT * similarities_to(words, [text], embed or by_meaning())[0] // SIMILARITY_STEPS
