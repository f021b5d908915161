"""The decision as it is printed."""

from __future__ import annotations

import pytest

from waggledance.cli._decision_view import answer_line, cost_line, lines, plain
from waggledance.cli._story import Story
from waggledance.core import UNIT, Cost, Decision, Dissent, PeerId, Question

BEN, CLEO = PeerId(b"b" * 32), PeerId(b"c" * 32)
DECIDED = Decision(
    status="decided",
    key="9",
    text="All but nine ran. Answer: 9",
    support={"9": 3 * UNIT, "8": UNIT},
    confidence=0.75,
    dissent=(Dissent(BEN, "8", "17 minus 9 is 8. Answer: 8"), Dissent(CLEO, None, "timed out")),
    rule="majority",
    notes=("the budget of 5 calls is spent; decided on what is there",),
    silent=(CLEO,),
    cost=Cost(calls=4, prompt_tokens=1000, completion_tokens=200, micro_usd=2100),
    seconds=3.21,
    names={BEN: "ben", CLEO: "cleo"},
    channel="q1-abc",
)


def test_the_first_line_is_the_answer_alone_and_everything_else_follows() -> None:
    shown = plain(lines(DECIDED, Story())).splitlines()
    assert shown[0] == "9"
    text = "\n".join(shown)
    assert "75% confident" in text
    assert "ben says 8: 17 minus 9 is 8." in text
    assert "no answer from cleo" in text
    assert "note: the budget of 5 calls is spent" in text
    assert "4 calls, 1,200 tokens (1,000 read, 200 written), 3.2 s, $0.0021" in text
    assert "waggle replay q1-abc" in text


def test_what_is_not_kept_is_not_offered_for_replay() -> None:
    assert "replay" not in plain(lines(DECIDED, Story(), kept=False))


def test_bars_are_as_long_as_their_share() -> None:
    bars = [line for line in plain(lines(DECIDED, Story())).splitlines() if "█" in line]
    assert [bar.count("█") for bar in bars] == [18, 6]
    assert [bar.split()[0] for bar in bars] == ["9", "8"]


@pytest.mark.parametrize("n", [1, 12, 13, 500])
def test_many_answers_and_many_dissenters_stay_readable(n: int) -> None:
    peers = [PeerId(i.to_bytes(32)) for i in range(n)]
    decision = Decision(
        status="decided", key="0", support={str(i): UNIT for i in range(n)}, rule="majority", names={},
        dissent=tuple(Dissent(peer, str(i), "because") for i, peer in enumerate(peers)), silent=tuple(peers),
    )  # fmt: skip
    assert len(plain(lines(decision, Story())).splitlines()) < 45


def test_no_answer_is_said_and_shows_no_confidence() -> None:
    shown = plain(lines(Decision(status="undecided", key=None, rule="majority"), Story()))
    assert shown.splitlines()[0] == "no answer (undecided)"
    assert "confident" not in shown


def test_an_answer_in_free_text_is_printed_whole_and_harmless() -> None:
    story = Story(question=Question(text="Why?", expects="free"))
    decision = Decision(status="decided", key="because", text="Because\x1b[2J\nof bees.")
    assert answer_line(decision, story) == "Because�[2J\nof bees."


def test_a_tie_is_said() -> None:
    tied = Decision(status="decided", key="9", support={"9": UNIT, "8": UNIT, "7": 0}, rule="majority")
    assert "note: tied with 8: a lot" in plain(lines(tied, Story()))
    assert "tied" not in plain(lines(DECIDED, Story()))


def test_one_call_is_one_call() -> None:
    assert cost_line(Cost(calls=1), 0.0).startswith("1 call,")
