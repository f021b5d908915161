"""The decision of a channel as the page sees it: decided again from its messages, so that it is not taken on trust."""

from __future__ import annotations

from waggledance._replay import decide_again
from waggledance.consensus import quorum
from waggledance.core import (
    UNIT,
    Decision,
    Member,
    Message,
    Opening,
    PeerId,
    Proposal,
    Question,
    UsageError,
    WaggleError,
)
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
    support = sorted(decision.support.items(), key=lambda item: (-item[1], item[0] != decision.key, item[0]))
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
        dissent=_dissent(decision, conversation),
        notes=_tied(decision) + decision.notes,
        silent=tuple(name_of(peer, conversation.names) for peer in decision.silent),
        cost=cost_shown(decision.cost),
        seconds=decision.seconds,
        used=tuple(conversation.places.get(id, id.hex()) for id in decision.used[:USED_AT_MOST]),
    )


def _dissent(decision: Decision, conversation: Conversation) -> tuple[DissentShown, ...]:
    """Return who ended with another answer, each once for an answer, however often it was drawn."""
    found: dict[tuple[PeerId, str | None], DissentShown] = {}
    for d in decision.dissent:
        found.setdefault((d.peer, d.key), DissentShown(name_of(d.peer, conversation.names), d.key, d.reason))
    return tuple(found.values())


def _tied(decision: Decision) -> tuple[str, ...]:
    """Say when the answer was not ahead of another: that it came out by a lot is worth knowing."""
    top = decision.support.get(decision.key or "", 0)
    level = sorted(key for key, score in decision.support.items() if score == top and key != decision.key)
    if decision.key is None or not level:
        return ()
    return (f"tied with {', '.join(key[:60] for key in level[:3])}: a lot drawn from the channel's name decided",)


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


def needed_of(opening: Opening, members: tuple[Member, ...]) -> int:
    """Return the weight that certifies a channel's decision; 0 where none is to, or nobody has a vote."""
    if not isinstance(opening.certify, str):
        return 0
    try:
        return quorum(members, opening.certify).needed
    except UsageError:  # nobody has a vote
        return 0
