"""A channel as the page sees it: what was asked of whom, what was said, what was decided, what was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from waggledance.core import PlainBudget, Unknown
from waggledance.mesh import LOBBY
from waggledance.studio._conversation import LOBBY_TITLE, Conversation, is_talk
from waggledance.studio._decision import decision_of, needed_of
from waggledance.studio._hearing import hearing_of
from waggledance.studio._message import TEXT_CHARS, shown
from waggledance.studio._plan import plan_of
from waggledance.studio._shapes import (
    BudgetShown,
    ChannelShown,
    DecisionShown,
    Hearing,
    LimitsShown,
    MemberShown,
    OpeningShown,
    PlanShown,
)

MESSAGES_A_PAGE = 10_000
LONG = 2_000
"""A page of more messages than this has shorter texts, so that it is drawn at once."""
SHORT_TEXT_CHARS = 200

T = TypeVar("T")


class Drawn:
    """A conversation, and what was worked out about it: done again only when something was said."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self._worked_out: dict[str, tuple[int, object]] = {}

    def decision(self) -> DecisionShown | None:
        """Return what was decided; None while there are messages that were not read yet."""
        return self._once("decision", decision_of, len(self.conversation.came)) if self.conversation.whole else None

    def plan(self) -> PlanShown | None:
        """Return the plan, if there is one; None while there are messages that were not read yet."""
        return self._once("plan", plan_of, len(self.conversation.came)) if self.conversation.whole else None

    def hearing(self) -> Hearing | None:
        """Return who hears whom by the topology."""
        return self._once("hearing", hearing_of, self.conversation.met)

    def _once(self, name: str, work_out: Callable[[Conversation], T], of: int) -> T:
        if self._worked_out.get(name, (-1, None))[0] != of:
            self._worked_out[name] = (of, work_out(self.conversation))
        found: T = self._worked_out[name][1]  # type: ignore[assignment]  # what `work_out` returned
        return found


def channel_of(
    drawn: Drawn,
    count: int,
    *,
    version: str,
    live: bool,
    newer: bool,
    broken: str,
    first: int = 0,
    most: int = MESSAGES_A_PAGE,
) -> ChannelShown:
    """Return a channel with a page of its messages.

    Args:
        drawn: the conversation.
        count: how many rows the log has of it.
        version: the server's.
        live: whether it is still being written.
        newer: whether the log is of a newer version.
        broken: what is wrong with the log; empty when nothing is.
        first: the place of the page's first message, from 0.
        most: how many messages a page has at most.
    """
    conversation = drawn.conversation
    messages = conversation.came[first : first + most]
    text_chars = TEXT_CHARS if len(messages) <= LONG else SHORT_TEXT_CHARS
    behind = first + len(messages)
    total = len(conversation.came) if conversation.whole else max(behind, count - conversation.spoiled)
    unknown = any(isinstance(message.body, Unknown) for message in messages)
    return ChannelShown(
        name=conversation.name,
        swarm=messages[0].swarm.hex() if messages else "",
        version=version,
        talk=is_talk(conversation.name, conversation.opening),
        opening=_opening(conversation),
        members=tuple(MemberShown(m.id.hex(), m.name, m.weight) for m in conversation.members),
        messages=tuple(shown(m, conversation, text_chars) for m in messages),
        total=total,
        next=behind if behind < len(conversation.came) or not conversation.whole else None,
        hearing=drawn.hearing(),
        decision=drawn.decision(),
        budget=_budget(conversation),
        plan=drawn.plan(),
        live=live,
        newer=newer or unknown,
        broken=_broken(conversation, broken),
    )


def _opening(conversation: Conversation) -> OpeningShown:
    opening = conversation.opening
    if opening is None:
        title = LOBBY_TITLE if conversation.name == LOBBY else ""
        return OpeningShown(question=title, expects="", options=(), protocol="", topology="", rule="", seed=0, asker="",
                            certify="", needed=0)  # fmt: skip
    body = opening.body
    return OpeningShown(
        question=body.question.text,
        expects=body.question.expects,
        options=body.question.options,
        protocol=body.protocol,
        topology=body.topology,
        rule=body.rule,
        seed=body.seed,
        asker=opening.author.hex(),
        certify=body.certify if isinstance(body.certify, str) else "",
        needed=needed_of(body, conversation.members),
    )


def _budget(conversation: Conversation) -> BudgetShown:
    limits = None if conversation.opening is None else conversation.opening.body.limits
    if not isinstance(limits, PlainBudget):
        return BudgetShown(None)
    seconds = None if limits.milliseconds is None else limits.milliseconds / 1_000
    return BudgetShown(
        LimitsShown(
            tokens=limits.tokens,
            calls=limits.calls,
            messages=limits.messages,
            seconds=seconds,
            usd_micro=limits.micro_usd,
        )
    )


def _broken(conversation: Conversation, broken: str) -> str | None:
    """Return what is wrong, with the log or with this channel."""
    said = [broken] if broken else []
    if conversation.spoiled:
        said.append(
            f"{conversation.spoiled:,} messages of this channel are not what was written, and are left out: "
            "`waggle log verify` says which"
        )
    bare = conversation.opening is None and conversation.name != LOBBY
    if bare and conversation.messages and conversation.whole:
        said.append("this channel has no opening, so nobody can say who asked what of whom")
    return ". ".join(said) or None
