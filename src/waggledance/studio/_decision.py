"""The decision of a channel as the page sees it: decided again from its messages, so that it is not taken on trust."""

from __future__ import annotations

from waggledance._replay import decide_again
from waggledance.consensus import Ack, quorum
from waggledance.core import UNIT, Decision, Message, Opening, PeerId, Proposal, Question, UsageError, WaggleError
from waggledance.studio._conversation import Conversation
from waggledance.studio._message import cost_shown, name_of
from waggledance.studio._shapes import DecisionShown, DissentShown, Support

USED_AT_MOST = 20_000
"""Ids of messages that a decision rests on, in what is sent."""


def decision_of(conversation: Conversation) -> DecisionShown | None:
    """Return what was decided, as the messages say; None while nothing is written down as decided.

    Where it cannot be decided again, the asker's own word is shown with a note that says so.
    """
    opening, outcome = conversation.opening, conversation.outcome
    if opening is None or outcome is None:
        return None
    try:
        decision = decide_again(conversation.came)
    except WaggleError as why:
        note = f"shown as the asker wrote it down, because it could not be decided again: {why}"
        body = outcome.body
        decision = Decision(status="undecided", key=body.key, rule=body.rule, notes=(*body.notes, note))
        return _shown(decision, body.status, conversation, opening)
    return _shown(decision, decision.status, conversation, opening)


def answer_text(question: Question, key: str | None) -> str | None:
    """Return an answer as people read it: of a choice the option's text.

    >>> answer_text(Question(text="Which?", expects="choice", options=("bees", "wasps")), "B")
    'wasps'
    """
    at = ord(key) - ord("A") if key is not None and len(key) == 1 else -1
    return question.options[at] if question.expects == "choice" and 0 <= at < len(question.options) else key


def _shown(decision: Decision, status: str, conversation: Conversation, opening: Message[Opening]) -> DecisionShown:
    stands = _standing(decision, conversation)
    support = sorted(decision.support.items(), key=lambda item: (-item[1], item[0]))
    decided = status == "decided"
    return DecisionShown(
        status=status,
        key=decision.key,
        answer=answer_text(opening.body.question, decision.key),
        text=decision.text,
        confidence_ppm=round(decision.confidence * UNIT) if decided and decision.support else None,
        support=tuple(
            Support(key, score, round(decision.share(key) * UNIT), stands.get(key, ())) for key, score in support
        ),
        dissent=tuple(DissentShown(name_of(d.peer, conversation.names), d.key, d.reason) for d in decision.dissent),
        notes=decision.notes,
        silent=tuple(name_of(peer, conversation.names) for peer in decision.silent),
        cost=cost_shown(decision.cost),
        seconds=decision.seconds,
        certificate=_is_certified(conversation, opening),
        used=tuple(conversation.places.get(id, id.hex()) for id in decision.used[:USED_AT_MOST]),
    )


def _standing(decision: Decision, conversation: Conversation) -> dict[str, tuple[str, ...]]:
    """Return by answer who stands behind it: with the last of their proposals that counted."""
    last: dict[PeerId, Message[Proposal]] = {}
    for id in decision.used:
        message = conversation.messages.get(id)
        if message is not None and isinstance(message.body, Proposal) and message.body.key is not None:
            other = last.get(message.author)
            if other is None or (other.lamport, other.id) < (message.lamport, message.id):
                last[message.author] = message
    stands: dict[str, tuple[str, ...]] = {}
    for author, message in sorted(last.items()):
        key = message.body.key or ""
        stands[key] = (*stands.get(key, ()), author.hex())
    return stands


def _is_certified(conversation: Conversation, opening: Message[Opening]) -> bool:
    """Say whether a quorum of members signed one decision in one epoch, by their word here; signatures are checked by
    `waggle verify`, on the certificate itself."""
    rule = opening.body.certify
    if not isinstance(rule, str):
        return False
    signed: dict[tuple[int, bytes], set[PeerId]] = {}
    for message in conversation.messages.values():
        body = message.body
        if isinstance(body, Ack) and message.author in conversation.seated:
            signed.setdefault((body.round, body.digest), set()).add(message.author)
    weights = {member.id: member.weight for member in conversation.members}
    try:
        needed = quorum(conversation.members, rule).needed
    except UsageError:  # nobody has a vote
        return False
    return any(sum(weights[peer] for peer in peers) >= needed for peers in signed.values())
