"""What watchers are told of a conversation."""

from __future__ import annotations

from typing import Any

from waggledance import FunctionPeer, Swarm
from waggledance.cli._story import Story
from waggledance.cli._talk_story import talk_line
from waggledance.consensus import FloorReport, FloorTurn
from waggledance.core import MessageId
from waggledance.network import Simulated
from waggledance.protocols import Conversation
from waggledance.studio._message import said
from waggledance.testing import Kept

TURN = MessageId(bytes(32))


def test_a_turn_a_silence_and_tasks_are_told_in_one_line_each() -> None:
    turn = FloorTurn(round=2, about="speech", text="We need\nthe width.\x1b[2J")
    assert talk_line(turn, "ada") == "turn 3, ada: We need the width.\ufffd[2J"
    assert talk_line(FloorTurn(about="speech", text="", lapse="broke", takes=True), "ada") == (
        "turn 1, ada takes the floor: nothing [broke]"
    )
    told = [talk_line(FloorReport(about="work", text="6", turn=TURN, progress=p), "bob") for p in ("started", "done")]
    assert told == ["bob begins its task", "bob has done its task: 6"]
    failed = FloorReport(about="work", text="", lapse="no network", turn=TURN, progress="failed")
    assert talk_line(failed, "bob") == "bob could not do its task [no network]"


def test_a_watcher_of_a_conversation_reads_turns_and_a_page_shows_who_begins() -> None:
    def note(question: str, about: str, material: list[str]) -> str:
        return "It is 4.\nAct: conclude"

    kept, story = Kept(), Story()
    peers = [FunctionPeer(name, lambda question: "4", note=note) for name in ("ada", "bob")]
    Swarm(peers, network=Simulated(seed=1), protocol=Conversation(), log=kept).ask_sync("2+2?")
    lines: list[Any] = [story.hear(message) for message in kept.messages]
    assert any(line and line.startswith("turn 1, ") and line.endswith(": It is 4. Act: conclude") for line in lines)
    assert said(FloorReport(about="work", text="", turn=TURN, progress="started")) == "begins its task"
