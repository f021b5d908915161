"""A person as a peer, at the terminal or wherever a question can be put to them."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from math import isinf
from typing import Any

from waggledance.core import Call, Message, Proposal, RunFailed, UsageError, Verdict
from waggledance.peers._noted import noted, shown, title
from waggledance.peers._others import grouped, one
from waggledance.peers._parse import parse
from waggledance.peers._plain import line, plain
from waggledance.peers._prompts import BUILT_IN, asked
from waggledance.peers._verdict import NoVerdict, better, grade

Asking = Callable[[str], Awaitable[str]]


class HumanPeer:
    """A person who proposes, revises, writes notes, compares and critiques.

    Args:
        name: the person's name.
        ask: puts a text to the person and returns what they say, raising `EOFError` when they are gone; by default it
            is written to standard error and a line of standard input is the answer. It is cancelled when the run's
            time is over: the person abstains, and what they type later answers the next question.

    Raises:
        UsageError: the name is empty.
    """

    def __init__(self, name: str, ask: Asking | None = None) -> None:
        if not name.strip():
            raise UsageError("a person needs a name, got an empty one")
        self.name = name
        self._ask = ask or ask_at_terminal

    @property
    def person(self) -> bool:
        """Whether somebody sits there who wants to hear the others: yes."""
        return True

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise", "note", "compare", "critique"})

    async def propose(self, call: Call) -> Proposal:
        """Answer the question."""
        return parse(await self._said(call, f"{_guide(call)}{_wanted(call)}"), call.question)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        """Answer again after hearing others; an empty line keeps the earlier answer."""
        words = grouped(heard, call.question) or "Nobody else has an answer yet."
        own = f"Your answer was: {line(mine.body.text, 200)}. An empty line keeps it."
        said = await self._said(call, f"{_guide(call)}{words}\n\n{own}")
        return parse(said, call.question) if said.strip() else mine.body

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        """Write a note in one line; an empty line writes none."""
        words = shown(material, call.question)
        return plain(await self._said(call, f"{words}\n\n{title(about)}, in one line:".lstrip()))

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        """Say which of two proposals is better.

        Raises:
            NoVerdict: they said neither first nor second nor tie.
        """
        both = f"First: {one(a.body, call.question)}\nSecond: {one(b.body, call.question)}"
        said = await self._said(call, f"{both}\n\nWhich is better: first, second or tie?")
        scores = better(said)
        if scores is None:
            raise NoVerdict(self.name, "first, second or tie", line(said, 80))
        return Verdict(subjects=(a.id, b.id), scores=scores, reason=line(said, 300))

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        """Grade a proposal from 0 to 10.

        Raises:
            NoVerdict: they gave no such grade.
        """
        said = await self._said(call, f"{one(proposal.body, call.question)}\n\nHow good is it, from 0 to 10?")
        score = grade(said)
        if score is None:
            raise NoVerdict(self.name, "a grade from 0 to 10", line(said, 80))
        return Verdict(subjects=(proposal.id,), scores=(score,), reason=line(said, 300))

    async def _said(self, call: Call, wanted: str) -> str:
        left_s = call.seconds_left
        limit = "" if isinf(left_s) else f" ({left_s:.0f} s left)"
        try:
            async with asyncio.timeout(None if isinf(left_s) else left_s):
                return await self._ask(f"\n{asked(call.question)}\n\n{wanted}\n{self.name}{limit}> ")
        except EOFError:
            raise RunFailed(f"{self.name} is gone: the input ended before an answer") from None
        except TimeoutError:
            raise RunFailed(f"{self.name} did not answer within {left_s:.1f} s") from None


def _guide(call: Call) -> str:
    words = noted(call.guide)
    return f"{words}\n\n" if words else ""


def _wanted(call: Call) -> str:
    return BUILT_IN.form(call.question.expects) if call.question.expects == "code" else _IN_ONE_LINE


_IN_ONE_LINE = 'Your answer in one line; you may add how sure you are, as in "9, confidence: 80%".'


class _Terminal:
    """Standard input, read by one thread that reads only while somebody waits for a line."""

    def __init__(self) -> None:
        self._waiting: deque[Future[str]] = deque()
        self._changed = threading.Condition()
        self._reader: threading.Thread | None = None

    def next_line(self) -> Future[str]:
        """Return a future for the next line; it fails with `EOFError` at the end of input."""
        future: Future[str] = Future()
        with self._changed:
            self._waiting.append(future)
            if self._reader is None:
                self._reader = threading.Thread(target=self._read, name="standard input", daemon=True)
                self._reader.start()
            self._changed.notify()
        return future

    def _read(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
            said = sys.stdin.readline()
            with self._changed:
                self._hand_over(said)

    def _hand_over(self, said: str) -> None:
        """Give a line to whoever has waited longest and still does; give its end to all."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            if said:
                future.set_result(said.rstrip("\n"))
                return
            future.set_exception(EOFError())


_terminal = _Terminal()


async def ask_at_terminal(text: str) -> str:
    """Write a text to standard error and return the next line of standard input.

    Raises:
        EOFError: the input has ended.
    """
    sys.stderr.write(text)
    sys.stderr.flush()
    return await asyncio.wrap_future(_terminal.next_line())
