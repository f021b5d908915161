"""What every message must be, whatever it says: well-formed, and the next link of its author's chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from waggledance.core import Cost, Message, PeerFault, frame, open_frame, show, signature_holds
from waggledance.safety._causal_past import CausalPast
from waggledance.safety._named_ids import named_in
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]
MAX_ROUND = 2**31
_ID_BYTES = frozenset({32})


@dataclass(frozen=True)
class Schema:
    """``schema``: a message that was opened at the door anew would be this one: id, form, limits and body.

    What the form leaves open must make sense too: rounds are not negative, ids have 32 bytes, costs are not negative.
    Of a kind that is not known here, the form alone.
    """

    name: str = "schema"
    scope: str = "*"

    def start(self) -> None:
        """Return nothing: each message is judged by itself."""

    def step(self, state: None, message: AnyMessage, past: CausalPast) -> Violation | None:
        """Judge one message."""
        try:
            again = open_frame(frame(message))
        except (PeerFault, TypeError, OverflowError, UnicodeEncodeError) as why:
            return Violation(why=f"is not well-formed: {why}")
        if again.id != message.id:
            return Violation(why=f"has the id of other bytes: its own hash to {show(again.id)}")
        body = message.body
        if not 0 <= body.round < MAX_ROUND:
            return Violation(why=f"says round {body.round}")
        if not _ID_BYTES.issuperset(map(len, named_in(body))):
            return Violation(why="names a message by an id that has not 32 bytes")
        cost = getattr(body, "cost", None)
        if isinstance(cost, Cost) and min(
            cost.calls, cost.prompt_tokens, cost.completion_tokens, cost.micro_usd, cost.milliseconds
        ) < 0:  # fmt: skip
            return Violation(why=f"says it cost less than nothing: {cost}")
        return None


@dataclass(frozen=True)
class SignatureChain:
    """``signature-chain``: each message is its author's next one, later than all it builds on, and signed by nobody
    else; and no author writes two messages with one number.

    A message without a signature is fine: inside one process there is none, and on a network a signature on the newest
    vouches for the run behind it. One that does not hold is a forgery.
    """

    name: str = "signature-chain"
    scope: str = "*"

    def start(self) -> None:
        """Return nothing: the author's previous message is all it takes."""

    def step(self, state: None, message: AnyMessage, past: CausalPast) -> Violation | None:
        """Judge one message."""
        before = past.previous
        if before is None:
            if message.sequence != 1:
                return Violation(why=f"is number {message.sequence} of its author and follows nothing")
        elif before.author != message.author or before.sequence + 1 != message.sequence:
            return Violation(why=f"is number {message.sequence} and follows number {before.sequence}")
        if message.lamport != past.latest + 1:
            return Violation(why=f"says logical time {message.lamport}; what it builds on makes it {past.latest + 1}")
        if message.signature and not signature_holds(message.author, message.id, message.signature):
            return Violation(why="has a signature that does not hold")
        return None

    def fork(self, first: AnyMessage, second: AnyMessage) -> Violation:
        """Name the other message with the same number."""
        return Violation(why=f"is another number {second.sequence} of its author", involved=(first.id,))
