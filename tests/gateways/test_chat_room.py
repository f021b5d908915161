"""A room: one order for all, names that stay whose they are, and a log from which it all comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from waggledance.core import BlobRef, Log, Part, Say, UsageError, local_peer_id, verify
from waggledance.gateways._chat_room import MAX_PEOPLE, TURNS_A_MINUTE, NotInRoom, Person, Room, TooFast
from waggledance.testing import on_virtual_time


def gone() -> None: ...


def inside(room: Room, name: str) -> Person:
    return room.enter(name, "", gone)


async def test_turns_have_one_order_that_stands_in_the_log_itself() -> None:
    room = Room("lobby", ["swarm"])
    ada, bob = inside(room, "ada"), inside(room, "bob")
    for i in range(6):
        room.say((ada, bob)[i % 2], str(i))
    room.answer("swarm", Say(text="6"))
    by_number = [message for _, message in room.said()]
    assert [m.body.text for m in by_number] == list("0123456")
    assert sorted(by_number, key=lambda m: m.lamport) == by_number
    assert room.said(after=5) == ((6, by_number[5]), (7, by_number[6]))


async def test_a_room_comes_back_from_its_log(tmp_path: Path) -> None:
    with Log(tmp_path / "log.sqlite") as log:
        room = Room("lobby", ["swarm"], log)
        ada = inside(room, "ada")
        room.say(ada, "Hello.", [Part(type="audio/wav", blob=BlobRef(b"h" * 32, 9), alt="hello")])
    with Log(tmp_path / "log.sqlite") as log:
        again = Room("lobby", ["swarm"], log)
        bob = inside(again, "bob")
        again.say(bob, "Hi, ada.")
        assert [(n, again.name_of(m.author), m.body.text) for n, m in again.said()] == [
            (1, "ada", "Hello."),
            (2, "bob", "Hi, ada."),
        ]
        assert again.said()[1][1].body.to == (local_peer_id("ada"),)
        assert list(again.media) == [(b"h" * 32).hex()]
    assert verify(tmp_path / "log.sqlite").ok


async def test_names_that_look_like_anothers_or_a_swarms_are_refused() -> None:
    room = Room("lobby", ["swarm"])
    inside(room, "ada")
    for name in ("Ada", "ADA_", "аdа", "swarm", "Swarm.", "ѕwаrm", "<b>x</b>", ""):
        with pytest.raises(NotInRoom):
            inside(room, name)


async def test_a_name_stays_with_its_ticket_also_after_its_owner_has_gone() -> None:
    room, ended = Room("lobby", []), list[str]()
    ada = room.enter("ada", "", lambda: ended.append("first"))
    with pytest.raises(NotInRoom, match="is taken"):
        room.enter("ada", "wrong", gone)
    again = room.enter("ADA", ada.ticket, gone)
    assert again is ada
    assert ended == ["first"]
    room.leave(ada, gone)
    assert room.here() == ()
    with pytest.raises(NotInRoom):
        inside(room, "ada")
    assert room.enter("ada", ada.ticket, gone).name == "ada"


async def test_a_connection_that_ends_late_does_not_put_out_who_came_back() -> None:
    room = Room("lobby", [])
    first, second = (lambda: None), (lambda: None)
    ada = room.enter("ada", "", first)
    room.enter("ada", ada.ticket, second)
    room.leave(ada, first)
    assert room.here() == ("ada",)


async def test_a_full_room_takes_nobody_until_somebody_leaves() -> None:
    room = Room("lobby", [])
    letters = "abcdefghjk"
    people = [inside(room, f"guest {letters[i // 10]}{letters[i % 10]}") for i in range(MAX_PEOPLE)]
    with pytest.raises(NotInRoom, match="come back later"):
        inside(room, "one more")
    room.leave(people[0], gone)
    inside(room, "yet another")


def test_a_flood_is_slowed_down_and_others_are_not() -> None:
    async def flood() -> None:
        room = Room("lobby", [])
        ada, bob = inside(room, "ada"), inside(room, "bob")
        for i in range(TURNS_A_MINUTE):
            room.say(ada, str(i))
        with pytest.raises(TooFast, match="2 s"):
            room.say(ada, "more")
        room.say(bob, "I may")
        assert len(room.said()) == TURNS_A_MINUTE + 1

    on_virtual_time(flood())


async def test_what_cannot_be_said_is_refused_with_its_reason() -> None:
    room = Room("lobby", [])
    ada = inside(room, "ada")
    for text, why in (("", "nothing is said"), ("a" * 4_001, "split it")):
        with pytest.raises(NotInRoom, match=why):
            room.say(ada, text)


async def test_a_text_in_html_stays_the_text_that_it_is() -> None:
    room = Room("lobby", [])
    html = "<script>alert(1)</script> & <b>bold</b>"
    assert room.say(inside(room, "ada"), html).body.text == html


@pytest.mark.parametrize(
    ("name", "speakers"), [("Lobby", []), ("", []), ("a" * 41, []), ("a/b", []), ("x", ["ada", "ADA"]), ("x", ["<b>"])]
)
def test_rooms_and_their_speakers_have_proper_names(name: str, speakers: list[str]) -> None:
    with pytest.raises(UsageError):
        Room(name, speakers)
