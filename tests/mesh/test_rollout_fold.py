"""Where a roll-out stands: waves, health, halts; the same for everybody who has the same messages."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, Body, Message, MessageId, PeerId, local_peer_id, swarm_id
from waggledance.core._message import compose
from waggledance.mesh import Artefact, Rollout, RolloutState, RolloutView, Target, Traits, rollouts_of
from waggledance.mesh._rollout import Stage
from waggledance.mesh._rollout_fold import wave_sizes

RESULT = b"r" * 32


def peers(many: int) -> dict[PeerId, Traits]:
    return {local_peer_id(f"peer {i}"): Traits(frozenset({"a" if i % 2 else "b"})) for i in range(many)}


def said(author: PeerId, body: Body, sequence: int = 1, lamport: int = 1) -> Message[Any]:
    previous = None if sequence == 1 else MessageId(bytes(32))
    return compose(author, body, sequence, previous, (), lamport, 0, swarm_id("s"), "lobby")[0]


def rollout(
    slot: str = "data/table",
    version: int = 1,
    base: bytes | None = None,
    target: Target | None = None,
    healthy_ppm: int = UNIT * 9 // 10,
    certificate: bytes | None = None,
) -> Rollout:
    return Rollout(
        slot=slot, version=version, artefact=Artefact(h=bytes(32), n=1, ty="x"), base=base, result=RESULT,
        target=target or Target(), healthy_ppm=healthy_ppm, certificate=certificate,
    )  # fmt: skip


def state(of: MessageId, author: PeerId, stage: Stage, result: bytes = RESULT, why: str = "") -> Message[Any]:
    return said(author, RolloutState(rollout=of, state=stage, result=result, why=why), 2)


def right(message: Message[Rollout]) -> bool:
    return message.body.certificate == b"c" * 32


def never(message: Message[Rollout]) -> bool:
    return False


def fold(messages: Sequence[Message[Any]], members: dict[PeerId, Traits], **more: Any) -> dict[MessageId, RolloutView]:
    return rollouts_of(messages, members, certified=more.pop("certified", never), **more)


def test_waves_are_one_ten_percent_half_and_all() -> None:
    assert wave_sizes(100, (100_000, 500_000, UNIT)) == (1, 10, 50, 100)
    assert wave_sizes(2, (100_000, 500_000, UNIT)) == (1, 2)
    assert wave_sizes(0, (UNIT,)) == ()


def test_a_wave_opens_when_enough_of_the_one_before_are_well() -> None:
    members = peers(40)
    first = said(next(iter(members)), rollout())
    messages, sizes = [first], list[int]()
    while (view := fold(messages, members)[first.id]).install:
        sizes.append(len(view.install))
        assert view.status == "running"
        messages += [state(first.id, peer, "active") for peer in view.install]
    assert sizes == [1, 3, 16, 20]
    assert (view.status, view.wave, view.done) == ("complete", 3, frozenset(members))


def test_the_health_rule_decides_how_many_of_a_wave_may_fail() -> None:
    members = peers(40)
    first = said(next(iter(members)), rollout(healthy_ppm=750_000))
    order = fold([first], members)[first.id].order
    well = [state(first.id, peer, "active") for peer in order[:3]]
    one = [state(first.id, order[3], "failed", why="slow")]
    assert fold([first, *well, *one], members)[first.id].wave == 2
    two = [state(first.id, order[2], "failed")]
    halted = fold([first, *well, *one, *two], members)[first.id]
    assert (halted.status, halted.wave) == ("halted", 1)
    assert halted.why == "wave 1: 2 of 4 failed or went back"
    assert halted.failed[order[3]] == "slow"
    assert halted.roll_back == frozenset(members)
    assert not halted.install


def test_a_halt_stands_when_those_who_failed_have_left_the_swarm() -> None:
    members = peers(40)
    first = said(local_peer_id("peer 0"), rollout())
    order = fold([first], members)[first.id].order
    messages = [first, *(state(first.id, peer, "active") for peer in order[:3]), state(first.id, order[3], "failed")]
    halted = fold(messages, members)[first.id]
    assert halted.status == "halted"
    messages += [state(first.id, peer, "rolled-back") for peer in halted.done]
    left = {peer: traits for peer, traits in members.items() if peer != order[3]} | {
        local_peer_id("peer 0"): Traits(frozenset({"b"}))
    }
    assert fold(messages, left)[first.id].status == "halted"


def test_only_members_of_open_waves_count() -> None:
    members = peers(40)
    first = said(next(iter(members)), rollout())
    order = fold([first], members)[first.id].order
    early = [state(first.id, peer, "active") for peer in order[1:]]
    late_failures = [state(first.id, peer, "failed") for peer in order[20:]]
    strangers = [state(first.id, local_peer_id(f"stranger {i}"), "failed") for i in range(50)]
    view = fold([first, *early, *late_failures, *strangers], members)[first.id]
    assert (view.status, view.wave, view.install) == ("running", 0, {order[0]})


def test_active_with_another_result_is_a_failure() -> None:
    members = peers(5)
    first = said(next(iter(members)), rollout())
    canary = fold([first], members)[first.id].order[0]
    view = fold([first, state(first.id, canary, "active", b"x" * 32)], members)[first.id]
    assert (view.status, view.failed[canary]) == ("halted", "its result has another hash")


stages = st.sampled_from(["active", "failed", "rolled-back"])


@settings(max_examples=60)
@given(
    many=st.integers(1, 12),
    words=st.lists(st.tuples(st.integers(0, 11), stages, st.booleans()), max_size=30),
    healthy_ppm=st.integers(1, UNIT),
    rng=st.randoms(use_true_random=False),
)
def test_a_fold_is_blind_to_order_and_repetition_and_never_takes_a_halt_back(
    many: int, words: list[tuple[int, Stage, bool]], healthy_ppm: int, rng: Random
) -> None:
    members = peers(many)
    everybody = list(members)
    first = said(everybody[0], rollout(healthy_ppm=healthy_ppm))
    other = said(everybody[-1], rollout(version=2, base=b"b" * 32), lamport=5)
    messages = [first, other]
    halted = False
    for index, stage, of_first in words:
        messages.append(state((first if of_first else other).id, everybody[index % many], stage))
        views = fold(messages, members)
        assert not halted or views[first.id].status == "halted"
        halted = views[first.id].status == "halted"
        assert views[first.id].install.isdisjoint(views[first.id].failed)
    shuffled = rng.sample(messages, k=len(messages)) + rng.sample(messages, k=len(messages) // 2)
    members_too = dict(rng.sample(list(members.items()), k=many))
    assert fold(shuffled, members_too) == fold(messages, members)


def test_another_rollout_draws_another_order_and_everybody_is_the_canary_at_times() -> None:
    members = peers(8)
    first = [said(local_peer_id("peer 0"), rollout(version=v)) for v in range(1, 401)]
    canaries = [view.order[0] for view in fold(first, members).values()]
    assert all(canaries.count(peer) in range(25, 80) for peer in members)


def test_a_target_alone_installs() -> None:
    members = peers(9)
    first = said(local_peer_id("peer 0"), rollout(target=Target(types=("a",), not_peers=(local_peer_id("peer 1"),))))
    view = fold([first], members)[first.id]
    assert sorted(view.order) == sorted(local_peer_id(f"peer {i}") for i in (3, 5, 7))
    assert local_peer_id("peer 0") in view.holders


def test_a_rollout_for_nobody_is_complete() -> None:
    first = said(local_peer_id("peer 0"), rollout(target=Target(types=("none",))))
    view = fold([first], peers(4))[first.id]
    assert (view.status, view.order, view.install) == ("complete", (), frozenset())


def test_a_single_peer_is_the_only_wave() -> None:
    members = peers(1)
    [peer] = members
    first = said(peer, rollout())
    assert fold([first], members)[first.id].install == {peer}
    assert fold([first, state(first.id, peer, "active")], members)[first.id].status == "complete"


def test_who_joins_late_learns_of_it_from_the_fold() -> None:
    members = peers(10)
    first = said(local_peer_id("peer 0"), rollout())
    messages = [first, *(state(first.id, peer, "active") for peer in members)]
    newcomer = local_peer_id("newcomer")
    view = fold(messages, members | {newcomer: Traits()})[first.id]
    assert view.install == {newcomer}


def test_a_dead_canary_is_left_out_until_it_speaks() -> None:
    members = peers(10)
    first = said(local_peer_id("peer 0"), rollout())
    order = fold([first], members)[first.id].order
    assert fold([first], members, absent={order[0]})[first.id].install == {order[1]}
    spoke = [first, state(first.id, order[0], "failed")]
    assert fold(spoke, members, absent={order[0]})[first.id].status == "halted"


@pytest.mark.parametrize("slot", ["skill/search", "prompts/debate"])
def test_what_is_run_or_obeyed_is_refused_without_a_certificate_that_holds(slot: str) -> None:
    members = peers(4)
    author = local_peer_id("peer 0")
    without, with_one = said(author, rollout(slot)), said(author, rollout(slot, certificate=b"c" * 32))
    views = fold([without, with_one], members)
    assert [view.status for view in views.values()] == ["refused", "refused"]
    assert "needs a decision certificate" in views[without.id].why
    assert all(not view.install and not view.roll_back for view in views.values())
    views = fold([without, with_one], members, certified=right)
    assert views[without.id].status == "refused"
    assert views[with_one.id].status == "running"


def test_a_stranger_rolls_nothing_out() -> None:
    assert fold([said(local_peer_id("stranger"), rollout())], peers(4)) == {}


def test_of_two_of_one_version_the_one_said_first_goes_on_and_the_other_back() -> None:
    members = peers(4)
    one = said(local_peer_id("peer 0"), rollout(), lamport=7)
    other = said(local_peer_id("peer 1"), rollout(), lamport=8)
    views = fold([other, one], members)
    assert (views[one.id].status, views[other.id].status) == ("running", "halted")
    assert "was said first" in views[other.id].why
    assert views[other.id].roll_back == frozenset(members)
    failed = [state(one.id, views[one.id].order[0], "failed")]
    assert fold([other, one, *failed], members)[other.id].status == "running"


def test_an_empty_channel_has_no_rollouts() -> None:
    assert fold([], {}) == {}
