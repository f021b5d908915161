"""Feedback: what an asker says of a peer's work, and the graph of it that reputation is computed from.

An edge from u to v says that u received work from v, and weighs the sum of its outcomes. Praise is cheap, so an edge
must cost real work: feedback counts only for a task whose decision the reader knows, only from the peer who asked,
only about a peer whose answer the decision rests on, and once for each task. Self-praise is dropped. Feedback stands
in the asker's own chain of messages: a peer cannot hide its failures by withholding messages.

Source: Nasrulin, Ishmaev, Pouwelse 2022, "MeritRank", arXiv:2207.09950; that edges are of verified tasks is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from blake3 import blake3

from waggledance.core import (
    UNIT,
    Body,
    Message,
    MessageId,
    PeerId,
    Proposal,
    UsageError,
    cut_of,
    opening_of,
    outcome_of,
)
from waggledance.mesh._directory import Observed


class Feedback(Body, frozen=True, gc=False):
    """How well a peer did at a task, in the eyes of who asked; published in the lobby.

    Raises:
        UsageError: an id that has not 32 bytes, or an outcome outside 0 to 1,000,000.
    """

    kind: ClassVar[str] = "feedback/1"
    about: PeerId
    task: MessageId
    """The question: the id of the message that opened its channel."""
    outcome_ppm: int
    """0 for useless, 1,000,000 for all that was asked."""

    def __post_init__(self) -> None:
        if len(self.about) != 32 or len(self.task) != 32:
            raise UsageError(
                f"feedback names a peer and a task by 32 bytes each, got {len(self.about)}, {len(self.task)}"
            )
        if not 0 <= self.outcome_ppm <= UNIT:
            raise UsageError(f"an outcome lies between 0 and {UNIT:,} parts per million, got {self.outcome_ppm:,}")


class Settled(msgspec.Struct, frozen=True, gc=False):
    """A decided question, as far as feedback needs it: who asked, and whose answers the decision rests on."""

    id: MessageId
    asker: PeerId
    answered: frozenset[PeerId]


class Edges(msgspec.Struct, frozen=True):
    """Who received how much good work from whom, and which messages say so."""

    weights: dict[tuple[PeerId, PeerId], int]
    """From asker to who answered, in parts per million of a task; ordered by ids, and none of them 0."""
    cut: bytes
    """A hash of the messages that counted: reputation computed from the same cut is the same."""


def task_of(messages: Sequence[Message[Any]]) -> Settled | None:
    """Return what a question's channel says about its task; None while nothing is decided in it."""
    opening, outcome = opening_of(messages), outcome_of(messages)
    if opening is None or outcome is None or outcome.body.status != "decided":
        return None
    used = set(cut_of(messages))
    answered = (m.author for m in messages if m.id in used and isinstance(m.body, Proposal) and m.body.key is not None)
    return Settled(opening.id, opening.author, frozenset(answered))


def counted(messages: Iterable[Message[Any]], tasks: Mapping[MessageId, Settled]) -> tuple[Message[Feedback], ...]:
    """Return the feedback that counts, sorted by id: of a known task, by its asker, about another who answered.

    Of several by one asker about one peer and task the latest in its author's chain counts.
    """
    latest: dict[tuple[MessageId, PeerId], Message[Feedback]] = {}
    for message in messages:
        said = message.body
        if not isinstance(said, Feedback):
            continue
        task = tasks.get(said.task)
        if task is None or message.author != task.asker or said.about not in task.answered:
            continue
        if said.about == message.author:
            continue
        other = latest.get((said.task, said.about))
        if other is None or (message.sequence, message.id) > (other.sequence, other.id):
            latest[said.task, said.about] = message
    return tuple(sorted(latest.values()))


def edges_of(messages: Iterable[Message[Any]], tasks: Mapping[MessageId, Settled]) -> Edges:
    """Return the graph of feedback: a pure fold, blind to order and repetition.

    Args:
        messages: of the lobby; what is no feedback is passed over.
        tasks: the decided questions that the reader knows (`task_of`), by id.
    """
    said = counted(messages, tasks)
    weights: dict[tuple[PeerId, PeerId], int] = {}
    for message in said:
        edge = (message.author, message.body.about)
        weights[edge] = weights.get(edge, 0) + message.body.outcome_ppm
    cut = blake3(b"waggle/feedback-cut/1\0" + b"".join(m.id for m in said)).digest()
    return Edges({edge: weights[edge] for edge in sorted(weights) if weights[edge]}, cut)


def observed_by(
    reader: PeerId, messages: Iterable[Message[Any]], tasks: Mapping[MessageId, Settled]
) -> dict[PeerId, Observed]:
    """Return how peers did at the reader's own tasks: what `rank` multiplies by. Others' word is not in it."""
    seen: dict[PeerId, Observed] = {}
    for message in counted(messages, tasks):
        if message.author == reader:
            about = message.body.about
            before = seen.get(about, Observed(0, 0))
            seen[about] = Observed(before.tasks + 1, before.good_ppm + message.body.outcome_ppm)
    return seen
