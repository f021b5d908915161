"""A model that says what it is told to say: for tests, examples and simulations.

It takes no time but what `delay_s` asks for, through `asyncio.sleep`, so it runs in virtual time as well. Tokens are
words. It honours stop strings, the token limit and the time-out, as a real back end would.
"""

import asyncio
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from waggledance.core._errors import UsageError
from waggledance.models._errors import ScriptEnded, TimedOut
from waggledance.models._model import Completion, Request

_WORD = re.compile(r"\s*\S+\s*\Z|\s*\S+|\s+")
"""A word with the space before it, and after the last; joined they are the text."""

Line: TypeAlias = str | Completion | Exception
"""What a scripted model does for one request: say a text, return a whole completion, or raise."""


class Scripted:
    """A model with a script.

    Args:
        script: one line for every request; a sequence, said in order; a mapping from the last turn's text to a line;
            or a function of the request.
        delay_s: seconds before each answer, or a function of the request that gives them.
        cycle: whether a sequence starts over at its end; otherwise `ScriptEnded` is raised there.
        name: what the model calls itself.

    >>> from waggledance.models import Turn
    >>> asyncio.run(Scripted("four").complete(Request(turns=(Turn("user", "2+2?"),)))).text
    'four'
    """

    sees = True
    """It looks at pictures as little as at words: its answers are in the script."""

    def __init__(
        self,
        script: Line | Sequence[Line] | Mapping[str, Line] | Callable[[Request], Line],
        *,
        delay_s: float | Callable[[Request], float] = 0.0,
        cycle: bool = False,
        name: str = "scripted",
    ) -> None:
        self.name = name
        self.requests: list[Request] = []
        """Every request so far, in order of asking."""
        self._line, self._delay_s = _liner(script, name, cycle=cycle), delay_s

    async def complete(self, request: Request) -> Completion:
        """Say the next line.

        Raises:
            TimedOut: the line takes longer than the request allows.
            ScriptEnded: there is no next line.
        """
        self.requests.append(request)
        line = self._line(request)
        delay_s = self._delay_s(request) if callable(self._delay_s) else self._delay_s
        if delay_s >= request.timeout_s:
            await asyncio.sleep(request.timeout_s)
            raise TimedOut(self.name, f"no answer within {request.timeout_s:g} s", "Allow more time with timeout_s.")
        if delay_s > 0:
            await asyncio.sleep(delay_s)
        if isinstance(line, Exception):
            raise line.with_traceback(None)  # raised again and again, it would carry every raise before
        if isinstance(line, Completion):
            return line
        return _completion(line, request, delay_s)

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Say the next line word by word, when its time has come."""
        completion = await self.complete(request)
        for word in _WORD.findall(completion.text):
            hear(word)
            await asyncio.sleep(0)
        return completion

    async def aclose(self) -> None:
        """Do nothing: there is nothing to let go of."""


def _liner(
    script: Line | Sequence[Line] | Mapping[str, Line] | Callable[[Request], Line], name: str, *, cycle: bool
) -> Callable[[Request], Line]:
    """The script as a function of the request."""
    if isinstance(script, (str, Completion, Exception)):
        return lambda _: script
    if callable(script):
        return script
    if isinstance(script, Mapping):
        return lambda request: _line_for(request.turns[-1].text, script, name)
    lines = tuple(script)
    if not lines:
        raise UsageError("a script needs at least one line, got none")
    said = itertools.count()

    def next_line(_: Request) -> Line:
        number = next(said)
        if number >= len(lines) and not cycle:
            raise ScriptEnded(name, f"all {len(lines)} lines are said", "Give more lines, or cycle=True.")
        return lines[number % len(lines)]

    return next_line


def _line_for(question: str, script: Mapping[str, Line], name: str) -> Line:
    if question not in script:
        known = ", ".join(repr(key[:40]) for key in list(script)[:5])
        raise ScriptEnded(name, f"the script has no line for {question[:80]!r}", f"It knows: {known}.")
    return script[question]


def _completion(text: str, request: Request, seconds: float) -> Completion:
    """The completion that says `text`, cut at stop strings and at the token limit."""
    for stop in request.stop:
        text = text.split(stop, 1)[0]
    words = text.split()
    cut = len(words) > request.max_tokens
    prompt_tokens = sum(len(turn.text.split()) for turn in request.turns)
    return Completion(
        text=" ".join(words[: request.max_tokens]) if cut else text,
        prompt_tokens=prompt_tokens,
        completion_tokens=min(len(words), request.max_tokens),
        finish="length" if cut else "stop",
        seconds=float(seconds),
        evaluated_prompt_tokens=prompt_tokens,
    )
