"""What happens beside the words: which tools are used, and what leaves for other people's machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from waggledance.core import Exchange, Message, Proposal, calls_of
from waggledance.safety._causal_past import CausalPast
from waggledance.safety._ruling import BLOCKED, RULING
from waggledance.safety._scrub import HARD, Scrub
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]
LOCAL = ("embedded*", "gguf:*", "scripted*", "recorded:*", "function*", "none")
"""Models that think on this machine, by how their names begin."""


@dataclass(frozen=True)
class GrantedTool:
    """``granted-tool``: nobody uses a tool that it was not given.

    Of tools that peers use themselves, their exchanges tell; they are in the log of the machine where they think. Of
    the asker's tools, an answer that asks for one tells, and the opening says which there are.

    Args:
        grants: by peer name, the names of tools, as globs; ``"*"`` for who is not listed. What peers use themselves is
            not judged when None.
    """

    grants: Mapping[str, tuple[str, ...]] | None = None
    name: str = "granted-tool"
    scope: str = "*"

    def start(self) -> None:
        """Return nothing: each message is judged by itself."""

    def step(self, state: None, message: AnyMessage, past: CausalPast) -> Violation | None:
        """Judge one message, and the exchanges that went into it."""
        if self.grants is not None:
            for exchange in past.exchanges:
                if exchange.kind == "tool" and _done(exchange) and not self._granted(exchange, past):
                    return Violation(why=f"its author used the tool {exchange.of!r:.80}, which it was not given")
        body = message.body
        if isinstance(body, Proposal):
            opening = past.opening
            for call in calls_of(body.key):
                if opening is None or all(call.name != tool.name for tool in opening.body.question.tools):
                    return Violation(why=f"asks for the tool {call.name!r:.80}, which who asks does not offer")
        return None

    def _granted(self, exchange: Exchange, past: CausalPast) -> bool:
        grants = self.grants or {}
        member = past.members.get(exchange.author)
        allowed = grants.get(member.name if member is not None else "", grants.get("*", ()))
        return any(fnmatchcase(exchange.of, glob) for glob in allowed)


def _done(exchange: Exchange) -> bool:
    """Say whether a tool was really used: rulings of mediators are none, and what they block is not done."""
    return not exchange.of.startswith(RULING) and not exchange.failure.startswith(BLOCKED)


@dataclass(frozen=True)
class ScrubbedBeforeRemote:
    """``scrubbed-before-remote``: what a model on another machine is asked holds no private detail that rules can know.

    Judged by what was asked, as the author's own log has it: a text passes when the scrub finds nothing in it.

    Args:
        scrub: what finds details.
        local: globs over the names of models that think on this machine, or that may see everything.
        public: globs over channels in which nothing is private.

    Source: the crossing rule of GroupGPT (Shen et al. 2026, arXiv:2603.01059), as a contract; that is ours.
    """

    scrub: Scrub = HARD
    local: tuple[str, ...] = LOCAL
    public: tuple[str, ...] = ()
    name: str = "scrubbed-before-remote"
    scope: str = "*"

    def start(self) -> None:
        """Return nothing: each message is judged by itself."""

    def step(self, state: None, message: AnyMessage, past: CausalPast) -> Violation | None:
        """Judge the exchanges that went into one message."""
        exchanges = past.exchanges
        if not exchanges or any(fnmatchcase(message.channel, glob) for glob in self.public):
            return None
        for exchange in exchanges:
            if exchange.kind != "model" or any(fnmatchcase(exchange.of, glob) for glob in self.local):
                continue
            for text in _words_of(exchange.asked):
                spans = self.scrub.clean(text).spans
                if spans:
                    kinds = ", ".join(sorted({span.kind for span in spans}))
                    return Violation(why=f"its author told {exchange.of!r:.80} private details ({kinds})")
        return None


def _words_of(asked: str) -> list[str]:
    """Return the texts of a request's turns; the request itself when it cannot be read as one."""
    try:
        return [turn.text for turn in _decode(asked).turns]
    except (msgspec.DecodeError, msgspec.ValidationError):
        return [asked]


class _Said(msgspec.Struct):
    text: str = ""


class _Asked(msgspec.Struct):
    turns: list[_Said]


_decode = msgspec.json.Decoder(_Asked).decode
