"""The form of a turn: read strictly, and the same when it is read again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.consensus import FloorReport, FloorTask, TaskRef
from waggledance.core import MessageId, Note, PeerId, local_peer_id
from waggledance.peers._prompts import BUILT_IN
from waggledance.protocols._floor_form import MAX_TEXT_CHARS, Form, read_form

ADA, BOB, CAT = (local_peer_id(name) for name in ("Ada", "Bob", "Cat"))
NAMES: dict[PeerId, str] = {ADA: "Ada", BOB: "Bob", CAT: "Cat"}
TASKS = [FloorTask(TaskRef(MessageId(bytes([i] * 32)), peer), "look", "given") for i, peer in enumerate((BOB, CAT))]
LINES = (
    "Act: discuss", "Act: pause", "Act: assign and wait", "Next: Bob", "Next: nobody", "Task for Cat: look", "Say: so",
    "Thought: I lie", "Wait for: 1, 2", "Wait for: 9", "plain words", "", "**Act:** conclude", "Task for Eve: spy",
)  # fmt: skip


def read(said: str) -> Form:
    return read_form(said, NAMES, TASKS)


def test_every_act_is_read_with_what_belongs_to_it() -> None:
    assert read("Ok.\nAct: discuss\nNext: bob.") == Form("Ok.\nAct: discuss\nNext: bob.", "discuss", (BOB,))
    given = read("Act: Assign and wait\nTask for Bob: find it\nTask for Cat: see: it")
    assert (given.act, [(t.who, t.what) for t in given.tasks]) == (
        "assign-and-wait",
        [(BOB, "find it"), (CAT, "see: it")],
    )
    onwards = read("**Act:** assign and go on\n**Next:** Ada\n- Task for Bob: find it")
    assert (onwards.act, onwards.next, onwards.tasks[0].who) == ("assign-and-go-on", (ADA,), BOB)
    assert read("Act: pause\nWait for: 2 and 1").triggers == (TASKS[1].ref, TASKS[0].ref)
    assert read("act : CONCLUDE").act == "conclude"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "I conclude.",
        "Act: sing",
        "Act: discuss\nAct: conclude",
        "Act: discuss\nNext: Ada\nNext: Bob",
        "Act: assign and wait",
        "Act: assign and wait\nTask for Eve: spy",
        "Act: assign and wait\nTask for Bob:",
        "Act: discuss\nTask for Bob: look",
        "Act: pause",
        "Act: pause\nWait for: 9",
        "Act: pause\nWait for: Bob",
        "Act: conclude\nWait for: 1",
    ],
)
def test_what_is_not_in_the_form_is_a_discussion_that_names_nobody(said: str) -> None:
    assert read(said) == Form(said)


def test_who_names_only_strangers_keeps_the_floor_and_who_names_nobody_hands_it_on() -> None:
    assert read("Act: discuss\nNext: Eve").next == ()
    assert read("Act: discuss").next is None


def test_a_name_that_two_bear_names_nobody() -> None:
    twice = {ADA: "Bob", BOB: "bob ", CAT: "Cat"}
    assert read_form("Act: discuss\nNext: Bob", twice, []).next == ()


def test_a_thought_is_left_out_with_all_its_lines() -> None:
    said = read("Thought: they must not know\nthat I guess\nSay: It is 4.\nAct: conclude\nThought: good")
    assert said == Form("Say: It is 4.\nAct: conclude", "conclude")


def test_a_long_turn_loses_its_end_and_its_words_are_well_formed() -> None:
    said = read("Act: assign and wait\nTask for Bob: cafe\u0301 \ud800" + "x" * 9_000)
    assert len(said.text) == MAX_TEXT_CHARS
    assert said.tasks[0].what.startswith("caf\u00e9 ?")


def test_the_example_that_agents_are_shown_is_in_the_form() -> None:
    _, answer = BUILT_IN.note_example("speech")
    said = read_form(answer, {ADA: "Ada", BOB: "Bob", CAT: "Cy"}, [])
    assert (said.act, [task.who for task in said.tasks]) == ("assign-and-wait", [BOB, CAT])


@given(said=st.one_of(st.lists(st.sampled_from(LINES), max_size=7).map("\n".join), st.text(max_size=80)))
@settings(max_examples=150)
def test_reading_again_what_was_read_gives_the_same(said: str) -> None:
    once = read(said)
    assert read(once.text) == once
    assert "I lie" not in once.text
    Note(about="speech", text=once.text)


def test_a_task_has_ended_when_it_is_done_or_failed() -> None:
    ends = {
        progress: FloorTask(TASKS[0].ref, "look", progress).ended for progress in ("given", "started", "done", "failed")
    }
    assert ends == {"given": False, "started": False, "done": True, "failed": True}
    assert FloorReport(about="work", text="", turn=TASKS[0].ref.turn, progress="done").round == 0
