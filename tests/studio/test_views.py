"""What is worked out of a channel's messages: prompts and replies, plans, decisions that cannot be decided again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from waggledance import Swarm
from waggledance.core import (
    UNIT,
    Cut,
    Exchange,
    Judgement,
    Log,
    Member,
    Message,
    MessageId,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Question,
    Verdict,
    compose,
    encode,
    local_peer_id,
    swarm_id,
)
from waggledance.models import Scripted
from waggledance.peers import Agent, FunctionPeer
from waggledance.protocols import Vote
from waggledance.studio._archive import Archive
from waggledance.studio._channel import Drawn, channel_of
from waggledance.studio._channels import channels_of
from waggledance.studio._conversation import Conversation
from waggledance.studio._decision import decision_of
from waggledance.studio._hearing import hearing_of
from waggledance.studio._index import is_being_written
from waggledance.studio._kinds import know_all_kinds
from waggledance.studio._log_window import LogWindow
from waggledance.studio._message import shown
from waggledance.studio._plan import plan_of
from waggledance.studio._search import hits_of
from waggledance.studio._shapes import Author
from waggledance.studio._whole import whole
from waggledance.tasks import Add, Link, Task

SWARM, ASKER = swarm_id("s"), local_peer_id("asker")


def read(log: Path, channel: str | None = None) -> Conversation:
    """Return a log's channel, its first when none is named."""
    window = LogWindow(log)
    window.refresh()
    conversation = Conversation(channel or next(iter(window.counted())))
    conversation.read_on(window)
    window.close()
    return conversation


def opening(names: tuple[str, ...], **more: Any) -> Opening:
    members = tuple(Member(local_peer_id(name), name, UNIT) for name in names)
    return Opening(question=Question(text="2 + 2?", expects="number"), members=members, **more)


def written(path: Path, *bodies: tuple[PeerId, Any], channel: str = "c") -> Conversation:
    """Write bodies one after the other, each built on all before; return the channel."""
    said: list[Message[Any]] = []
    with Log(path) as log:
        for author, body in bodies:
            mine = [message for message in said if message.author == author]
            previous = mine[-1].id if mine else None
            parents = tuple(sorted(message.id for message in said[-60:] if message.id != previous))
            lamport = 1 + max((message.lamport for message in said), default=0)
            message, raw = compose(author, body, len(mine) + 1, previous, parents, lamport, 7, SWARM, channel)
            log.append(message, raw)
            said.append(message)
    return read(path, channel)


def test_a_message_opened_shows_what_its_author_asked_and_was_answered(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        peers = [Agent(name, Scripted(f"{name} says 4", name=f"model-{name}")) for name in ("ada", "ben")]
        Swarm(peers, log=log, protocol=Vote(samples=1)).ask_sync("2 + 2?", expects="number")
    archive = Archive(tmp_path / "log.db")
    archive.refresh()
    (name,) = archive.index.names()
    conversation = archive.drawn(name).conversation
    for message in conversation.came:
        opened = whole(archive, name, message.id.hex())
        if isinstance(message.body, Proposal):
            (asked,) = opened.exchanges
            name_here = conversation.names[message.author]
            assert asked.of == f"model-{name_here}"
            assert "2 + 2?" in asked.asked
            assert f"{name_here} says 4" in asked.answered
        else:
            assert opened.exchanges == ()
        assert opened.raw_bytes == len(encode(message))
    archive.close()


def test_an_exchange_that_cannot_be_read_is_left_out(tmp_path: Path, asked: Any) -> None:
    import sqlite3
    from contextlib import closing

    asked(tmp_path / "log.db")
    with Log(tmp_path / "log.db") as log:
        (name,) = log.names()
        said = next(message for message in log.read(name) if isinstance(message.body, Proposal))
        for of in ("good", "bad"):
            log.append_exchange(
                Exchange(
                    channel=name, author=said.author, number=1, sequence=said.sequence, skill="propose", round=0, of=of
                )
            )
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as connection:
        connection.execute("UPDATE exchanges SET exchange = '{' WHERE exchange LIKE '%bad%'")
    archive = Archive(tmp_path / "log.db")
    archive.refresh()
    assert [found.of for found in whole(archive, name, said.id.hex()).exchanges] == ["good"]
    archive.close()


async def test_a_plan_has_its_tasks_with_who_did_them_and_when(tmp_path: Path) -> None:
    first, second = Task(goal="Count the bees"), Task(goal="Count them again")
    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([FunctionPeer(name, lambda _: "17") for name in ("ada", "ben")], log=log)
        await swarm.run([Add(first), Add(second), Link(first.id, second.id)])
    conversation = read(tmp_path / "log.db")
    said = "\n".join(shown(message, conversation).text for message in conversation.came)
    assert "done “Count the bees”" in said
    assert "think: worth 100 % of what was asked" in said
    plan = plan_of(conversation)
    assert plan is not None
    by_goal = {task.goal: task for task in plan.tasks}
    assert {task.state for task in plan.tasks} == {"done"}
    assert by_goal["Count them again"].needs == (first.id.hex(),)
    for task in plan.tasks:
        assert task.by in ("ada", "ben")
        assert task.result == "17"
        assert task.began_ms is not None
        assert task.ended_ms is not None
        assert task.began_ms <= task.ended_ms


def test_a_plan_that_nobody_has_begun_says_what_is_ready_and_what_waits(tmp_path: Path) -> None:
    from waggledance.tasks import PlanEdit

    first, second = Task(goal="Count the bees"), Task(goal="Count them again")
    edit = PlanEdit(ops=(Add(first), Add(second), Link(first.id, second.id)))
    plan = plan_of(written(tmp_path / "log.db", (ASKER, opening(("ada",))), (ASKER, edit)))
    assert plan is not None
    assert {task.goal: (task.state, task.by, task.began_ms) for task in plan.tasks} == {
        "Count the bees": ("ready", None, None),
        "Count them again": ("waiting", None, None),
    }


def test_where_nobody_plans_there_is_no_plan(log: Path) -> None:
    assert plan_of(read(log)) is None


def test_a_decision_that_cannot_be_decided_again_is_the_askers_word_and_says_so(tmp_path: Path) -> None:
    ada = local_peer_id("ada")
    conversation = written(
        tmp_path / "log.db",
        (ASKER, opening(("ada",), rule="a-rule-of-our-own")),
        (ada, Proposal(key="4")),
        (ASKER, Cut(ids=())),
        (ASKER, Outcome(status="decided", key="4", rule="a-rule-of-our-own", decision=bytes(32), notes=("close",))),
    )
    decision = decision_of(conversation)
    assert decision is not None
    assert (decision.status, decision.key, decision.answer) == ("decided", "4", "4")
    assert decision.notes[0] == "close"
    assert "could not be decided again" in decision.notes[1]
    assert decision.support == ()


def test_an_outcome_by_somebody_else_than_the_asker_decides_nothing(tmp_path: Path) -> None:
    ada = local_peer_id("ada")
    outcome = Outcome(status="decided", key="666", rule="majority", decision=bytes(32))
    conversation = written(tmp_path / "log.db", (ASKER, opening(("ada",), rule="majority")), (ada, outcome))
    assert decision_of(conversation) is None
    archive = Archive(tmp_path / "log.db")
    archive.refresh()
    assert channels_of(archive).channels[0].status == "unfinished"
    archive.close()


def test_a_judgement_names_the_answers_it_judges_by_how_far_back_they_stand(tmp_path: Path) -> None:
    ada, ben, cleo = (local_peer_id(name) for name in ("ada", "ben", "cleo"))
    said = Proposal(key="4")
    first = written(tmp_path / "a.db", (ASKER, opening(("ada", "ben", "cleo"))), (ada, said))
    judged = Judgement(verdicts=(Verdict((first.came[1].id,), (UNIT,), reason="right"),))
    again = written(
        tmp_path / "b.db", (ASKER, opening(("ada", "ben", "cleo"))), (ada, said), (ben, said), (cleo, judged)
    )
    message = shown(again.came[3], again)
    assert message.refs == (2,), "two places before it"
    assert message.text == "right"
    assert message.verdicts is not None
    assert message.verdicts[0].scores == (UNIT,)
    assert message.verdicts[0].subjects == (2,)


@pytest.mark.parametrize(
    ("topology", "heard"),
    [
        ("", {}),
        ("ring(neighbours=1)", None),
        ("none-such", "nobody can tell"),
        ("ring(neighbours=x)", "nobody can tell"),
    ],
)
def test_who_hears_whom_by_the_topology(tmp_path: Path, topology: str, heard: object) -> None:
    names = ("ada", "ben", "cleo", "dov", "eva")
    hearing = hearing_of(written(tmp_path / "log.db", (ASKER, opening(names, topology=topology))))
    if heard == "nobody can tell":
        assert hearing is None
        return
    assert hearing is not None
    assert not hearing.everyone
    if heard is None:
        assert {len(of) for of in hearing.of.values()} == {2}
        assert len(hearing.of) == 5
    else:
        assert hearing.of == heard


def test_a_long_text_is_cut_in_lists_and_whole_when_opened(tmp_path: Path) -> None:
    ada, text = local_peer_id("ada"), "x" * 5_000
    conversation = written(tmp_path / "log.db", (ASKER, opening(("ada",))), (ada, Proposal(key="4", text=text)))
    message = shown(conversation.came[1], conversation)
    assert (len(message.text), message.cut) == (2_000, True)
    archive = Archive(tmp_path / "log.db")
    archive.refresh()
    assert whole(archive, "c", message.id).text == text
    archive.close()


def test_a_search_ends_at_its_limit_and_says_that_there_is_more(tmp_path: Path) -> None:
    ada = local_peer_id("ada")
    bodies = [(ada, Proposal(key="4", text=f"bees {n}")) for n in range(60)]
    written(tmp_path / "log.db", (ASKER, opening(("ada",))), *bodies, *bodies)
    archive = Archive(tmp_path / "log.db")
    archive.refresh()
    found = hits_of(archive, "BEES")
    assert (len(found.hits), found.more) == (100, True)
    assert found.hits[0].snippet == "bees 59"
    assert (found.hits[0].name, found.hits[0].kind, found.hits[0].round) == ("ada", "proposal/1", 0)
    assert not hits_of(archive, "bees 17").more
    archive.close()


def test_of_a_tie_the_answer_that_was_drawn_stands_first_and_it_is_said(tmp_path: Path, asked: Any) -> None:
    asked(tmp_path / "log.db", peers=2, protocol=Vote(samples=3))
    decision = decision_of(read(tmp_path / "log.db"))
    assert decision is not None
    assert [row.share_ppm for row in decision.support] == [500_000, 500_000]
    assert decision.support[0].key == decision.key
    assert any("tied with" in note for note in decision.notes)


def test_a_peer_dissents_once_however_often_it_said_so(tmp_path: Path, asked: Any) -> None:
    asked(tmp_path / "log.db", peers=3, protocol=Vote(samples=3))
    decision = decision_of(read(tmp_path / "log.db"))
    assert decision is not None
    assert [(dissent.name, dissent.key) for dissent in decision.dissent] == [("p0", "5")]


def test_votes_to_certify_say_what_they_sign_and_the_opening_how_much_is_needed(tmp_path: Path) -> None:
    from waggledance.consensus import Ack, Prep

    question, digest, signature = MessageId(bytes(32)), bytes(range(32)), bytes(64)
    names = ("ada", "ben", "cleo", "dov")
    conversation = written(
        tmp_path / "log.db",
        (ASKER, opening(names, certify="byzantine")),
        (local_peer_id("ada"), Prep(question=question, digest=digest, signature=signature)),
        (local_peer_id("ada"), Ack(question=question, digest=digest, signature=signature)),
    )
    messages = [shown(message, conversation) for message in conversation.came]
    assert [message.signs for message in messages] == [None, digest.hex()[:12], digest.hex()[:12]]
    page = channel_of(Drawn(conversation), 3, version="0", live=False, newer=False, broken="")
    assert (page.opening.certify, page.opening.needed) == ("byzantine", 2_666_667)
    assert not page.talk


def test_where_nobody_certifies_or_has_a_vote_no_weight_is_needed(tmp_path: Path) -> None:
    plain = written(tmp_path / "plain.db", (ASKER, opening(("ada",))))
    page = channel_of(Drawn(plain), 1, version="0", live=False, newer=False, broken="")
    assert (page.opening.certify, page.opening.needed) == ("", 0)
    nobody = Opening(question=Question(text="?"), members=(Member(ASKER, "a", 0),), certify="crash")
    page = channel_of(Drawn(written(tmp_path / "n.db", (ASKER, nobody))), 1, version="0", live=False, newer=False,
                      broken="")  # fmt: skip
    assert page.opening.needed == 0


async def test_a_conversation_has_the_words_of_people_under_their_names_and_nothing_to_decide(tmp_path: Path) -> None:
    from waggledance.core import Say
    from waggledance.gateways import Room

    with Log(tmp_path / "log.db") as log:
        room = Room("tea", ["swarm"], log)
        room.say(room.enter("ada", "", lambda: None), "Good morning")
        room.answer("swarm", Say(text="Nine.", decided_in="q1-abc"))
    conversation = read(tmp_path / "log.db")
    messages = [shown(message, conversation) for message in conversation.came]
    assert [message.text for message in messages] == ["The room tea", "ada", "Good morning", "Nine."]
    assert [m.author.name for m in messages if isinstance(m.author, Author)] == ["host", "ada", "swarm"]
    assert [message.decided_in for message in messages] == ["", "", "", "q1-abc"]
    archive = Archive(tmp_path / "log.db")
    archive.refresh()
    assert channels_of(archive).channels[0].status == "talk"
    assert channel_of(archive.drawn("chat-tea"), 4, version="0", live=False, newer=False, broken="").talk
    archive.close()


def test_a_swarms_lobby_is_no_broken_channel_and_its_members_have_names(tmp_path: Path) -> None:
    from waggledance.mesh import Capability, Feedback

    ada, ben = local_peer_id("ada"), local_peer_id("ben")
    said: list[tuple[PeerId, Any]] = [
        (ada, Capability(ver=1, name="ada")),
        (ben, Capability(ver=1, name="ben")),
        (ben, Feedback(about=ada, task=MessageId(bytes(32)), outcome_ppm=UNIT)),
    ]
    conversation = written(tmp_path / "log.db", *said, channel="lobby")
    page = channel_of(Drawn(conversation), 3, version="0", live=False, newer=False, broken="")
    assert page.talk
    assert page.broken is None
    assert page.opening.question == "The swarm’s lobby"
    assert [m.author.name for m in page.messages if isinstance(m.author, Author)] == ["ada", "ben"]
    assert page.messages[2].text == "ada was 100 % right"


def test_a_lock_that_a_killed_process_left_is_nobodys(tmp_path: Path) -> None:
    log = tmp_path / "log.db"
    assert not is_being_written(log)
    log.with_name("log.db.lock").write_text("999999999\n")
    assert not is_being_written(log)
    log.with_name("log.db.lock").write_text("")
    assert not is_being_written(log)
    with Log(log):
        assert is_being_written(log)


def test_every_kind_of_message_of_this_library_is_known() -> None:
    import re

    import waggledance
    from waggledance.core._message import KINDS

    know_all_kinds()
    source = Path(waggledance.__file__).parent
    written_down: set[str] = set()
    for file in source.rglob("*.py"):
        if "testing" not in file.parts and "lab" not in file.parts:
            written_down |= set(
                re.findall(r'^    kind: ClassVar\[str\] = "([^"]+/\d+)"', file.read_text(), re.MULTILINE)
            )
    assert written_down - KINDS.keys() == set()
    assert "proposal/1" in written_down


def test_few_channels_are_held_however_many_are_looked_at(
    tmp_path: Path, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waggledance.studio._archive.MESSAGES_HELD", 40)
    for n in range(5):
        asked(tmp_path / "log.db", f"{n} + {n}?")
    archive = Archive(tmp_path / "log.db")
    archive.refresh()
    for name in archive.index.names():
        assert len(archive.drawn(name).conversation.came) == 18
    assert len(archive._held) == 2
    archive.close()
