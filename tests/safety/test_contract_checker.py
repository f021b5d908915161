"""The checker is blind to arrival, sees causal pasts and nothing else, and says what a plain fold over them says."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Channel, Cut, Message, MessageId, Note, PeerId, Proposal, local_peer_id, swarm_id
from waggledance.safety import CausalPast, Checker, Compliance, Violation, at_most, contract, each, sum_of
from waggledance.safety._causal_past import causes_of

AnyMessage = Message[Any]


class Remembers:
    """A contract whose state is all that it was given, in order: a past of so many is broken by one message in `of`."""

    name, scope = "remembers", "*"

    def __init__(self, most: int, of: int = 1) -> None:
        self.most, self.of = most, of

    def start(self) -> tuple[MessageId, ...]:
        return ()

    def step(self, state: tuple[MessageId, ...], message: AnyMessage, past: CausalPast) -> Any:
        if len(state) >= self.most and message.id[0] % self.of == 0:
            return Violation(why="-".join(id.hex()[:4] for id in state))
        return (*state, message.id)


def talk(seed: int, length: int, authors: int) -> list[AnyMessage]:
    """Return a random history: who speaks has heard some of what was said, and some cut names what it had heard."""
    rng, channel = Random(seed), Channel(swarm_id("t"), "c")
    ids = [local_peer_id(f"p{i}") for i in range(authors)]
    said: list[AnyMessage] = []
    for at in range(length):
        heard = rng.sample(said, min(len(said), rng.choice((0, 1, 1, 2, 3))))
        body: Any = Proposal(round=rng.randrange(3), key=str(at))
        if heard and rng.random() < 0.2:
            body, heard = Cut(ids=tuple(sorted(m.id for m in heard))), []
        elif rng.random() < 0.2:
            body = Note(about="note", text=str(at))
        said.append(channel.publish(rng.choice(ids), body, heard, 0))
    return said


class Naive:
    """The definition, word by word: every past is a set, and is folded anew for every message."""

    def __init__(self, messages: Sequence[AnyMessage], rule: Any) -> None:
        self.by_id, self.rule = {m.id: m for m in messages}, rule
        self.broken = {m.id: why for m in messages if (why := self.verdict(m.id)) is not None}

    def past(self, id: MessageId) -> set[MessageId]:
        found: set[MessageId] = set()
        for cause in causes_of(self.by_id[id]):
            found |= {cause} | self.past(cause)
        return found

    def depth(self, id: MessageId) -> int:
        return 1 + max((self.depth(cause) for cause in causes_of(self.by_id[id])), default=0)

    def before(self, id: MessageId) -> Any:
        """Return the state before a message: None when its past is broken, the violation when that breaks together."""
        causes = causes_of(self.by_id[id])
        if not causes:
            return self.rule.start()
        main = max(causes, key=lambda cause: (len(self.past(cause)), cause))
        others = self.past(id) - self.past(main) - {main}
        if any(self.after(one) is None for one in (main, *others)):
            return None
        state = self.after(main)
        for one in sorted(others, key=lambda one: (self.depth(one), one)):
            state = self.rule.step(state, self.by_id[one], None)
            if isinstance(state, Violation):
                return state
        return state

    def after(self, id: MessageId) -> Any:
        before = self.before(id)
        if before is None or isinstance(before, Violation):
            return None
        after = self.rule.step(before, self.by_id[id], None)
        return None if isinstance(after, Violation) else after

    def verdict(self, id: MessageId) -> str | None:
        before = self.before(id)
        if before is None or isinstance(before, Violation):
            return None if before is None else before.why
        after = self.rule.step(before, self.by_id[id], None)
        return after.why if isinstance(after, Violation) else None


@pytest.mark.parametrize("most", [1, 2, 3, 5])
@pytest.mark.parametrize("of", [1, 2, 3])
def test_it_says_what_a_plain_fold_over_causal_pasts_says(most: int, of: int) -> None:
    for seed in range(25):
        said = talk(seed, length=12, authors=1 + seed % 4)
        checker = Checker([Remembers(most, of)])
        for message in said:
            checker.hear(message)
        found = {MessageId(v.at): v.why for v in checker.compliance().violations}
        assert found == Naive(said, Remembers(most, of)).broken


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), length=st.integers(0, 30), authors=st.integers(1, 6))
def test_arrival_does_not_matter_and_each_violation_is_told_once(seed: int, length: int, authors: int) -> None:
    said = talk(seed, length, authors)
    rules = [
        Remembers(5),
        contract("few", at_most(2, "proposal/1", per=("round",))),
        contract("sum", sum_of("*", "round", per=("author",)).at_most(4)),
    ]
    verdicts = list[Compliance]()
    for order in range(3):
        shuffled = list(said)
        Random(order).shuffle(shuffled)
        checker = Checker(rules)
        told = [violation for message in shuffled for violation in checker.hear(message)]
        verdict = checker.compliance()
        assert not verdict.waiting
        assert sorted((v.contract, v.at) for v in told) == sorted((v.contract, v.at) for v in verdict.violations)
        verdicts.append(verdict)
    assert verdicts[0] == verdicts[1] == verdicts[2]


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 25))
def test_who_holds_less_finds_what_is_there_and_nothing_else(seed: int, length: int) -> None:
    said = talk(seed, length, 4)
    whole = Checker([Remembers(4)])
    for message in said:
        whole.hear(message)
    some = [message for message in said if Random(message.id).random() < 0.7]
    part = Checker([Remembers(4)])
    for message in some:
        part.hear(message)
    assert set(part.compliance().violations) <= set(whole.compliance().violations)


def test_two_who_do_not_know_of_each_other_are_judged_where_somebody_knows_of_both() -> None:
    channel, ids = Channel(swarm_id("t"), "c"), [local_peer_id(name) for name in "abc"]
    one, other = (channel.publish(id, Proposal(key="4"), [], 0) for id in ids[:2])
    rule = contract("one", at_most(1, "proposal/1"))
    checker = Checker([rule])
    assert [checker.hear(message) for message in (one, other)] == [(), ()]
    witness = channel.publish(ids[2], Note(about="note", text="both"), [one, other], 0)
    [found] = checker.hear(witness)
    assert found.at == witness.id
    assert found.by == PeerId(b""), "neither is to blame"
    assert set(found.involved) <= {one.id, other.id}
    after = channel.publish(ids[2], Proposal(key="5"), [], 0)
    assert checker.hear(after) == (), "a broken contract is not judged again in what comes after"


def test_who_comes_late_and_builds_on_what_all_others_have_passed_is_judged_by_the_past_it_knew() -> None:
    cheap = contract("cheap", sum_of("proposal/1", "round").at_most(3))
    channel, silent = Channel(swarm_id("t"), "c"), local_peer_id("silent")
    ids = [local_peer_id(f"p{i}") for i in range(3)]
    begun = channel.publish(ids[0], Note(about="note", text="?"), [], 0)
    said: list[AnyMessage] = [begun]
    for number in range(12):  # a round costs 1, and everybody has heard of all before
        body = Proposal(round=1, key="4") if number < 3 else Note(about="note", text=str(number))
        said.append(channel.publish(ids[number % 3], body, said, 0))
    fits = channel.publish(silent, Proposal(round=3, key="4"), [begun], 0)
    breaks = channel.publish(local_peer_id("late"), Proposal(round=1, key="4"), [said[3]], 0)
    for order in ((*said, fits, breaks), (fits, breaks, *reversed(said))):
        checker = Checker([cheap])
        for message in order:
            checker.hear(message)
        assert [violation.at for violation in checker.compliance().violations] == [breaks.id]


def test_a_past_knows_what_its_message_builds_on_and_no_more() -> None:
    channel, ids = Channel(swarm_id("t"), "c"), [local_peer_id(name) for name in "ab"]
    one = channel.publish(ids[0], Proposal(key="1"), [], 0)
    two = channel.publish(ids[1], Proposal(key="2"), [], 0)
    three = channel.publish(ids[1], Note(about="note", text=""), [], 0)
    four = channel.publish(ids[0], Note(about="note", text=""), [two], 0)
    seen: dict[MessageId, CausalPast] = {}

    def look(message: AnyMessage, past: CausalPast) -> None:
        seen[message.id] = past

    checker = Checker([contract("look", each("*", look))])
    for message in (one, two, three, four):
        checker.hear(message)
    past = seen[four.id]
    assert (len(past), list(past)) == (2, sorted([one, two]))
    assert one.id in past
    assert past.get(two.id) is two
    assert three.id not in past
    assert past.get(three.id) is None
    assert four.id not in past
    assert past.previous is one
    assert set(past.causes) == {one, two}
    assert (past.depth, past.opening, past.sealed, dict(past.members), past.exchanges) == (2, None, False, {}, ())


@pytest.mark.parametrize("length", [400])
def test_states_are_shared_so_a_long_talk_costs_no_more_a_step(length: int) -> None:
    steps = 0

    class Counts(Remembers):
        def step(self, state: Any, message: AnyMessage, past: CausalPast) -> Any:
            nonlocal steps
            steps += 1
            return state

    channel, ids = Channel(swarm_id("t"), "c"), [local_peer_id(f"p{i}") for i in range(8)]
    checker, last = Checker([Counts(0)]), list[AnyMessage]()
    for _ in range(length // len(ids)):
        last = [channel.publish(id, Proposal(key="4"), last, 0) for id in ids]
    for message in channel.messages():
        checker.hear(message)
    assert steps <= 2 * length, "each message is folded once for itself and once for those who heard it"
