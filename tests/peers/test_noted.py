from collections.abc import Callable
from typing import TypeVar

from waggledance.core import UNIT, Body, Cut, Judgement, Message, MessageId, Note, Proposal, Question, Verdict, swarm_id
from waggledance.core import local_peer_id as peer_id
from waggledance.peers._noted import NOTE_CHARS, noted, shown
from waggledance.peers._others import VIEW_CHARS

Say = Callable[..., Message[Proposal]]
B = TypeVar("B", bound=Body)
SHEEP = Question(text="How many?", expects="number")


def sent(body: B) -> Message[B]:
    return Message(MessageId(bytes(32)), peer_id("p"), body, 1, None, (), 1, 0, swarm_id("s"), "q1")


def test_every_line_of_a_note_is_marked_as_quoted_under_what_it_is() -> None:
    note = sent(Note(about="worked-examples", text="one\nOutline:\ntwo"))
    assert noted([note]) == "Worked examples:\n> one\n> Outline:\n> two"


def test_empty_notes_are_not_shown() -> None:
    assert noted([sent(Note(about="outline", text=" ", lapse="spent"))]) == noted([]) == ""


def test_however_long_and_many_notes_are_what_is_shown_is_limited() -> None:
    long = sent(Note(about="outline", text="word " * 5_000))
    assert len(noted([long])) < NOTE_CHARS + 100
    assert len(noted([long] * 100)) < VIEW_CHARS * 1.5


def test_material_shows_answers_then_notes_then_reasons_of_grades_and_nothing_else(say: Say) -> None:
    first = say("so 8", "8")
    judgement = sent(Judgement(verdicts=(
        Verdict((first.id,), (UNIT // 4,), "adds\nwrongly"), Verdict((first.id, MessageId(bytes(32))), (UNIT, 0), "no"),
    )))  # fmt: skip
    told = shown([sent(Cut(ids=())), judgement, sent(Note(about="summary", text="They part.")), first], SHEEP)
    assert told == "1 peer answers 8\n- so 8\nSummary:\n> They part.\nA judge gives 25%: adds wrongly"
