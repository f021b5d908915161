"""Decide again from a log: same messages, same rule, same decision; or else the log is not what it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from waggledance._run import cost_of, said_last, who_answered
from waggledance.consensus import Rule, Weights, name_of, needs_of
from waggledance.core import (
    Decision,
    ForkedFrom,
    Judgement,
    Message,
    Proposal,
    Retold,
    RunFailed,
    UnknownName,
    UsageError,
    WaggleError,
    cut_of,
    fork_of,
    members_of,
    opening_of,
    outcome_of,
    show,
)
from waggledance.protocols import PROTOCOLS, Folding, as_opened, folds, rule_by_name

AnyMessage = Message[Any]


class ReplayDiffers(RunFailed):
    """Deciding again gave another decision than the one that the log says was made."""

    def __init__(self, channel: str, was: str, now: str, recorded: bytes, again: bytes) -> None:
        super().__init__(channel, was, now, recorded, again)
        self.channel, self.was, self.now, self.recorded, self.again = channel, was, now, recorded, again

    def __str__(self) -> str:
        return (
            f"channel {self.channel!r}: the log says {self.was} was decided ({self.recorded.hex()[:12]}…), but its "
            f"messages give {self.now} ({self.again.hex()[:12]}…): a message, the rule or this program is not what "
            "it was then. Check the log with `waggle log verify`"
        )


def decide_again(messages: Iterable[AnyMessage], rule: Rule | None = None, weights: Weights | None = None) -> Decision:
    """Return the decision of a channel, computed from its messages alone.

    With the recorded rule (``rule=None``) the decision's id is compared with the recorded one. With another rule, the
    same messages are decided as they would have been. Of a run that did not come to its end, every peer's latest
    answer is decided, and a note says so. A fork (`ForkedFrom`) is decided as its origin would be.

    Args:
        messages: every message of one channel, in any order.
        rule: another rule than the recorded one.
        weights: other weights than those of the opening, such as an estimator's; the decision is then another one, and
            not compared with the recorded one.

    Raises:
        UsageError: there is no opening, messages are missing, or `rule` needs judgements and there are none.
        UnknownName: the recorded rule is not one of ours: give it as `rule`.
        ReplayDiffers: the same rule gave another decision.
    """
    channel = _Channel(messages)
    fork = fork_of(channel.messages)
    retold = None if fork is None else Retold(fork, channel.messages)
    told = channel if retold is None else _Channel(retold.messages)  # ties fall as they do in the fork's origin
    used = told.used()
    proposals = tuple(m for m in used if isinstance(m.body, Proposal))
    judgements = tuple(m for m in used if isinstance(m.body, Judgement))
    outcome = channel.outcome
    counted = told.weights if weights is None else weights
    if retold is not None and weights is not None:
        counted = {retold.peer(peer): weight for peer, weight in weights.items()}
    if rule is not None:
        _check_kind(rule, channel)
        _check_needs(rule, proposals, judgements)
    folding = _folding(channel) if rule is None else None
    if folding is not None:
        again = folding.folded(told.messages)
    else:
        again = (_recorded_rule(channel) if rule is None else rule)(proposals, judgements, counted)
    if retold is not None:
        again = retold.in_fork(again)
    same_rule = weights is None and (rule is None or (outcome is not None and name_of(rule) == outcome.body.rule))
    if outcome is not None and same_rule and again.id != outcome.body.decision:
        was, now = (str(decision.key) for decision in (outcome.body, again))
        raise ReplayDiffers(channel.name, was, now, outcome.body.decision, again.id)
    return channel.completed(again, same_rule=same_rule)


class _Channel:
    """One channel's messages, by what they are for."""

    def __init__(self, messages: Iterable[AnyMessage]) -> None:
        self.messages = sorted(set(messages), key=lambda m: (m.lamport, m.id))
        names = sorted({m.channel for m in self.messages})
        if len(names) != 1:
            raise UsageError(f"deciding again takes the messages of one channel, got {len(names)} channels")
        self.name = names[0]
        opening = opening_of(self.messages)
        if opening is None:
            raise UsageError(f"channel {self.name!r} has no opening, so nobody can say who asked what of whom")
        self.opening = opening
        self.outcome = outcome_of(self.messages)
        members = members_of(self.messages)
        self.weights = {member.id: member.weight for member in members}
        self.names = {member.id: member.name for member in members}
        self._by_id = {m.id: m for m in self.messages}

    def used(self) -> tuple[AnyMessage, ...]:
        """Return the messages that the decision rests on, sorted by id."""
        if self.outcome is None:
            proposals, judgements = said_last(self.messages)
            return tuple(sorted([*proposals, *judgements]))
        ids = cut_of(self.messages)
        missing = [id for id in ids if id not in self._by_id]
        if missing:
            raise UsageError(
                f"channel {self.name!r} lacks {len(missing)} of the {len(ids)} messages that its decision rests on, "
                f"among them {show(missing[0])}: the log is not whole. See `waggle log verify`"
            )
        return tuple(self._by_id[id] for id in ids)

    def completed(self, decision: Decision, *, same_rule: bool) -> Decision:
        """Add what only the whole channel knows: names, who was silent, what was spent, what the reader should know."""
        used = [message for id in decision.used if (message := self._by_id.get(id)) is not None]
        answered = who_answered(used, self.messages, folded=folds(self.opening.body))
        notes = decision.notes
        if self.outcome is None:
            notes = (*notes, "the run did not come to its end; this rests on what had been said by then")
        elif same_rule:
            notes = self.outcome.body.notes
        spent = msgspec.UNSET if self.outcome is None else self.outcome.body.spent
        said_ms = [m.wall_ms for m in self.messages if not isinstance(m.body, ForkedFrom)]  # a fork is made later
        return msgspec.structs.replace(
            decision,
            notes=notes,
            silent=tuple(peer for peer in self.weights if peer not in answered),
            cost=cost_of(self.messages) if spent is msgspec.UNSET else spent,
            seconds=(max(said_ms) - self.opening.wall_ms) / 1000,
            names=self.names,
            channel=self.name,
        )


def _folding(channel: _Channel) -> Folding | None:
    """Return the protocol of a channel if its decision is a fold of messages and no rule's."""
    if channel.opening.body.protocol.partition("(")[0] not in PROTOCOLS:
        from waggledance.tasks import register_protocols

        register_protocols()
    with suppress(WaggleError):
        protocol = as_opened(channel.opening.body)
        return protocol if isinstance(protocol, Folding) else None
    return None


def _recorded_rule(channel: _Channel) -> Rule:
    """Return the rule that the channel says it was decided by."""
    opening = channel.opening.body
    name = opening.rule if channel.outcome is None else channel.outcome.body.rule
    try:
        return rule_by_name(name)
    except UnknownName as why:
        raise UnknownName(
            f"rule known to this program (channel {channel.name!r} was decided by another: give it as `rule`)",
            name,
            why.known,
        ) from None


def _check_kind(rule: Rule, channel: _Channel) -> None:
    """Refuse a rule for facts where people bargain, and the other way round."""
    if channel.opening.body.question.of_values != ("utilities" in needs_of(rule)) and hasattr(rule, "needs"):
        raise UsageError(
            f"rule {name_of(rule)!r} does not fit channel {channel.name!r}: what people want is bargained "
            "('bargained'), what is the case is decided by the other rules"
        )


def _check_needs(rule: Rule, proposals: Sequence[Message[Proposal]], judgements: Sequence[Message[Judgement]]) -> None:
    """Refuse a rule that needs what nobody said."""
    needs = needs_of(rule)
    if "judgements" in needs and not judgements:
        raise UsageError(
            f"rule {name_of(rule)!r} decides by judgements of proposals, and nobody judged in this channel: "
            "choose a rule that needs none, such as majority, or ask again with --protocol peer-ranking"
        )
    if "confidence" in needs and all(m.body.confidence_ppm is None for m in proposals):
        raise UsageError(
            f"rule {name_of(rule)!r} weighs peers by how sure they say they are, and nobody said: "
            "choose a rule that needs no confidence, such as majority"
        )
