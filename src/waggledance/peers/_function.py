"""A function as a peer: any callable that takes a question's text and returns an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable

from waggledance.core import Call, Message, Proposal, RunFailed, UsageError, Verdict
from waggledance.peers._parse import parse

Answering = Callable[[str], str | Awaitable[str]]
Revising = Callable[[str, str, Sequence[str]], str | Awaitable[str]]


class PeerRaised(RunFailed):
    """A peer's own function failed; carries whose and how."""

    def __init__(self, peer: str, what: str) -> None:
        super().__init__(peer, what)
        self.peer, self.what = peer, what

    def __str__(self) -> str:
        return f"peer {self.peer!r} failed: {self.what}"


class FunctionPeer:
    """A peer made of functions, plain or async.

    Args:
        name: the peer's name.
        propose: takes the question's text, returns the answer's text.
        revise: takes the question's text, the peer's earlier answer and the answers heard, returns the answer's text;
            the earlier answer stands when None.
    """

    def __init__(self, name: str, propose: Answering, *, revise: Revising | None = None) -> None:
        self.name = name
        self._propose, self._revise = propose, revise

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise"})

    async def propose(self, call: Call) -> Proposal:
        return parse(await self._said(self._propose, call.question.text), call.question)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        if self._revise is None:
            return mine.body
        texts = [m.body.text for m in heard]
        return parse(await self._said(self._revise, call.question.text, mine.body.text, texts), call.question)

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        raise UsageError(f"peer {self.name!r} was given no function to compare with")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        raise UsageError(f"peer {self.name!r} was given no function to critique with")

    async def _said(self, function: Callable[..., str | Awaitable[str]], *given: object) -> str:
        try:
            said = function(*given)
            return await said if isawaitable(said) else said
        except RunFailed:
            raise
        except Exception as why:
            raise PeerRaised(self.name, f"{type(why).__name__}: {why}") from why
