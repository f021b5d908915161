"""Peers speak at once; what is told of it can be read, loses nothing, and names who says what."""

from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import NO_COST, Exchange, Message, PeerId, Proposal, Words, compose, swarm_id
from waggledance.gateways._floor import Floor

Happening = Words | Exchange | Message[Proposal]

NAMES = {PeerId(bytes([i]) * 32): name for i, name in enumerate(("ada", "ben", "cleo"))}


def words(i: int, text: str, number: int = 1) -> Words:
    peer = list(NAMES)[i]
    return Words(peer, NAMES[peer], number, text)


def ended(i: int, number: int = 1) -> Exchange:
    return Exchange(channel="q1", author=list(NAMES)[i], number=number, skill="propose", round=0)


def test_the_first_speaker_is_heard_word_by_word_and_the_others_when_it_ends() -> None:
    floor = Floor()
    events: list[Happening] = [
        words(0, "Ice"),
        words(1, "Wat"),
        words(0, " floats"),
        words(1, "er"),
        ended(0),
        words(1, " too"),
        ended(1),
    ]
    told = [floor.hear(event) for event in events]
    assert told == ["ada: Ice", "", " floats", "", "\n\nben: Water", " too", ""]


def test_who_ended_while_another_spoke_is_told_whole_before_one_who_still_speaks() -> None:
    floor = Floor()
    for event in (words(0, "a"), words(1, "b"), words(2, "c"), ended(2)):
        floor.hear(event)
    assert floor.hear(ended(0)) == "\n\ncleo: c\n\nben: b"
    assert floor.hear(words(1, "!")) == "!"


def test_a_peer_that_answers_several_times_at_once_is_told_answer_by_answer() -> None:
    floor = Floor()
    events: list[Happening] = [
        words(0, "a", 1),
        words(0, "x", 2),
        words(0, "b", 1),
        words(0, "y", 2),
        ended(0, 1),
        ended(0, 2),
    ]
    assert [floor.hear(event) for event in events] == ["ada: a", "", "b", "", "\n\nada: xy", ""]


@given(
    said=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.sampled_from("xyz"), st.booleans()), max_size=30)
)
@settings(max_examples=200)
def test_nothing_is_lost_and_nothing_told_twice(said: list[tuple[int, int, str, bool]]) -> None:
    floor, told = Floor(), ""
    expected: dict[tuple[int, int], str] = {}
    generation: dict[tuple[int, int], int] = {}
    for i, call, text, ends in said:
        number = 2 * generation.get((i, call), 0) + call
        told += floor.hear(words(i, text, number))
        expected[i, number] = expected.get((i, number), "") + text
        if ends:
            told += floor.hear(ended(i, number))
            generation[i, call] = generation.get((i, call), 0) + 1
    told += floor.rest()
    names = list(NAMES.values())
    speeches = sorted(f"{names[i]}: {text}" for (i, _), text in expected.items())
    assert sorted(filter(None, told.split("\n\n"))) == speeches


def test_whoever_speaks_elsewhere_has_ended_when_its_message_comes() -> None:
    floor = Floor()
    peers = list(NAMES)
    swarm, said = swarm_id("s"), Proposal(key="a", text="Ice", cost=NO_COST)
    messages = [compose(peer, said, 1, None, (), 1, 0, swarm, "q1")[0] for peer in peers[:2]]
    assert floor.hear(words(0, "Ice")) == "ada: Ice"
    assert floor.hear(words(1, "Water")) == ""
    assert floor.hear(messages[1]) == ""
    assert floor.hear(words(2, "Wa")) == ""
    assert floor.hear(messages[0]) == "\n\nben: Water\n\ncleo: Wa"
    assert floor.hear(words(2, "ter")) == "ter"
