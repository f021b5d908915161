"""Merged: any rule, after answers that are the same have been made one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from waggledance.consensus._rule import Judgements, Need, Proposals, Rule, Weights, name_of, needs_of, tie_break
from waggledance.consensus._same import Same
from waggledance.consensus._votes import tally
from waggledance.core import Decision, Message, Proposal

_TOLD = 8
"""How many answers of a class a note names."""


@dataclass(frozen=True)
class Merged:
    """Another rule over classes of answers: every answer becomes the one that stands for its class.

    The strongest answer of a class, by weight, stands for it; equals by a hash of channel and answer. So classes are a
    function of the set of proposals, and favour no order, peer or option. The winning words are those of the class's
    weightiest peer and may spell the answer otherwise than the decision's key does. A note says what was merged.

    Args:
        rule: decides over the classes.
        same: says which answers are the same.

    >>> from waggledance.consensus import Numeric, majority
    >>> Merged(majority, Numeric(relative=0.01)).name
    'majority merging numeric(0.01, 0.0)'
    """

    rule: Rule
    same: Same

    @property
    def name(self) -> str:
        return f"{name_of(self.rule)} merging {self.same.name}"

    @property
    def needs(self) -> frozenset[Need]:
        return needs_of(self.rule)

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the inner rule's decision; support is of the answers that stand for classes."""
        votes = tally(proposals, weights)
        channel = proposals[0].channel if proposals else ""
        ranked = sorted(votes, key=lambda answer: (-votes[answer], tie_break(channel, answer)))
        stands = self.same(ranked)
        decision = self.rule([_said_as(m, stands) for m in proposals], judgements, weights)
        classes: dict[str, list[str]] = {}
        for answer in ranked:
            classes.setdefault(stands[answer], []).append(answer)
        notes = [_told(name, members) for name, members in classes.items() if members != [name]]
        return msgspec.structs.replace(decision, rule=self.name, notes=(*decision.notes, *notes))


def _said_as(message: Message[Proposal], stands: Mapping[str, str]) -> Message[Proposal]:
    said = message.body.key
    answer = said if said is None else stands.get(said, said)
    if answer == said:
        return message
    return msgspec.structs.replace(message, body=msgspec.structs.replace(message.body, key=answer))


def _told(name: str, members: list[str]) -> str:
    others = [member for member in members if member != name]
    more = f" and {len(others) - _TOLD} more" if len(others) > _TOLD else ""
    return f"taken as {name!r}: {', '.join(map(repr, others[:_TOLD]))}{more}"
