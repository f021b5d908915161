"""Where an institution stands, from its messages alone: the next stage, or the end.

Step k at the i-th of n stages is round ``k * n + i`` of its messages, so every message says which stage it is for.
Everybody is on the list of every office, in an order drawn by lot; who has not spoken in time makes room for the next.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from blake3 import blake3

from waggledance.consensus import Weights, majority
from waggledance.core import UNIT, Body, Judgement, Message, MessageId, Note, PeerId, Proposal
from waggledance.protocols._institution_spec import Spec, Stage, Word

AnyMessage = Message[Any]

_BODIES: Mapping[str, type[Body]] = {
    "note": Note, "draft": Proposal, "work": Proposal, "gate": Judgement, "watch": Judgement,
}  # fmt: skip


@dataclass(frozen=True)
class Passed:
    """A stage that is over: the word it ended in, and the messages that count for it."""

    stage: Stage
    word: Word
    messages: tuple[AnyMessage, ...]


@dataclass(frozen=True)
class Standing:
    """How far a task has come."""

    path: tuple[Passed, ...]
    draft: Message[Proposal] | None
    """What is on the table."""
    reasons: tuple[Message[Judgement], ...]
    """The judgements of the gate that rejected it last; none once there is another draft."""
    notes: tuple[Message[Note], ...]
    """What was planned so far."""


@dataclass(frozen=True)
class Due(Standing):
    """A stage that waits for its holders."""

    stage: Stage
    round: int
    holders: tuple[PeerId, ...]
    """Who holds it now."""
    waits_for: frozenset[PeerId]
    """Which of them have not spoken."""

    @property
    def body(self) -> type[Body]:
        """What its holders publish."""
        return _BODIES[self.stage.kind]


@dataclass(frozen=True)
class Done(Standing):
    """The end of a task."""

    stage: Stage


def offices(spec: Spec, weights: Weights, mark: str) -> dict[str, tuple[PeerId, ...]]:
    """Return who holds each office, and who comes after whom: everybody, in an order drawn by lot.

    The same lot for all offices, each starting where the one before it ends, so that as many different peers as there
    are hold office. Who has no weight holds none.

    Args:
        spec: the institution.
        weights: everybody who sits in the channel.
        mark: what the lot is drawn from; a channel's name, which holds a hash of question and seed.
    """
    everybody = [peer for peer, weight in weights.items() if weight > 0] or list(weights)
    lot = sorted(everybody, key=lambda peer: blake3(b"waggle/office/1\0%b\0%b" % (mark.encode(), peer)).digest())
    size = dict[str, int]()
    for stage in spec.stages:
        if stage.kind != "end":
            size[stage.office] = max(size.get(stage.office, 0), stage.seats)
    first, orders = 0, dict[str, tuple[PeerId, ...]]()
    for office, seats in size.items():
        start = first % max(1, len(lot))
        orders[office] = (*lot[start:], *lot[:start])
        first += seats
    return orders


def next_stage(
    spec: Spec, messages: Iterable[AnyMessage], weights: Weights, *, mark: str, absent: Set[PeerId] | None = None
) -> Due | Done:
    """Return the stage that is due, or the end: a pure function, blind to order and repetition of messages.

    Args:
        spec: the institution.
        messages: what was said; of a peer that spoke twice in one stage the message with the smallest id counts.
        weights: everybody who sits in the channel, with voting weight in parts per million.
        mark: what offices are drawn from, the channel's name.
        absent: who is not waited for; None for nobody, so that the task goes to its end on what is there.
    """
    return _Fold(spec, messages, weights, mark, absent).run()


class _Fold:
    def __init__(
        self, spec: Spec, messages: Iterable[AnyMessage], weights: Weights, mark: str, absent: Set[PeerId] | None
    ) -> None:
        self.spec, self.weights, self.absent = spec, weights, absent
        self.orders = offices(spec, weights, mark)
        self.said: defaultdict[tuple[type[Body], int], dict[PeerId, AnyMessage]] = defaultdict(dict)
        followed: defaultdict[MessageId, set[PeerId]] = defaultdict(set)
        for message in sorted({m.id: m for m in messages}.values()):
            self.said[type(message.body), message.body.round].setdefault(message.author, message)
            for id in _built_on(message.body):
                followed[id].add(message.author)
        self.followers = {id: len(authors) for id, authors in followed.items()}
        self.path: list[Passed] = []
        self.entered: Counter[str] = Counter()
        self.draft: Message[Proposal] | None = None
        self.reasons: tuple[Message[Judgement], ...] = ()
        self.notes: list[Message[Note]] = []

    def run(self) -> Due | Done:
        stage = self._entered(self.spec.stages[0].name)
        while stage.kind != "end":
            round = len(self.path) * len(self.spec.stages) + self.spec.index(stage.name)
            said = self.said[_BODIES[stage.kind], round]
            holders = self._holders(stage, said)
            if not holders <= said.keys():
                return Due(stage=stage, round=round, holders=tuple(sorted(holders)),
                           waits_for=frozenset(holders - said.keys()), **self._standing())  # fmt: skip
            counted = tuple(sorted(said[peer] for peer in holders))
            word = self._word(stage, counted)
            self.path.append(Passed(stage, word, counted))
            stage = self._entered(stage.after(word))
        return Done(stage=stage, **self._standing())

    def _standing(self) -> dict[str, Any]:
        return {"path": tuple(self.path), "draft": self.draft, "reasons": self.reasons, "notes": tuple(self.notes)}

    def _entered(self, name: str) -> Stage:
        """Return the stage that is entered: another, where its tries are used up."""
        stage = self.spec.stages[self.spec.index(name)]
        while stage.otherwise is not None and self.entered[stage.name] >= stage.tries:
            stage = self.spec.stages[self.spec.index(stage.otherwise)]
        self.entered[stage.name] += 1
        return stage

    def _holders(self, stage: Stage, said: Mapping[PeerId, AnyMessage]) -> Set[PeerId]:
        """Return who holds a stage: those first in the lot that are there.

        One whose words others have built on goes first, so that a word that comes late does not undo what follows.
        """
        order = self.orders[stage.office]
        here = [p for p in order if p in said or (self.absent is not None and p not in self.absent)]
        here.sort(key=lambda peer: -self.followers.get(said[peer].id, 0) if peer in said else 0)
        return set(here[: stage.seats])

    def _word(self, stage: Stage, counted: tuple[AnyMessage, ...]) -> Word:
        match stage.kind:
            case "note":
                self.notes += [m for m in counted if m.body.text]
            case "draft" | "work":
                chosen = majority(counted, (), self.weights).winner
                if chosen is None:
                    return "failed"
                [self.draft] = [m for m in counted if m.id == chosen]
                self.reasons = ()
            case "gate":
                return self._vote(stage, counted)
            case _:
                pass
        return "done"

    def _vote(self, stage: Stage, counted: tuple[Message[Judgement], ...]) -> Word:
        given = [(m, grade) for m in counted if (grade := grade_of(m, self.draft)) is not None]
        weight = {m.author: self.weights.get(m.author, UNIT) for m, _ in given}
        cast = sum(weight.values())
        yes = sum(weight[m.author] for m, grade in given if approves(grade))
        if not cast:
            return "silent"
        if yes == cast:
            return "approve"
        if yes * UNIT > stage.passes_ppm * cast:
            return "disputed"
        self.reasons = tuple(m for m, grade in given if not approves(grade))
        return "reject"


def grade_of(message: Message[Judgement], draft: Message[Proposal] | None) -> int | None:
    """Return the grade that a judgement gives a draft, in parts per million; None when it gives none."""
    if draft is None:
        return None
    return next((v.scores[0] for v in message.body.verdicts if v.subjects == (draft.id,)), None)


def approves(grade: int) -> bool:
    """Say whether a grade is a yes."""
    return 2 * grade >= UNIT


def _built_on(body: Body) -> Iterable[MessageId]:
    if isinstance(body, Proposal):
        return body.refs
    if isinstance(body, Judgement):
        return [id for verdict in body.verdicts for id in verdict.subjects]
    return ()
