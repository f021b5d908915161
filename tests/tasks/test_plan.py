"""A plan is a fold: same messages, same plan; never a cycle, never two holders; what is sealed stays."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Channel, Cost, Message, Note, PeerId, UsageError, local_peer_id, swarm_id
from waggledance.tasks import (
    Accept,
    Add,
    Claim,
    Done,
    Drop,
    Expand,
    Fail,
    HandOver,
    Join,
    Link,
    Op,
    Plan,
    PlanEdit,
    PlanSeal,
    Release,
    Renew,
    Replace,
    Review,
    SealBacking,
    Task,
)
from waggledance.tasks._plan import LATE

AnyMessage = Message[Any]
ANNA, BEN, CLEO = (local_peer_id(name) for name in ("anna", "ben", "cleo"))
PEERS = (ANNA, BEN, CLEO)


class Table:
    """A channel, what its peers have published there, and the plan of it."""

    def __init__(self) -> None:
        self.channel = Channel(swarm_id("test"), "plan")

    def edit(self, *ops: Op, by: PeerId = ANNA, heard: bool = True) -> Message[PlanEdit]:
        built_on = list(self.channel.messages()) if heard else []
        return self.channel.publish(by, PlanEdit(ops=ops), built_on, 0)

    def done(self, task: Task, text: str = "so", by: PeerId = ANNA) -> Message[PlanEdit]:
        note = self.channel.publish(by, Note(about="result", text=text), list(self.channel.messages()), 0)
        return self.edit(Done(task.id, (note.id,)), by=by)

    def seal(self, by: PeerId = ANNA, *, without: PeerId | None = None, quorum: int = 2) -> Message[PlanSeal]:
        """Seal all that is here, or all that one peer has not said, as the next seal."""
        heard = [m for m in self.channel.messages() if m.author != without]
        plan = self.plan
        return self.channel.publish(by, PlanSeal(number=plan.sealed, after=plan.last_seal, quorum=quorum), heard, 0)

    def back(self, seal: Message[PlanSeal], by: PeerId, epoch: int = 0) -> None:
        """Let a peer, and who wrote the seal, back it in both phases."""
        for peer in (by, seal.author):
            for firm in (False, True):
                self.channel.publish(peer, SealBacking(seal=seal.id, round=epoch, firm=firm), [seal], 0)

    def work(self, task: Task, text: str = "so", by: PeerId = ANNA) -> None:
        self.edit(Claim(task.id, 1_000), by=by)
        self.done(task, text, by)

    @property
    def plan(self) -> Plan:
        return Plan.fold(self.channel.messages(), members=PEERS)


def tasks(*goals: str) -> list[Task]:
    return [Task(goal=goal) for goal in goals]


def state(plan: Plan) -> tuple[object, ...]:
    ready, busy = [t.id for t in plan.ready()], [e.task.id for e in plan.busy()]
    return (dict(plan.entries), plan.refused, plan.sealed, plan.last_seal, ready, busy)


def test_a_task_is_ready_when_all_that_it_waits_for_is_done() -> None:
    table, (a, b, c) = Table(), tasks("a", "b", "c")
    table.edit(Add(a), Add(b), Add(c), Link(a.id, c.id), Link(b.id, c.id))
    assert {t.goal for t in table.plan.ready()} == {"a", "b"}
    table.work(a, "one")
    assert {t.goal for t in table.plan.ready()} == {"b"}
    table.work(b, "two", by=BEN)
    assert [t.goal for t in table.plan.ready()] == ["c"]
    assert set(table.plan.inputs(c.id).values()) == {"one", "two"}
    assert table.plan.goals() == [c.id]


def test_the_first_claim_holds_and_the_second_is_refused_with_the_reason() -> None:
    table, (a,) = Table(), tasks("a")
    table.edit(Add(a))
    table.edit(Claim(a.id, 1_000), by=BEN)
    late = table.edit(Claim(a.id, 1_000), by=CLEO)
    plan = table.plan
    assert plan.entries[a.id].holder == BEN
    assert [(r.message, r.reason) for r in plan.refused] == [(late.id, "another peer holds it")]


def test_a_silent_holder_is_replaced_and_one_that_renewed_is_not() -> None:
    table, (a,) = Table(), tasks("a")
    table.edit(Add(a))
    first = table.edit(Claim(a.id, 1_000), by=BEN)
    table.edit(Renew(a.id), by=BEN)
    table.edit(Claim(a.id, 1_000, over=first.id), by=CLEO)
    assert table.plan.entries[a.id].holder == BEN
    renewed = table.plan.entries[a.id].claim
    table.edit(Claim(a.id, 1_000, over=renewed), by=CLEO)
    assert table.plan.entries[a.id].holder == CLEO


def test_what_a_holder_brings_late_is_taken_and_a_stranger_brings_nothing() -> None:
    table, (a,) = Table(), tasks("a")
    table.edit(Add(a))
    first = table.edit(Claim(a.id, 1_000), by=BEN)
    table.edit(Claim(a.id, 1_000, over=first.id), by=CLEO)
    table.done(a, "mine", by=ANNA)
    assert table.plan.entries[a.id].status == "claimed"
    table.done(a, "late", by=BEN)
    assert table.plan.result(a.id) == "late"
    table.done(a, "later", by=CLEO)
    assert table.plan.result(a.id) == "late"
    assert [r.reason for r in table.plan.refused] == ["it never claimed the task", "the task is done already"]


def test_what_a_former_holder_brings_is_not_taken_while_the_task_waits_for_others() -> None:
    table, (a, b) = Table(), tasks("a", "b")
    table.edit(Add(a), Add(b))
    table.edit(Claim(b.id, 1_000), by=BEN)
    table.edit(Release(b.id), by=BEN)
    table.edit(Link(a.id, b.id))
    table.done(b, "too early", by=BEN)
    assert table.plan.refused[-1].reason == "the task waits for others"
    table.work(a)
    table.done(b, "in time", by=BEN)
    assert table.plan.result(b.id) == "in time"


def test_a_link_that_would_close_a_cycle_is_refused() -> None:
    table, (a, b, c) = Table(), tasks("a", "b", "c")
    table.edit(Add(a), Add(b), Add(c), Link(c.id, b.id), Link(b.id, a.id), Link(a.id, c.id), Link(a.id, a.id))
    assert [r.reason for r in table.plan.refused] == ["it would close a cycle"] * 2
    assert [t.goal for t in table.plan.ready()] == ["c"]


def test_only_what_nobody_has_begun_is_changed() -> None:
    table, (a, b, c) = Table(), tasks("a", "b", "c")
    table.edit(Add(a), Add(b))
    table.edit(Claim(a.id, 1_000), by=BEN)
    table.edit(Drop(a.id), Replace(a.id, c), Link(b.id, a.id))
    assert len(table.plan.refused) == 3
    assert table.plan.entries[a.id].status == "claimed"


def test_a_failed_task_is_tried_again_then_fails_then_another_takes_its_place() -> None:
    table, (b,) = Table(), tasks("b")
    a, other = Task(goal="a", tries=2), Task(goal="a, otherwise")
    table.edit(Add(a), Add(b), Link(a.id, b.id))
    for peer in (BEN, CLEO):
        table.edit(Claim(a.id, 1_000), by=peer)
        table.edit(Fail(a.id, "no idea", cost=Cost(calls=1)), by=peer)
    plan = table.plan
    assert (plan.entries[a.id].status, plan.entries[a.id].failed_by) == ("failed", (BEN, CLEO))
    assert plan.over
    assert not plan.complete
    table.edit(Replace(a.id, other))
    assert [t.goal for t in table.plan.ready()] == ["a, otherwise"]
    assert table.plan.entries[other.id].cost == Cost(calls=2)
    table.work(other)
    assert [t.goal for t in table.plan.ready()] == ["b"]


def test_a_failure_lets_begin_what_waits_for_the_end_until_it_is_replaced() -> None:
    table, (a, tidy, other) = Table(), tasks("a", "tidy up", "a, otherwise")
    table.edit(Add(a), Add(tidy), Link(a.id, tidy.id, when="end"))
    table.edit(Claim(a.id, 1_000))
    table.edit(Fail(a.id, "no", final=True))
    assert [t.goal for t in table.plan.ready()] == ["tidy up"]
    table.edit(Replace(a.id, other))
    assert [t.goal for t in table.plan.ready()] == ["a, otherwise"]


def test_what_is_not_to_wait_for_another_in_its_place_is_skipped_and_what_waits_for_the_end_of_that_begins() -> None:
    table, (a, b, c) = Table(), tasks("a", "b", "c")
    table.edit(Add(a), Add(b), Add(c), Link(a.id, b.id, when="done"), Link(b.id, c.id, when="end"))
    table.edit(Claim(a.id, 1_000))
    table.edit(Fail(a.id, "no", final=True))
    assert table.plan.entries[b.id].status == "skipped"
    assert [t.goal for t in table.plan.ready()] == ["c"]


def test_what_wants_some_of_what_it_waits_for_is_skipped_when_all_of_that_was_and_begins_when_one_failed() -> None:
    for first, status in (("yes", "open"), ("no", "skipped")):
        table, (ask, one, other, after) = Table(), tasks("ask", "one", "other", "after")
        table.edit(*[Add(t) for t in (ask, one, other, after)])
        table.edit(Link(ask.id, one.id, when="yes"), Link(ask.id, other.id, when="has:maybe"),
                   Link(one.id, after.id, when="some"), Link(other.id, after.id, when="some"))  # fmt: skip
        table.work(ask, first)
        if first == "yes":
            table.edit(Claim(one.id, 1_000))
            table.edit(Fail(one.id, "no", final=True))
        assert table.plan.entries[after.id].status == status
        assert [t.goal for t in table.plan.ready()] == (["after"] if status == "open" else [])


def test_a_condition_that_does_not_hold_skips_all_that_rests_on_it() -> None:
    table, (ask, yes, no, after_no, end) = Table(), tasks("ask", "yes", "no", "after no", "end")
    table.edit(*[Add(t) for t in (ask, yes, no, after_no, end)])
    table.edit(Link(ask.id, yes.id, when="yes"), Link(ask.id, no.id, when="no"), Link(no.id, after_no.id),
               Link(yes.id, end.id, when="end"), Link(after_no.id, end.id, when="end"))  # fmt: skip
    table.work(ask, "Yes, do it")
    status = {e.task.goal: e.status for e in table.plan.entries.values()}
    assert status == {"ask": "done", "yes": "open", "no": "skipped", "after no": "skipped", "end": "open"}
    table.work(yes)
    table.work(end)
    assert table.plan.complete


def test_a_broken_up_task_is_ready_again_when_its_parts_are_done() -> None:
    table, (whole,) = Table(), tasks("whole")
    table.edit(Add(whole))
    table.edit(Claim(whole.id, 1_000), by=BEN)
    parts = [Task(goal=f"part {i}", parent=whole.id, depth=1) for i in range(2)]
    table.edit(*[Add(p) for p in parts], Expand(whole.id), *[Link(p.id, whole.id) for p in parts], by=BEN)
    assert {t.goal for t in table.plan.ready()} == {"part 0", "part 1"}
    for part in parts:
        table.work(part, part.goal, by=CLEO)
    assert [t.goal for t in table.plan.ready()] == ["whole"]
    assert table.plan.entries[whole.id].expanded
    table.edit(Claim(whole.id, 1_000), by=BEN)
    table.edit(Expand(whole.id), by=BEN)
    assert table.plan.refused[-1].reason == "the task has been broken into parts already"


def test_others_review_and_never_whoever_did_it() -> None:
    table, a = Table(), Task(goal="a", reviews=1, tries=2)
    table.edit(Add(a))
    table.edit(Claim(a.id, 1_000), by=BEN)
    done = table.done(a, "good", by=BEN)
    table.edit(Review(a.id, done.id, passed=True), by=BEN)
    assert table.plan.entries[a.id].status == "review"
    table.edit(Review(a.id, done.id, passed=False, reason="bad"), by=CLEO)
    assert table.plan.entries[a.id].status == "open"
    table.edit(Claim(a.id, 1_000), by=BEN)
    again = table.done(a, "better", by=BEN)
    table.edit(Review(a.id, again.id, passed=True), by=CLEO)
    assert table.plan.entries[a.id].status == "done"


def test_a_task_is_handed_over_only_to_a_peer_that_accepted_it() -> None:
    table, (a,) = Table(), tasks("a")
    table.edit(Add(a))
    table.edit(Claim(a.id, 1_000), by=BEN)
    table.edit(HandOver(a.id, CLEO), by=BEN)
    assert table.plan.entries[a.id].holder == BEN
    table.edit(Accept(a.id), by=CLEO)
    table.edit(HandOver(a.id, CLEO), by=BEN)
    assert table.plan.entries[a.id].holder == CLEO
    table.edit(Release(a.id), by=BEN)
    assert table.plan.entries[a.id].status == "claimed"
    table.done(a, by=CLEO)
    assert table.plan.complete


def test_a_late_edit_with_a_small_clock_changes_nothing_that_is_sealed() -> None:
    def played(*, sealed: bool) -> Plan:
        table, (a,) = Table(), tasks("a")
        early = table.channel.publish(CLEO, Note(about="hello", text="I am here"), [], 0)
        table.edit(Add(a), by=ANNA, heard=False)
        table.channel.publish(ANNA, Note(about="hello", text="and I"), [], 0)
        table.edit(Claim(a.id, 1_000), by=BEN)
        table.done(a, "ben's", by=BEN)
        if sealed:
            table.back(table.seal(without=CLEO), BEN)
        assert early.lamport == 1
        table.edit(Drop(a.id), by=CLEO, heard=False)  # sorts before ben's claim
        return table.plan

    assert not played(sealed=False).entries
    assert [e.status for e in played(sealed=True).entries.values()] == ["done"]


def joined(enough: int, rest: Literal["leave", "drop"] = "leave") -> tuple[Table, list[Task], Task]:
    """Return a task that waits for some of three, the first of which waits for one of its own."""
    table, (a, b, c, before_a, whole) = Table(), tasks("a", "b", "c", "before a", "whole")
    table.edit(*map(Add, (a, b, c, before_a, whole)), Link(before_a.id, a.id))
    table.edit(*[Link(t.id, whole.id) for t in (a, b, c)], Join(whole.id, enough, rest))
    return table, [a, b, c, before_a], whole


@pytest.mark.parametrize(("enough", "begins_after"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_a_task_that_wants_some_of_what_it_waits_for_begins_when_so_many_are_done(
    enough: int, begins_after: int
) -> None:
    table, (a, b, c, before_a), whole = joined(enough)
    for done, task in ((0, c), (1, b), (2, before_a), (2, a)):
        assert (whole in table.plan.ready()) == (done >= begins_after)
        table.work(task, task.goal)
    assert whole in table.plan.ready()


def test_the_rest_of_a_join_goes_on_or_is_dropped_with_what_only_it_waited_for() -> None:
    table, (a, b, c, before_a), whole = joined(2)
    table.work(b, by=BEN)
    table.work(c, by=BEN)
    assert {t.goal for t in table.plan.ready()} == {"before a", "whole"}
    table, (a, b, c, before_a), whole = joined(2, "drop")
    table.edit(Claim(before_a.id, 1_000), by=CLEO)
    table.work(b, "bee", by=BEN)
    table.work(c, "sea", by=BEN)
    plan = table.plan
    assert [plan.entries[t.id].status for t in (a, before_a)] == ["skipped", "skipped"]
    assert plan.entries[a.id].reasons == ("enough of those beside it are done",)
    assert plan.ready() == [whole]
    table.done(before_a, by=CLEO)
    assert table.plan.refused[-1].reason == "the task is skipped already"
    table.work(whole)
    assert set(table.plan.inputs(whole.id).values()) == {"bee", "sea"}
    assert table.plan.complete


def test_what_another_task_waits_for_is_not_dropped() -> None:
    table, (a, b, c, _), whole = joined(1, "drop")
    (other,) = tasks("other")
    table.edit(Add(other), Link(a.id, other.id))
    table.work(b)
    assert [table.plan.entries[t.id].status for t in (a, c, whole)] == ["open", "skipped", "open"]
    assert whole in table.plan.ready()


def test_a_task_is_skipped_once_too_few_are_left_for_it_and_not_before() -> None:
    table, (a, b, c, whole) = Table(), tasks("a", "b", "c", "whole")
    table.edit(*map(Add, (a, b, c, whole)), *[Link(t.id, whole.id, when="yes") for t in (a, b, c)], Join(whole.id, 2))
    table.work(a, "no")
    assert table.plan.entries[whole.id].status == "open"
    table.work(b, "yes")
    assert whole not in table.plan.ready()
    table.work(c, "no")
    assert table.plan.entries[whole.id].status == "skipped"


def test_a_join_is_for_who_holds_the_task_or_while_nobody_does_and_a_part_that_fails_is_none_of_the_enough() -> None:
    table, (whole,) = Table(), tasks("whole")
    parts = [Task(goal=g, parent=whole.id, depth=1, tries=1) for g in ("a", "b", "c")]
    table.edit(Add(whole))
    table.edit(Claim(whole.id, 1_000), by=BEN)
    table.edit(Join(whole.id, 3), by=CLEO)
    assert [r.reason for r in table.plan.refused] == ["the task is claimed"]
    links = [Link(part.id, whole.id, when="end") for part in parts]
    table.edit(*map(Add, parts), Join(whole.id, 2, "drop"), Expand(whole.id), *links, by=BEN)
    table.edit(Claim(parts[0].id, 1_000))
    table.edit(Fail(parts[0].id, "no"))
    table.work(parts[1])
    assert whole not in table.plan.ready()
    table.work(parts[2])
    assert whole in table.plan.ready()


def test_the_longest_chain_of_a_plan_goes_by_the_shortest_ways_that_are_enough() -> None:
    assert (joined(3)[0].plan.shape().depth, joined(2)[0].plan.shape().depth) == (3, 2)


@pytest.mark.parametrize("enough", [0, -1])
def test_a_join_on_nothing_is_none(enough: int) -> None:
    wrong = msgspec.msgpack.encode({"ops": [{"type": "join", "task": b"t" * 32, "enough": enough, "rest": "leave"}]})
    with pytest.raises(msgspec.ValidationError, match="enough"):
        msgspec.msgpack.decode(wrong, type=PlanEdit)


def late_drop(table: Table, *sealing: Callable[[], object]) -> tuple[Plan, Task]:
    """Return the plan of a task that Ben has done, after some seals, with a word of Cleo's that she had not sent."""
    (a,) = tasks("a")
    table.channel.publish(CLEO, Note(about="hello", text="I am here"), [], 0)
    table.edit(Add(a), heard=False)
    table.channel.publish(ANNA, Note(about="hello", text="and I"), [], 0)
    table.edit(Claim(a.id, 1_000), by=BEN)
    for each in sealing:
        each()
    table.edit(Drop(a.id), by=CLEO, heard=False)
    return table.plan, a


def test_a_late_edit_against_a_seal_is_refused_and_listed_as_late() -> None:
    table = Table()
    plan, a = late_drop(table, lambda: table.back(table.seal(without=CLEO), BEN))
    assert plan.entries[a.id].holder == BEN
    assert [(r.author, r.op, r.reason) for r in plan.refused] == [(CLEO, "drop", "the task is claimed" + LATE)]


@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_a_seal_that_no_quorum_backs_settles_nothing(quorum: int) -> None:
    table = Table()
    plan, a = late_drop(table, lambda: table.seal(without=CLEO, quorum=quorum))
    assert (plan.sealed, a.id in plan.entries) == (0, False)
    table = Table()
    plan, a = late_drop(table, lambda: table.back(table.seal(without=CLEO, quorum=quorum), BEN))
    assert (plan.sealed, a.id in plan.entries) == ((0, False) if quorum == 3 else (1, True))


@pytest.mark.parametrize("backed", [((0, False), (0, False)), ((0, True), (1, True)), ((0, True), (0, False))])
def test_a_seal_counts_when_a_quorum_backs_it_firmly_in_one_epoch(backed: tuple[tuple[int, bool], ...]) -> None:
    def vote(table: Table, votes: tuple[tuple[int, bool], ...]) -> None:
        seal = table.seal(without=CLEO)
        for peer, (epoch, firm) in zip((ANNA, BEN), votes, strict=True):
            table.channel.publish(peer, SealBacking(seal=seal.id, round=epoch, firm=firm), [seal], 0)

    table, counting = Table(), Table()
    assert late_drop(table, lambda: vote(table, backed))[0].sealed == 0
    assert late_drop(counting, lambda: vote(counting, ((3, True), (3, True))))[0].sealed == 1


def test_backing_by_strangers_or_of_two_seals_of_one_number_counts_for_nothing() -> None:
    table, stranger = Table(), local_peer_id("dora")
    assert late_drop(table, lambda: table.back(table.seal(without=CLEO), stranger))[0].sealed == 0
    table = Table()

    def twice() -> None:
        first = table.seal(without=CLEO)
        other = table.seal(by=CLEO)
        for seal in (first, other):
            table.back(seal, BEN)

    assert late_drop(table, twice)[0].sealed == 0


def test_a_seal_follows_the_one_that_counts_and_no_other() -> None:
    table = Table()
    first = table.seal()
    table.back(first, BEN)
    skipping = table.channel.publish(ANNA, PlanSeal(number=2, after=first.id, quorum=2), [first], 0)
    table.back(skipping, BEN)
    elsewhere = table.channel.publish(ANNA, PlanSeal(number=1, after=skipping.id, quorum=2), [first], 0)
    table.back(elsewhere, BEN)
    assert table.plan.last_seal == first.id
    second = table.seal(by=CLEO)
    table.back(second, ANNA)  # who has voted for another of this number
    assert table.plan.last_seal == first.id
    table.back(second, BEN)
    assert table.plan.last_seal == first.id  # as Ben has
    assert [seal.id for seal in table.plan.open_seals()] == [second.id]


def history(seed: int, edits: int, names: int) -> list[AnyMessage]:
    """Return what three peers publish who hear each other only sometimes, legal or not, with seals and results."""
    rng, table = Random(seed), Table()
    pool = [Task(goal=f"t{i}", tries=2, reviews=rng.choice((0, 0, 1))) for i in range(names)]
    whens = ("ok", "end", "some", "fail", "yes", "no")
    voted: set[tuple[PeerId, int]] = set()
    for _ in range(edits):
        by, task, other = rng.choice((ANNA, BEN, CLEO)), rng.choice(pool), rng.choice(pool)
        heard = [m for m in table.channel.messages() if rng.random() < 0.7]
        entry = Plan.fold(heard, members=PEERS).entries.get(task.id)
        note = table.channel.publish(by, Note(about="result", text=rng.choice(("yes", "no"))), heard, 0)
        over = entry.claim if entry is not None and rng.random() < 0.5 else None
        done = entry.done if entry is not None and entry.done is not None else note.id
        op: Op = rng.choice(
            (
                Add(task), Add(other), Link(task.id, other.id, when=rng.choice(whens)), Drop(task.id),
                Replace(task.id, other), Claim(task.id, 1_000, over=over), Claim(task.id, 1_000), Renew(task.id),
                Release(task.id), Accept(task.id), HandOver(task.id, rng.choice((ANNA, BEN, CLEO))), Expand(task.id),
                Done(task.id, (note.id,)), Done(task.id, (note.id,)), Fail(task.id, "no"),
                Join(task.id, rng.choice((1, 2, 5)), rng.choice(("leave", "drop"))),
                Review(task.id, done, passed=rng.random() < 0.6),
            )
        )  # fmt: skip
        table.channel.publish(by, PlanEdit(ops=(op, Add(other))), heard, 0)
        here = Plan.fold(heard, members=PEERS)
        if rng.random() < 0.2 and ((by, here.sealed) not in voted or rng.random() < 0.02):
            body = PlanSeal(number=here.sealed, after=here.last_seal, quorum=rng.choice((1, 2, 2, 3)))
            seal = table.channel.publish(by, body, heard, 0)
            voted.add((by, here.sealed))
            for peer in PEERS:
                if (peer, here.sealed) not in voted or rng.random() < 0.02:
                    table.back(seal, peer, epoch=rng.choice((0, 0, 0, 1)))
                    voted.add((peer, here.sealed))
    return list(table.channel.messages())


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), rng=st.randoms(use_true_random=False))
def test_the_same_messages_in_any_order_and_any_portions_make_the_same_plan(seed: int, rng: Random) -> None:
    messages = history(seed, edits=60, names=8)
    expected = state(Plan.fold(messages, members=PEERS))
    shuffled = rng.sample(messages, k=len(messages))
    plan = Plan(PEERS)
    while shuffled:
        portion = rng.randint(1, 9)
        plan.take(shuffled[:portion] + messages[:3])
        del shuffled[:portion]
    assert state(plan) == expected


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_a_plan_never_has_a_cycle_and_counts_what_a_task_waits_for_rightly(seed: int) -> None:
    plan = Plan.fold(history(seed, edits=80, names=6), members=PEERS)
    shape = plan.shape()
    assert shape.tasks == len(plan.entries)
    layers = {id: _layer(plan, id, len(plan.entries)) for id in plan.entries}
    assert shape.depth == max(layers.values(), default=0)
    for id, entry in plan.entries.items():
        for link in entry.before:
            assert id in plan.entries[link.before].after
        if entry.status == "open":
            pending = [plan.entries[k.before].status for k in entry.before]
            assert entry.waits <= len(pending)
            assert entry.came == pending.count("done") or entry.waits
            assert entry.ready == (entry.waits == 0 or 0 < entry.enough <= entry.came)
            assert entry.waits or all(status in ("done", "failed", "skipped") for status in pending)
        assert (entry.status == "claimed") == (entry.claim is not None)


def _layer(plan: Plan, id: Any, left: int) -> int:
    assert left >= 0, "a cycle"
    entry = plan.entries[id]
    firsts = sorted(_layer(plan, link.before, left - 1) for link in entry.before)
    return 1 + (firsts[: entry.enough or None][-1] if firsts else 0)


def test_a_result_counts_once_its_notes_are_here_however_late_they_come() -> None:
    table, (a,) = Table(), tasks("a")
    table.edit(Add(a))
    table.work(a, "found", by=BEN)
    messages = list(table.channel.messages())
    notes = [m for m in messages if isinstance(m.body, Note)]
    plan = Plan()
    plan.take([m for m in messages if m not in notes])
    assert plan.entries[a.id].status == "claimed"
    plan.take(notes)
    assert plan.result(a.id) == "found"
    assert not plan.refused


def test_a_late_message_far_back_makes_the_same_plan_as_if_it_had_come_in_time() -> None:
    table = Table()
    pool = tasks(*(f"t{i}" for i in range(700)))
    early = table.edit(Add(Task(goal="early")), by=CLEO, heard=False)
    for task in pool:
        table.edit(Add(task), heard=False)
    messages = list(table.channel.messages())
    plan = Plan()
    plan.take([m for m in messages if m is not early])
    plan.take([early])
    assert state(plan) == state(Plan.fold(messages))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Task(goal=" "), "1 to 8,000 characters"),
        (lambda: Task(goal="x" * 8_001), "1 to 8,000 characters"),
        (lambda: Task(goal="x", needs=("b", "a")), "sorted and each once"),
        (lambda: Task(goal="x", kind="two\nlines"), "no name of a kind"),
        (lambda: Task(goal="cafe\u0301"), "form NFC"),
        (lambda: PlanEdit(ops=()), "1 to 256 operations"),
        (lambda: Link(bytes(32), bytes(32), when="lambda: 1"), "no condition of a link"),  # type: ignore[arg-type]
        (lambda: Link(bytes(32), bytes(32), when="above:much"), "no condition of a link"),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense_is_refused_before_it_is_published(make: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make()


def test_a_part_of_an_unknown_task_or_at_a_wrong_depth_is_refused() -> None:
    table, (a,) = Table(), tasks("a")
    table.edit(Add(a), Add(Task(goal="b", parent=a.id, depth=2)), Add(Task(goal="c", parent=bytes(32), depth=1)),  # type: ignore[arg-type]
               Add(Task(goal="d", depth=1)))  # fmt: skip
    assert len(table.plan.refused) == 3
