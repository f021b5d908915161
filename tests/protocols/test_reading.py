"""Reading within a budget: what fits, chosen alike and fairly."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Message, MessageId, PeerId, Proposal, local_peer_id, swarm_id
from waggledance.core._message import compose
from waggledance.protocols._reading import CUT, cut, tokens, tokens_read, within

ME = local_peer_id("me")
words = st.text(st.sampled_from("ab é蜂\n"), max_size=60).map(lambda text: Proposal.of("k", text).text)


def say(name: str, key: str | None, text: str = "") -> Message[Proposal]:
    message, _ = compose(
        author=local_peer_id(name), body=Proposal(key=key, text=text), sequence=1, previous=None, parents=(),
        lamport=1, wall_ms=0, swarm=swarm_id("test"), channel="q",
    )  # fmt: skip
    return message


keys = st.sampled_from(["4", "5", "a rather long answer", None])
said = st.lists(st.tuples(keys, words), max_size=6).map(
    lambda voices: [say(f"p{i}", key, text) for i, (key, text) in enumerate(voices)]
)


@given(text=words, budget=st.integers(0, 30))
def test_a_cut_text_fits_and_is_the_whole_or_a_marked_beginning(text: str, budget: int) -> None:
    got = cut(text, budget)
    assert tokens(got) <= budget
    assert got in (text, "") or (got.endswith(CUT) and text.startswith(got.removesuffix(CUT)))


def test_nothing_is_cut_in_the_middle_of_a_word() -> None:
    assert cut("Scouts look for a hollow tree.", 5) == "Scouts look […]"
    assert cut("Supercalifragilistic", 4) == ""


@given(said=said, budget=st.integers(0, 60), seed=st.integers(0, 9))
def test_a_budget_holds_and_answers_are_never_cut(said: list[Message[Proposal]], budget: int, seed: int) -> None:
    whole = {m.id: m.body for m in said}
    read = within(said, budget, me=ME, round=0, seed=seed)
    assert tokens_read(read) <= budget
    assert all(m.body.key == whole[m.id].key and m.author in {s.author for s in said} for m in read)
    cut_texts = [m for m in read if m.body.text not in (whole[m.id].text, "")]
    assert len(cut_texts) <= 1


@given(said=said, seed=st.integers(0, 9), rng=st.randoms(use_true_random=False))
def test_what_is_read_does_not_depend_on_who_came_first(said: list[Message[Proposal]], seed: int, rng: Random) -> None:
    def told(order: list[Message[Proposal]]) -> list[tuple[MessageId, str]]:
        return [(m.id, m.body.text) for m in within(order, 12, me=ME, round=1, seed=seed)]

    assert told(said) == told(rng.sample(said, k=len(said)))


@given(said=said)
def test_a_budget_that_holds_all_changes_nothing(said: list[Message[Proposal]]) -> None:
    assert [m.body for m in within(said, tokens_read(said), me=ME, round=0, seed=0)] == [m.body for m in sorted(said)]


def test_every_answer_is_read_before_a_second_voice_for_any() -> None:
    crowd = [*(say(f"p{i}", "4", "x" * 40) for i in range(8)), say("q", "5", "y" * 40)]
    for seed in range(30):
        read = within(crowd, 9 + 2 * 10, me=ME, round=0, seed=seed)
        assert {m.body.key for m in read if m.body.text} == {"4", "5"}


def test_who_is_read_is_drawn_anew_for_every_round_and_favours_nobody() -> None:
    crowd = [say(f"p{i}", "4", "x" * 40) for i in range(5)]
    first: Counter[PeerId] = Counter()
    for round in range(500):
        (read,) = [m for m in within(crowd, 15, me=ME, round=round, seed=1) if m.body.text]
        first[read.author] += 1
    assert all(60 <= first[m.author] <= 140 for m in crowd), first  # 100 ± 4.5 s.d.


def test_an_answer_that_does_not_fit_is_left_out_with_its_text() -> None:
    long = say("p0", "a rather long answer", "because")
    assert within([long], 4, me=ME, round=0, seed=0) == ()
    assert [m.body.text for m in within([long], 5, me=ME, round=0, seed=0)] == [""]
