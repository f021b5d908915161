"""A function as a peer: any callable that takes texts and returns an answer, a preference or a grade."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any, TypeVar, cast

from waggledance.core import UNIT, Call, Message, Note, Proposal, RunFailed, UsageError, Verdict
from waggledance.peers._noted import title
from waggledance.peers._parse import parse
from waggledance.peers._plain import plain

Answering = Callable[[str], str | Awaitable[str]]
Revising = Callable[[str, str, list[str]], str | Awaitable[str]]
Noting = Callable[[str, str, list[str]], str | Awaitable[str]]
Comparing = Callable[[str, str, str], float | Awaitable[float]]
Critiquing = Callable[[str, str], float | Awaitable[float]]
T = TypeVar("T")


class PeerRaised(RunFailed):
    """A peer's own function failed; carries whose and how."""

    def __init__(self, peer: str, what: str) -> None:
        super().__init__(peer, what)
        self.peer, self.what = peer, what

    def __str__(self) -> str:
        return f"peer {self.peer!r} failed: {self.what}"


class FunctionPeer:
    """A peer made of functions, plain or async. They take and return plain text and numbers, nothing of ours.

    An answer that is guided by notes has them behind the question's text, each under what it is.

    Args:
        name: the peer's name.
        propose: takes the question's text, returns the answer's text.
        revise: takes the question's text, the peer's earlier answer and the answers heard, returns the answer's text;
            the earlier answer stands when None.
        note: takes the question's text, what is wanted (such as "outline") and the texts to make it from, returns the
            note's text; without it there is no such skill.
        compare: takes the question's text and two answers, returns how much better the first is, 0 to 1: 1 prefers the
            first, 0 the second, 0.5 neither; without it there is no such skill.
        critique: takes the question's text and an answer, returns its grade, 0 to 1; without it there is no such skill.

    >>> FunctionPeer("p", lambda question: "4", critique=lambda question, answer: 0.5).skills == {
    ...     "propose", "revise", "critique"}
    True
    """

    def __init__(
        self,
        name: str,
        propose: Answering,
        *,
        revise: Revising | None = None,
        note: Noting | None = None,
        compare: Comparing | None = None,
        critique: Critiquing | None = None,
    ) -> None:
        self.name = name
        self._propose, self._revise, self._note = propose, revise, note
        self._compare, self._critique = compare, critique
        given = {"note": note, "compare": compare, "critique": critique}
        self._skills = frozenset({"propose", "revise", *(skill for skill, function in given.items() if function)})

    @property
    def skills(self) -> frozenset[str]:
        return self._skills

    async def propose(self, call: Call) -> Proposal:
        return parse(self._text(await self._said(self._propose, _asked(call))), call.question)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        if self._revise is None:
            return mine.body
        texts = [m.body.text for m in heard]
        said = await self._said(self._revise, _asked(call), mine.body.text, texts)
        return parse(self._text(said), call.question)

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        if self._note is None:
            raise UsageError(f"peer {self.name!r} was given no function to write notes with: FunctionPeer(…, note=…)")
        texts = [m.body.text for m in material if isinstance(m.body, Proposal | Note)]
        return plain(self._text(await self._said(self._note, call.question.text, about, texts)))

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        if self._compare is None:
            raise UsageError(f"peer {self.name!r} was given no function to compare with: FunctionPeer(…, compare=…)")
        first = self._share(await self._said(self._compare, call.question.text, a.body.text, b.body.text))
        return Verdict(subjects=(a.id, b.id), scores=(first, UNIT - first))

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        if self._critique is None:
            raise UsageError(f"peer {self.name!r} was given no function to critique with: FunctionPeer(…, critique=…)")
        grade = self._share(await self._said(self._critique, call.question.text, proposal.body.text))
        return Verdict(subjects=(proposal.id,), scores=(grade,))

    def _text(self, said: object) -> str:
        if not isinstance(said, str):
            raise PeerRaised(self.name, f"its function returned {said!r:.80}, not a text")
        return said

    def _share(self, said: object) -> int:
        if not isinstance(said, (int, float)) or not 0 <= said <= 1:
            raise PeerRaised(self.name, f"its function returned {said!r:.80}, not a number from 0 to 1")
        return round(said * UNIT)

    async def _said(self, function: Callable[..., T | Awaitable[T]], *given: object) -> T:
        try:
            said = function(*given)
            return cast("T", await said) if isawaitable(said) else said
        except RunFailed:
            raise
        except Exception as why:
            raise PeerRaised(self.name, f"{type(why).__name__}: {why}") from why


def _asked(call: Call) -> str:
    """Return the question's text, and behind it the notes that guide the answer."""
    if not call.guide:
        return call.question.text
    return "\n\n".join((call.question.text, *(f"{title(m.body.about)}: {m.body.text}" for m in call.guide)))
