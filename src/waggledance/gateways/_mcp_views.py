"""What a swarm did, as an MCP client reads it: decisions as data, logs as text, each no larger than allowed.

The texts are functions of what is in the log: the same messages give the same bytes, so that a prompt that holds them
can be cached. What peers said stands behind a ``>``, without what a chat template could take for its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from waggledance.core import (
    Cut,
    Decision,
    Judgement,
    Message,
    Note,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Roster,
    Say,
    Summary,
    Unknown,
    members_of,
    opening_of,
)
from waggledance.gateways._threads_filter import short
from waggledance.gateways._threads_fold import Close, Thread
from waggledance.peers._others import defanged
from waggledance.peers._plain import line
from waggledance.protocols._reading import cut, tokens

TEXT_CHARS = 8_000
"""Of a decision's words."""
REASON_CHARS = 1_000
MAX_LISTED = 100
"""Of dissenters, of silent peers, of distinct answers."""
_KEPT = ("status", "answer", "confidence", "rule", "cost", "seconds", "channel", "id")


def decision_plain(decision: Decision) -> dict[str, Any]:
    """Return a decision as JSON's own types: what to do with it, who disagrees, what it cost, and its certificate."""
    whole: dict[str, Any] = msgspec.json.decode(decision.to_json())
    told = {name: whole[name] for name in _KEPT}
    told["text"] = _short(decision.text, TEXT_CHARS)
    told["support"] = dict(sorted(whole["support"].items(), key=lambda one: (-one[1]["score"], one[0]))[:MAX_LISTED])
    told["dissent"] = [{**one, "reason": _short(one["reason"], REASON_CHARS)} for one in whole["dissent"][:MAX_LISTED]]
    told["silent"] = whole["silent"][:MAX_LISTED]
    told["notes"] = [_short(note, REASON_CHARS) for note in whole["notes"][:MAX_LISTED]]
    told["certificate"] = msgspec.json.decode(decision.certificate) if decision.certificate else None
    return told


def thread_plain(thread: Thread) -> dict[str, Any]:
    """Return what a thread has come to, without what was said in it."""
    return {
        "thread": thread.channel,
        "title": thread.title,
        "members": [member.name for member in thread.members],
        "turns": len(thread.said),
        "closed": thread.closed is not None,
        "summary": None if thread.closed is None else thread.closed.body.summary,
        "closing": [
            {
                "by": thread.name(closing.asked.author),
                "summary": closing.asked.body.summary,
                "behind": [thread.name(peer) for peer in closing.behind],
            }
            for closing in thread.closing[:8]
        ],
        "needed": thread.needed,
    }


def channel_text(messages: Sequence[Message[Any]], start: int, budget_tokens: int) -> tuple[str, int | None]:
    """Return what was said in a channel from a message's number on, as much as fits, and where to go on.

    The first message that is returned may be cut; the others are whole.
    """
    opening = opening_of(messages)
    names = {} if opening is None else {opening.author: "asker"}
    names |= {member.id: member.name for member in members_of(messages)}
    return _filled(len(messages), lambda n: _told(n, messages[n], names), start, budget_tokens)


def channels_text(summaries: Sequence[Summary], start: int, budget_tokens: int) -> tuple[str, int | None]:
    """Return questions with their answers, the last ones of those given first, as many as fit, and where to go on."""
    return _filled(len(summaries), lambda n: _listed(summaries[-1 - n]), start, budget_tokens)


def step_text(message: Message[Any], names: Mapping[PeerId, str]) -> str | None:
    """Return one message in one line, for whoever watches a run; None where it says nothing to a watcher."""
    if isinstance(message.body, (Cut, Roster)):
        return None
    who = line(defanged(names.get(message.author, "")), 40) or message.author.hex()[:8]
    return line(f"{who}: {_what(message)}", 200)


def _filled(count: int, text_of: Callable[[int], str], start: int, budget_tokens: int) -> tuple[str, int | None]:
    """Return as many texts as fit, from one on, and the number of the first that does not; None at the end."""
    texts: list[str] = []
    left = budget_tokens
    for at in range(start, count):
        text = text_of(at)
        if tokens(text) + 1 > left:
            if texts:
                return "\n".join(texts), at
            text = cut(text, left - 1)
        texts.append(text)
        left -= tokens(text) + 1
    return "\n".join(texts), None


def _listed(summary: Summary) -> str:
    answer = "–" if summary.answer is None else line(defanged(summary.answer), 120)
    question = line(defanged(summary.question), 160)
    how = ", ".join(filter(None, (summary.status, summary.protocol, summary.rule, f"{summary.messages} messages")))
    return f"{summary.channel}: {question}\n> {answer}\n({how})"


def _told(number: int, message: Message[Any], names: Mapping[PeerId, str]) -> str:
    who = line(defanged(names.get(message.author, "")), 64) or message.author.hex()[:8]
    head = f"{number} [{short(message.id)}] {who}, {_what(message)}"
    words = defanged(_words(message))
    return "\n".join([head, *(f"> {one}" for one in words.split("\n") if words)])


def _what(message: Message[Any]) -> str:
    """Return what a message is, in a few words."""
    body = message.body
    match body:
        case Opening():
            return f"asks {len(body.members)} peers ({body.protocol or 'no protocol'})"
        case Proposal():
            answer = "gives no answer" if body.key is None else f"answers {line(defanged(body.key), 120)}"
            return f"round {body.round}: {answer}"
        case Judgement():
            return f"round {body.round}: judges {len(body.verdicts)} times"
        case Note():
            return f"notes ({body.about})"
        case Outcome():
            return f"{body.status}: {line(defanged(body.key or 'no answer'), 120)}"
        case Say():
            return "says"
        case Close():
            return "asks to close" if body.agrees is None else "agrees to close"
        case _:
            return line(message.kind, 64)


def _words(message: Message[Any]) -> str:
    """Return the words of a message, if it has any."""
    body = message.body
    match body:
        case Opening():
            return body.question.text
        case Proposal() | Note():
            return body.text or body.lapse
        case Judgement():
            return "\n".join(verdict.reason for verdict in body.verdicts if verdict.reason) or body.lapse
        case Say():
            return body.words
        case Close():
            return body.summary
        case Unknown():
            return ""
        case _:
            return ""


def _short(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[: chars - 1]}…"
