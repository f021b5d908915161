import asyncio
import io
import os
import sys
from collections.abc import Callable

import pytest

from waggledance import Swarm
from waggledance.core import UNIT, Budget, Call, Message, Proposal, Question, RunFailed, UsageError
from waggledance.peers import FunctionPeer, HumanPeer, NoVerdict
from waggledance.peers import _human as human

SUM = Question(text="2 + 2?", expects="number")
MakeCall = Callable[..., Call]
Say = Callable[..., Message[Proposal]]


class Person:
    """Says its lines, and keeps what it was shown."""

    def __init__(self, *lines: str) -> None:
        self.lines, self.shown = list(lines), ""

    async def __call__(self, text: str) -> str:
        self.shown += text
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)


async def test_a_person_proposes_what_they_type(make_call: MakeCall) -> None:
    person = Person("4, confidence: 80%")
    said = await HumanPeer("ann", person).propose(make_call(SUM))
    assert (said.key, said.confidence_ppm) == ("4", 800_000)
    assert "2 + 2?" in person.shown
    assert person.shown.endswith("ann> ")


async def test_an_empty_line_keeps_the_earlier_answer(make_call: MakeCall, say: Say) -> None:
    peer, mine = HumanPeer("ann", Person("", "5")), say("4", "4")
    assert await peer.revise(make_call(SUM), mine, []) == mine.body
    assert (await peer.revise(make_call(SUM), mine, [])).key == "5"


async def test_others_words_reach_the_terminal_without_escape_sequences(make_call: MakeCall, say: Say) -> None:
    person = Person("", "first", "7")
    peer, bad = HumanPeer("ann", person), say("\x1b[2J\x1b]0;owned\x07 5\r", "5\x1b[31m")
    await peer.revise(make_call(SUM), say("\x1b[1m4", "4"), [bad])
    await peer.compare(make_call(SUM), bad, say("4", "4"))
    await peer.critique(make_call(SUM), bad)
    assert not [c for c in person.shown if ord(c) < 32 and c != "\n"]


async def test_a_person_judges(make_call: MakeCall, say: Say) -> None:
    peer, a, b = HumanPeer("ann", Person("second", "7", "hm", "hm")), say("4", "4"), say("5", "5")
    assert (await peer.compare(make_call(SUM), a, b)).scores == (0, UNIT)
    assert (await peer.critique(make_call(SUM), a)).scores == (700_000,)
    with pytest.raises(NoVerdict):
        await peer.compare(make_call(SUM), a, b)
    with pytest.raises(NoVerdict):
        await peer.critique(make_call(SUM), a)


async def test_a_person_who_is_gone_abstains_with_the_reason(make_call: MakeCall) -> None:
    with pytest.raises(RunFailed, match="ann is gone: the input ended"):
        await HumanPeer("ann", Person()).propose(make_call(SUM))
    decision = await Swarm([HumanPeer("ann", Person()), FunctionPeer("f", lambda q: "4")]).ask(SUM)
    assert decision.key == "4"
    assert "the input ended" in decision.dissent[0].reason


async def test_a_person_who_takes_too_long_abstains(make_call: MakeCall) -> None:
    async def never(text: str) -> str:
        await asyncio.Event().wait()
        return text

    with pytest.raises(RunFailed, match=r"did not answer within 0\.0 s"):
        await HumanPeer("ann", never).propose(make_call(SUM, Budget(seconds=0.001)))


def test_a_person_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a name"):
        HumanPeer("")


async def test_the_terminal_asks_on_standard_error_and_reads_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    shown = io.StringIO()
    with os.fdopen(reading) as keyboard, os.fdopen(writing, "w", buffering=1) as typing:
        monkeypatch.setattr(sys, "stdin", keyboard)
        monkeypatch.setattr(sys, "stderr", shown)
        monkeypatch.setattr(human, "_terminal", human._Terminal())
        late = asyncio.ensure_future(human.ask_at_terminal("first? "))
        await asyncio.sleep(0.001)
        late.cancel()
        asking = asyncio.ensure_future(human.ask_at_terminal("second? "))
        await asyncio.sleep(0.001)
        typing.write("four\n")
        assert await asking == "four"
        typing.close()
        with pytest.raises(EOFError):
            await human.ask_at_terminal("third? ")
    assert shown.getvalue() == "first? second? third? "


async def test_a_person_writes_a_note_of_what_they_are_shown(make_call: MakeCall, say: Say) -> None:
    person = Person("Add them\x1b.")
    assert await HumanPeer("ann", person).note(make_call(SUM), "outline", [say("I say 5", "5")]) == "Add them."
    assert "I say 5" in person.shown
    assert "Outline, in one line:" in person.shown


async def test_a_person_is_shown_the_notes_that_guide_them(make_call: MakeCall, say: Say) -> None:
    person = Person("4", "4")
    peer, call = HumanPeer("ann", person), make_call(SUM, guide=["count on fingers"])
    await peer.propose(call)
    assert "Outline:\n> count on fingers" in person.shown
    person.shown = ""
    await peer.revise(call, say("5", "5"), ())
    assert "Outline:\n> count on fingers" in person.shown
