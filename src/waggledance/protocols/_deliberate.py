"""Deliberate: peers say what they think, hear each other and think again, until it is enough; then a rule decides.

    start → (stop? → hear → revise → publish)* → decide

Debates, round tables and societies are this one coroutine with other parts: how peers start, whom they hear and what of
it, when they stop before the last round, and whether the last round counts or all of them. A preset is a class that
names its parts and says where they come from; it returns this coroutine and adds no other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from waggledance.consensus import Rule
from waggledance.core import Condition, Decision, Message, PeerId, Proposal, Seat, UsageError, everyone_within
from waggledance.protocols._hearing import hear
from waggledance.protocols._protocol import collect_from, collect_from_those_here
from waggledance.protocols._ration import ration_for
from waggledance.topology import Complete, Topology

Said = Sequence[Message[Proposal]]

Start = Callable[[Seat, Condition, int], Awaitable[tuple[Message[Proposal], frozenset[PeerId] | None]]]
"""How a seat comes to its first answer: it publishes at most so many messages, the last of them that answer, and
returns it with those whose first answers it waits for; None for everybody's."""

View = Callable[[Seat, int, Said], tuple[Message[Proposal], ...] | None]
"""What a seat makes of a round: what it hears, or None for what the topology says. Its own words are left out."""

Stop = Callable[[Said], bool]
"""Whether a round's proposals end the talk: a pure function, so that all who hold the round stop alike."""


async def deliberate(
    seat: Seat,
    rule: Rule,
    *,
    rounds: int,
    patience_s: float,
    topology: Topology = Complete(),  # noqa: B008 — it is frozen
    view: View | None = None,
    stop: Stop | None = None,
    stop_told: str = "",
    start: Start | None = None,
    start_turns: int = 1,
    pooled: bool = False,
) -> Decision:
    """Run one seat of a deliberation.

    Args:
        seat: the seat.
        rule: how many opinions become one.
        rounds: how often peers hear each other at most, ≥ 0.
        patience_s: how long a round waits for those who are late, in seconds; who misses one is waited for again
            when it has spoken.
        topology: who hears whom.
        view: what the seat makes of a round; it hears what the topology says when None.
        stop: whether a round ends the talk; all rounds are held when None.
        stop_told: why talk ended, for a note that also says what that saved; no note when empty.
        start: how the seat comes to its first answer; it proposes when None.
        start_turns: how many messages that takes at most, ≥ 1; fewer where a budget would not leave enough for rounds.
        pooled: all rounds count from the first answers on, a peer's proposals sharing its weight; else only the last.
    """
    in_time = everyone_within(patience_s)
    ration = ration_for(seat, start_turns + rounds)
    mine, round, last, here = None, 0, ration.turns - 1, None
    if ration.speakers is None or seat.me in ration.speakers:
        if start is None:
            mine = await seat.publish(await seat.propose())
        else:
            turns = min(start_turns, max(1, ration.turns - rounds))
            mine, here = await start(seat, in_time, turns)
            round = mine.body.round
            last = round + ration.turns - turns
    if here is None:
        said = await seat.collect(Proposal, round, until=in_time, of=ration.speakers)
    else:
        said = await collect_from(seat, Proposal, round, in_time, here)
    counted = [*said] if pooled else said
    while mine is not None and round < last and not (stop is not None and stop(said)):
        words = None if view is None else view(seat, round, said)
        if words is None:
            hearing = hear(topology, seat, round, said, patience_s=patience_s)
            words = hearing if isinstance(hearing, tuple) else await hearing
        mine = await seat.publish(await seat.revise(mine, words))
        round += 1
        if len(said) < ration.peers:
            said = await collect_from_those_here(seat, round, in_time)
        else:
            said = await seat.collect(Proposal, round, until=in_time)
        counted = [*counted, *said] if pooled else said
    decision = rule(counted, (), seat.weights)
    if pooled:
        decision = _of_the_end(decision, said)
    if stop_told and round < last:
        saved = (last - round) * ration.peers
        note = f"{stop_told} after {round} of {last} rounds of talk: {saved} calls saved"
        decision = msgspec.structs.replace(decision, notes=(*decision.notes, note))
    return ration.tell(decision) if ration.note else decision


def agreed(said: Said) -> bool:
    """Say whether everybody who spoke gave one and the same answer."""
    return len({m.body.key for m in said}) == 1 and said[0].body.key is not None


def check_rounds(rounds: int, what: str) -> None:
    """Refuse a number of rounds that is none.

    Raises:
        UsageError: it is negative.
    """
    if rounds < 0:
        raise UsageError(f"a {what} has 0 or more rounds, got {rounds}")


def check_stop(stop: str) -> None:
    """Refuse a way to end talk that there is not.

    Raises:
        UsageError: it is neither ``"never"`` nor ``"agreed"``.
    """
    if stop not in ("never", "agreed"):
        raise UsageError(f"talk ends when peers have 'agreed', or 'never' before its last round, got stop={stop!r}")


def _of_the_end(decision: Decision, last: Said) -> Decision:
    """Leave as dissent only what peers said last: who changed its mind dissents no more."""
    ended = {(m.author, m.body.key, m.body.lapse or m.body.text) for m in last}
    return msgspec.structs.replace(
        decision, dissent=tuple(dict.fromkeys(d for d in decision.dissent if (d.peer, d.key, d.reason) in ended))
    )
