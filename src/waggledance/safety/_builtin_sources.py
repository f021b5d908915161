"""What words rest on: on what was read, on something, and on nothing that was taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rpds import HashTrieMap

from waggledance.core import Body, Message, MessageId, Proposal, UsageError, show
from waggledance.safety._causal_past import CausalPast
from waggledance.safety._named_ids import named_in
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]
_MOST_PARENTS = 64
"""A message that builds on so many may have had to leave some out."""


class Retract(Body, frozen=True, gc=False):
    """Its author takes back what it said: nobody is to build on it any more. Counts for the author's own messages.

    Source: Xie, Zhu, Zhang et al. 2026, arXiv:2603.04474 (roll-back of claims); that the author alone may do so without
    the others' consent is ours.
    """

    kind: ClassVar[str] = "retract/1"
    of: tuple[MessageId, ...]
    """What is taken back: ids of the author's own messages, 1 or more."""
    why: str = ""

    def __post_init__(self) -> None:
        if not self.of or any(len(id) != 32 for id in self.of):
            raise UsageError("a retraction names one or more messages by ids of 32 bytes")


@dataclass(frozen=True)
class RepliesToRead:
    """``replies-to-read``: whatever message a body names, its author had seen.

    Looks at every field that holds ids of messages, of any kind known here. A message that builds on 64 others may have
    had to leave some out, so it is not judged.
    """

    name: str = "replies-to-read"
    scope: str = "*"

    def start(self) -> None:
        """Return nothing: each message is judged by its past."""

    def step(self, state: None, message: AnyMessage, past: CausalPast) -> Violation | None:
        """Judge one message."""
        if len(message.parents) >= _MOST_PARENTS:
            return None
        unseen = past.lacks(named_in(message.body))
        return None if unseen is None else Violation(why=f"names {show(unseen)}, which its author had not seen")


@dataclass(frozen=True)
class Cites:
    """``cites``: who has heard others' answers and then answers anew says what that answer was made from.

    Independent samples of a vote hear nobody, and cite nothing.
    """

    name: str = "cites"
    scope: str = "proposal/1"

    def start(self) -> None:
        """Return nothing: each message is judged by its past."""

    def step(self, state: None, message: AnyMessage, past: CausalPast) -> Violation | None:
        """Judge one proposal."""
        if message.body.round == 0 or message.body.refs:
            return None
        from waggledance.protocols._registry import unwrapped

        opening = past.opening
        if opening is not None and unwrapped(opening.body.protocol).startswith("vote"):
            return None
        heard = any(isinstance(cause.body, Proposal) and cause.author != message.author for cause in past.causes)
        return Violation(why="builds on others' answers and names none of them") if heard else None


@dataclass(frozen=True)
class NoUseOfRetracted:
    """``no-use-of-retracted``: who had seen that a message was taken back does not name it any more, nor decide on it.

    Its own author may, to say it anew. The state holds what was taken back, and by which message.
    """

    name: str = "no-use-of-retracted"
    scope: str = "*"

    def start(self) -> HashTrieMap[MessageId, MessageId]:
        """Return that nothing was taken back."""
        return HashTrieMap()

    def step(self, state: Any, message: AnyMessage, past: CausalPast) -> Any:
        """Note what is taken back; judge what is named."""
        body = message.body
        if isinstance(body, Retract):
            for id in body.of:
                said = past.get(id)
                if said is None or said.author != message.author:
                    return Violation(why=f"takes back {show(id)}, which is not its author's own")
                state = state.insert(id, message.id)
            return state
        if not len(state):
            return state
        for id in named_in(body):
            back = state.get(id)
            if back is None:
                continue
            said = past.get(id)
            if said is None or said.author != message.author:
                return Violation(why=f"uses {show(id)}, which was taken back", involved=(back,))
        return state
