"""Institution: a form of government as a protocol. Drafting, voting, repairing, in the order its stages say.

Nobody governs: every office is drawn by lot from the channel, everybody knows by itself where the task stands, a peer
acts when its stage is due, and the next in the lot takes the place of one that stays silent.
Source: Fei, Guo, Xiao 2026, "When Agents Evolve, Institutions Follow", arXiv:2604.27691.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from waggledance.consensus import Judgements, Proposals, Weights
from waggledance.core import (
    NO_COST,
    UNIT,
    BudgetSpent,
    Decision,
    Dissent,
    Judgement,
    Message,
    MessageId,
    Note,
    PeerId,
    Proposal,
    Seat,
    after,
    count,
    well_formed,
)
from waggledance.protocols._institution_fold import AnyMessage, Done, Due, approves, grade_of, next_stage
from waggledance.protocols._institution_spec import Spec, institution_spec
from waggledance.protocols._protocol import check_patience

_SKILLS = {"note": {"note"}, "draft": {"propose", "revise"}, "work": {"propose", "revise"}, "gate": {"critique"},
           "watch": {"critique"}, "end": set[str]()}  # fmt: skip
_REASONS_CHARS = 4_000


@dataclass(frozen=True)
class Institution:
    """Pass a task through the stages of an institution, whose offices are drawn by lot.

    Args:
        spec: a name among `institutions()`, a TOML file of one's own, or a `Spec`.
        patience_s: how long a stage waits for a silent holder before the next in the lot takes its place, in seconds;
            who missed once is not waited for again.
    """

    name: ClassVar[str] = "institution"
    gives: ClassVar[frozenset[str]] = frozenset({"judgements"})

    spec: str | Spec = "three-departments"
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        _ = self.decide

    @property
    def decide(self) -> Governed:
        """The rule over what was said in the stages."""
        return Governed(institution_spec(self.spec) if isinstance(self.spec, str) else self.spec)

    @property
    def skills(self) -> frozenset[str]:
        """What its stages ask of peers."""
        return frozenset(skill for stage in self.decide.spec.stages for skill in _SKILLS[stage.kind])

    async def __call__(self, seat: Seat, /) -> Decision:
        rule = self.decide
        absent: set[PeerId] = set()
        acted: set[int] = set()
        steps = 2
        while True:
            here = _here(seat, rule.spec, steps)
            due = next_stage(rule.spec, here, seat.weights, mark=seat.channel, absent=absent)
            room = _room(seat, here)
            if isinstance(due, Done) or not room:
                break
            if steps < len(due.path) + 2:
                steps = len(due.path) + 2
                continue
            if len(due.waits_for) > room:
                absent |= set(sorted(due.waits_for)[room:])
                continue
            if seat.me in due.waits_for:
                if due.round in acted:  # and still waited for: what this peer says counts no more
                    absent.add(seat.me)
                    continue
                acted.add(due.round)
                try:
                    await _act(seat, due, room)
                except BudgetSpent:
                    break
                continue
            holders = frozenset(due.holders)
            in_time = count(len(holders)) | after(self.patience_s)
            spoke = {m.author for m in await seat.collect(due.body, due.round, until=in_time, of=holders)}
            absent |= holders - spoke
        counted = [message for passed in due.path for message in passed.messages]
        proposals = [m for m in counted if isinstance(m.body, Proposal)]
        judgements = [m for m in counted if isinstance(m.body, Judgement)]
        return rule(proposals, judgements, seat.weights)


@dataclass(frozen=True)
class Governed:
    """What an institution makes of what was said in its stages: the draft that it delivers, or none if it was stopped.

    Support is the weight of those who made or approved the answer; confidence the share of yes at the last gate that
    saw it, or what its author stated where no gate did. A stage where nobody spoke is passed over, and named.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    spec: Spec

    @property
    def name(self) -> str:
        """The rule with its institution, such as ``institution(khanate)``."""
        return f"institution({self.spec.name})"

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the draft that is delivered; undecided where a gate ended the task or nobody answered."""
        said: list[AnyMessage] = sorted({m.id: m for m in (*proposals, *judgements)}.values())
        used = tuple(m.id for m in said)
        everybody = {**dict.fromkeys((m.author for m in said), UNIT), **weights}
        end = next_stage(self.spec, said, everybody, mark=said[0].channel if said else "")
        assert isinstance(end, Done), "nobody is waited for"
        notes = _told(end)
        draft = end.draft
        if draft is None or end.stage.outcome == "ended":
            status = Decision(status="undecided", key=None, rule=self.name, used=used, notes=notes)
            return msgspec.structs.replace(status, dissent=_dissent(end, None))
        same = [m.id for m in proposals if m.body.key == draft.body.key]
        stood = {m.author for m in _counted(end) if m.id in same or _approves(m.body, same)}
        return Decision(
            status="decided",
            key=draft.body.key,
            winner=draft.id,
            text=draft.body.text,
            support={draft.body.key or "": sum(everybody[peer] for peer in stood)},
            confidence=_confidence(end, draft, everybody),
            dissent=_dissent(end, draft),
            rule=self.name,
            used=used,
            notes=notes,
        )


# -- at one's own seat ----------------------------------------------------------------------------------------------


async def _act(seat: Seat, due: Due, room: int) -> None:
    """Do what a stage asks of its holder, and publish it."""
    draft, round = due.draft, due.round
    match due.stage.kind:
        case "note":
            material = [] if draft is None else [draft]
            await seat.publish(await seat.note("outline", material, round))
        case "gate" | "watch":
            judged = await seat.critique([] if draft is None else [draft], round)
            await seat.publish(judged)
        case _:
            guide = due.notes
            if due.reasons and room > 1:
                guide = (*guide, await seat.publish(_objections(seat, due)))
            answer = await (seat.propose(round, guide) if draft is None else seat.revise(draft, (), guide))
            await seat.publish(msgspec.structs.replace(answer, round=round))


def _objections(seat: Seat, due: Due) -> Note:
    """Return the reasons of those who rejected a draft, as a note to guide the next one."""
    told = [v.reason for m in due.reasons for v in m.body.verdicts if v.reason]
    text = "\n".join(told) or f"Rejected at {due.path[-1].stage.name}, without a reason."
    refs = tuple(m.id for m in due.reasons)
    return Note(round=due.round, about="suggestion", text=well_formed(text[:_REASONS_CHARS]), refs=refs, cost=NO_COST)


def _here(seat: Seat, spec: Spec, steps: int) -> list[AnyMessage]:
    """Return everything said here so far in the first steps."""
    here: list[AnyMessage] = []
    for step in range(steps):
        for i, stage in enumerate(spec.stages):
            if stage.kind != "end":
                round = step * len(spec.stages) + i
                here += [*seat.said(Proposal, round), *seat.said(Judgement, round), *seat.said(Note, round)]
    return here


def _room(seat: Seat, here: Sequence[AnyMessage]) -> int:
    """Return how many more messages the budget allows all together, by those that are here; none once it is spent."""
    spent = seat.meter.spent_out()
    if spent is not None and spent.limit != "messages":
        return 0
    limit = seat.meter.budget.messages
    return sys.maxsize if limit is None else max(0, limit - len(here))


# -- what the decision tells ----------------------------------------------------------------------------------------


def _counted(end: Done) -> list[AnyMessage]:
    return [message for passed in end.path for message in passed.messages]


def _approves(body: Proposal | Judgement, of: Sequence[MessageId]) -> bool:
    """Say whether a judgement approves of one of some proposals."""
    return isinstance(body, Judgement) and any(
        v.subjects[0] in of and len(v.subjects) == 1 and approves(v.scores[0]) for v in body.verdicts
    )


def _told(end: Done) -> tuple[str, ...]:
    way = " > ".join(f"{p.stage.name} ({p.word})" if p.stage.kind == "gate" else p.stage.name for p in end.path)
    notes = [f"went through {way}"]
    if end.stage.outcome == "ended":
        last = next((p for p in reversed(end.path) if p.stage.kind == "gate"), None)
        notes.append(f"ended by {last.stage.name!r}, not by a lack of answers" if last else "ended before its end")
    vacant = Counter(p.stage.name for p in end.path if not p.messages and p.stage.kind != "note")
    notes += [f"nobody acted at {name!r}" for name in sorted(vacant)]
    watched = [grade for p in end.path if p.stage.kind == "watch" for m in p.messages
               if (grade := grade_of(m, end.draft)) is not None]  # fmt: skip
    if watched:
        notes.append(f"watched and graded {sum(watched) / len(watched) / UNIT:.2f}, without a say")
    return tuple(notes)


def _confidence(end: Done, draft: Message[Proposal], weights: Weights) -> float:
    for passed in reversed(end.path):
        votes = [(m, grade) for m in passed.messages if passed.stage.kind == "gate"
                 if (grade := grade_of(m, draft)) is not None]  # fmt: skip
        if votes:
            yes = sum(weights[m.author] for m, grade in votes if approves(grade))
            return round(yes / sum(weights[m.author] for m, _ in votes), 6)
    return round((draft.body.confidence_ppm or 0) / UNIT, 6)


def _dissent(end: Done, draft: Message[Proposal] | None) -> tuple[Dissent, ...]:
    """Return who ended with another answer, and who voted against what is on the table, each with its last words."""
    last: dict[PeerId, Dissent | None] = {}
    for message in _counted(end):
        body = message.body
        if isinstance(body, Proposal):
            against = draft is None or body.key != draft.body.key
            last[message.author] = Dissent(message.author, body.key, body.lapse or body.text) if against else None
        elif end.draft is not None and (grade := grade_of(message, end.draft)) is not None:
            [verdict] = [v for v in body.verdicts if v.subjects == (end.draft.id,)]
            last[message.author] = None if approves(grade) else Dissent(message.author, None, verdict.reason)
    return tuple(sorted((d for d in last.values() if d is not None), key=lambda d: d.peer))
