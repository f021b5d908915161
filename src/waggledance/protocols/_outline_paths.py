"""Outline-guided paths: every peer writes down a way to answer without answering; each then takes somebody else's way.

Answers of one model repeat each other, and so do their mistakes. Outlines that say the same are written anew, for other
ways than those that are there, before they are handed round; so the paths differ, and more often one of them is right.
It is a bet that the favourite way is not the best: where it is, forced variety costs a majority much (76.8 → 51.0 % in
the paper card's world, 83 → 51 in ours). And more right answers are not more right decisions: judges profit more than a
majority does, so give it a rule on judgements where peers can judge.
Source: Guo et al. 2026, "OPE: Overcoming Information Saturation in Parallel Thinking via Outline-Guided Path
Exploration", arXiv:2602.08344, without its training. There one call writes all outlines; here there is no such centre,
so that repeats must be found and mended: handing i.i.d. outlines round changes who follows which and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from waggledance.consensus import Rule, majority, needs_of
from waggledance.core import Condition, Decision, Message, MessageId, Note, Proposal, Seat, UsageError, everyone_within
from waggledance.protocols._outlines import OUTLINE, Outlines, Vectors, assign, latest, overlap, repeats
from waggledance.protocols._protocol import check_patience, collect_from
from waggledance.protocols._ranked import ranked
from waggledance.protocols._ration import ration_for

Embed = Callable[[Sequence[str]], Iterable[Iterable[float]]]
"""From texts to points, one each; `waggledance.topology.hashed_ngrams` is one."""

_TITLE_CHARS = 60
_TOLD_MAX = 6


@dataclass(frozen=True)
class OutlinePaths:
    """Write outlines, mend those that repeat, propose along another's, and decide.

    Args:
        redrafts: how often outlines that repeat others are written anew, ≥ 0.
        near: the distance below which two outlines are the same, 0 to 1: the share of words that only one of them
            has, or with `embed` half of what the cosine lacks to 1.
        decide: how answers become one; with a rule on judgements peers compare the answers first.
        comparisons: how many pairs a judge compares at most, ≥ 1; all that are due when None.
        embed: turns outlines into points, for distances of meaning; the words are compared when None.
        patience_s: how long each wait lasts for those who are late, in seconds.

    Raises:
        UsageError: redrafts, comparisons, nearness or the patience are out of range, or `embed` is no function.
    """

    name: ClassVar[str] = "outline-paths"
    gives: ClassVar[frozenset[str]] = frozenset({"confidence", "judgements"})

    redrafts: int = 1
    near: float = 0.5
    decide: Rule = majority
    comparisons: int | None = None
    embed: Embed | None = None
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        repeats((), near=self.near)
        if self.embed is not None and not callable(self.embed):
            raise UsageError(f"what embeds outlines is a function from texts to points, got embed={self.embed!r:.80}")
        if self.redrafts < 0:
            raise UsageError(f"outlines are written anew 0 times or more, got redrafts={self.redrafts}")
        if self.comparisons is not None and self.comparisons < 1:
            raise UsageError(f"a judge compares at least one pair, got comparisons={self.comparisons}")

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "note", "compare"} if self._judged else {"propose", "note"})

    @property
    def _judged(self) -> bool:
        return "judgements" in needs_of(self.decide)

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        ration = ration_for(seat, 2 + self.redrafts + self._judged)
        calls = seat.meter.budget.calls
        thoughts = ration.turns if calls is None else min(ration.turns, calls // len(seat.roster))
        outlines: Outlines = ()
        if thoughts > 1:  # else the answer comes first
            redrafts = min(self.redrafts, max(0, thoughts - 2 - self._judged))
            outlines = await self._outlines(seat, redrafts, in_time)
        taken = assign(outlines, self._vectors(outlines), seat.seed).get(seat.me)
        if ration.admits(seat.me):
            await seat.publish(await seat.propose(guide=[m for m in outlines if m.id == taken]))
        if outlines:
            here = frozenset(m.author for m in outlines)
            proposals = await collect_from(seat, Proposal, 0, in_time, here)
        else:
            proposals = await seat.collect(Proposal, 0, until=in_time, of=ration.speakers)
        if self._judged and ration.turns > 2:
            here = frozenset(m.author for m in proposals)
            decision = await ranked(seat, self.decide, proposals, until=in_time, comparisons=self.comparisons, of=here)
        else:
            decision = self.decide(proposals, (), seat.weights)
        notes = (*decision.notes, *told(outlines, proposals))
        return ration.tell(msgspec.structs.replace(decision, notes=notes))

    async def _outlines(self, seat: Seat, redrafts: int, in_time: Condition) -> Outlines:
        """Write an outline, and another one as long as it repeats somebody's; return everybody's last."""
        await seat.publish(await seat.note(OUTLINE))
        notes = [*await seat.collect(Note, 0, until=in_time)]
        for round in range(1, redrafts + 1):
            outlines = latest(notes)
            again = repeats(outlines, self._vectors(outlines), seat.seed, near=self.near)
            if not again:
                break
            if seat.me in again:
                await seat.publish(await seat.note(OUTLINE, outlines, round))
            notes += await seat.collect(Note, round, until=in_time, of=again)
        return latest(notes)

    def _vectors(self, outlines: Outlines) -> Vectors | None:
        if self.embed is None:
            return None
        points = self.embed([m.body.text for m in outlines])
        return {m.id: [float(x) for x in point] for m, point in zip(outlines, points, strict=True)}


def told(outlines: Outlines, proposals: Sequence[Message[Proposal]]) -> list[str]:
    """Say which outlines led to which answer, and how much the outlines and the paths along them share.

    Args:
        outlines: that were handed round.
        proposals: that name the outline they follow among their `refs`.
    """
    titles: Mapping[MessageId, str] = {m.id: _title(m) for m in outlines}
    led: dict[str, list[str]] = {}
    for message in sorted(proposals):
        for id in message.body.refs:
            if id in titles and message.body.key is not None:
                led.setdefault(message.body.key, []).append(titles[id])
    order = sorted(led, key=lambda key: (-len(led[key]), min(led[key]), key))
    notes = [f"{key[:_TITLE_CHARS]}: found along {_listed(led[key])}" for key in order[:_TOLD_MAX]]
    shared = overlap([m.body.text for m in outlines])
    if shared is not None:
        along = overlap([m.body.text for m in proposals if m.body.key is not None])
        paths = "" if along is None else f", the answers {along:.0%}"
        notes.append(f"two outlines share {shared:.0%} of their words on average{paths}")
    return notes


def _title(outline: Message[Note]) -> str:
    first = outline.body.text.strip().splitlines()[0].strip(" #*:")
    return f'"{first[: _TITLE_CHARS - 1]}…"' if len(first) > _TITLE_CHARS else f'"{first}"'


def _listed(titles: Sequence[str]) -> str:
    shown, more = sorted(titles)[:_TOLD_MAX], len(titles) - _TOLD_MAX
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
