"""What watchers are told, from messages that real swarms wrote."""

from __future__ import annotations

from typing import Any

from waggledance import FunctionPeer, Question, Swarm
from waggledance.cli._story import Story, as_json, label
from waggledance.core import Cost, Decision, Member, Message, MessageId, Note, Opening, local_peer_id, swarm_id
from waggledance.protocols import Debate, by_name


class Watcher:
    """A journal that only listens."""

    def __init__(self) -> None:
        self.story = Story()
        self.lines: list[str] = []
        self.messages: list[Message[Any]] = []

    def append(self, message: Message[Any], raw: bytes) -> None:
        self.messages.append(message)
        line = self.story.hear(message)
        if line is not None:
            self.lines.append(line)

    async def flush(self) -> None: ...

    def __len__(self) -> int:
        return 0

    def __contains__(self, channel: str) -> bool:
        return False


def watched(peers: list[FunctionPeer], question: str | Question = "How many?") -> tuple[Watcher, Decision]:
    watcher = Watcher()
    return watcher, Swarm(peers, protocol=Debate(), log=watcher).ask_sync(question, expects="number")


def test_a_change_of_mind_is_told_with_before_after_and_why() -> None:
    steady = FunctionPeer("ada", lambda _: "Answer: 9", revise=lambda _, __, ___: "Answer: 9")
    wavering = FunctionPeer("ben", lambda _: "Answer: 8", revise=lambda _, __, ___: "Ada counted right. Answer: 9")
    watcher, _ = watched([steady, wavering])
    assert "ben says 8: Answer: 8" in watcher.lines
    assert "round 1, ben changes 8 to 9: Ada counted right." in watcher.lines
    assert [(c.peer, c.round, c.before, c.after) for c in watcher.story.changes] == [("ben", 1, "8", "9")]


def test_a_peer_without_an_answer_is_told_with_its_reason() -> None:
    def broken(_: str) -> str:
        raise ValueError("no\x1b[2J battery")

    watcher, _ = watched([FunctionPeer("ada", lambda _: "9"), FunctionPeer("ben", broken)])
    told = next(line for line in watcher.lines if line.startswith("ben has no answer"))
    assert "no�[2J battery" in told or "no[2J battery" in told
    assert "\x1b" not in told


def test_terminal_escapes_in_names_and_answers_are_not_passed_on() -> None:
    watcher, _ = watched([FunctionPeer("a\x1b[31m", lambda _: "\x1b]0;owned\x07Answer: 9")])
    assert not [line for line in watcher.lines if "\x1b" in line or "\x07" in line]


def test_options_are_told_with_their_text() -> None:
    question = Question(text="Capital?", expects="choice", options=("Paris", "Rome"))
    assert label(question, "B") == "B (Rome)"
    assert label(question, None) == "no answer"


def test_programs_with_one_first_line_are_told_apart() -> None:
    question = Question(text="Write f", expects="code")
    assert label(question, "def f():\n    return 1") != label(question, "def f():\n    return 2")


def test_everything_that_is_in_a_message_can_be_written_as_json() -> None:
    watcher, decision = watched([FunctionPeer("ada", lambda _: "9"), FunctionPeer("ben", lambda _: "9")])
    plain = [as_json(message, watcher.story.names) for message in watcher.messages]
    assert plain[0]["kind"] == "opening/1"
    assert {row["author"] for row in plain if row["kind"] == "proposal/1"} == {"ada", "ben"}
    assert plain[-1]["body"]["decision"] == decision.id.hex()


def test_who_owes_an_answer_is_known_at_every_moment() -> None:
    watcher = Watcher()
    owing: list[set[str]] = []
    hear = watcher.append

    def append(message: Message[Any], raw: bytes) -> None:
        hear(message, raw)
        owing.append({row.name for peer, row in watcher.story.rows.items() if watcher.story.thinks(peer)})

    watcher.append = append  # type: ignore[method-assign]
    peers = [FunctionPeer("ada", lambda _: "9"), FunctionPeer("ben", lambda _: "9")]
    Swarm(peers, protocol=Debate(), log=watcher).ask_sync("How many?")
    assert owing[0] == {"ada", "ben"}
    assert owing[1] == {"ben"}
    assert owing[2] == {"ada", "ben"}
    assert owing[-1] == set()


def test_a_note_is_told_by_what_it_is_and_an_empty_one_with_its_reason() -> None:
    story = Story()
    ada = local_peer_id("ada")

    def told(body: Note) -> str | None:
        return story.hear(Message(MessageId(bytes(32)), ada, body, 1, None, (), 1, 0, swarm_id("s"), "q1"))

    story.hear(Message(MessageId(bytes(32)), ada, Opening(question=Question(text="?"), members=(Member(ada, "ada"),)),
                       1, None, (), 1, 0, swarm_id("s"), "q1"))  # fmt: skip
    assert told(Note(about="outline", text="Count\n1. all\x1b")) == "ada writes an outline: Count 1. all\ufffd"
    assert story.rows[ada].doing == "wrote an outline"
    assert told(Note(about="summary", text="", lapse="spent", round=2)) == "round 2, ada has no summary [spent]"
    assert told(Note(about="worked-examples", text="x", cost=Cost(calls=1))) == "ada writes worked examples: x"
    assert story.calls == 1


def test_sealed_answers_are_told_as_sealed_and_then_opened() -> None:
    watcher = Watcher()
    peers = [FunctionPeer(name, lambda _: "4") for name in ("ann", "bob")]
    Swarm(peers, log=watcher).ask_sync("How many?", expects="number", protocol=by_name("sealed vote"))
    sealed = [watcher.lines.index(f"{name} has an answer, and seals it") for name in ("ann", "bob")]
    opened = [watcher.lines.index(f"{name} opens its seal") for name in ("ann", "bob")]
    assert max(sealed) < min(opened) < watcher.lines.index("ann says 4")
