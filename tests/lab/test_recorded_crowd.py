"""Crowds of recorded models, and peers that sit at every task."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from waggledance import FunctionPeer
from waggledance.core import UnknownName, UsageError
from waggledance.lab import QuestionSet, RecordedCrowd, RecordedPeer, Said, Seated

Planted = Callable[..., QuestionSet]
MODELS = {f"m{i}": 0.5 for i in range(10)}


def names(crowd: RecordedCrowd, recorded: QuestionSet, repeat: int) -> set[tuple[str, ...]]:
    return {tuple(peer.name for peer in crowd.seat(task, repeat)) for task in recorded.tasks()}


def test_a_drawn_swarm_is_the_same_for_all_tasks_and_another_in_another_repeat(planted: Planted) -> None:
    recorded = planted(20, MODELS)
    crowd = RecordedCrowd(recorded.answers, size=4)
    swarms = [names(crowd, recorded, repeat) for repeat in range(6)]
    assert all(len(swarm) == 1 for swarm in swarms)
    assert len({sitting for swarm in swarms for sitting in swarm}) > 3
    assert names(RecordedCrowd(recorded.answers, size=4), recorded, 2) == swarms[2]


def test_every_model_is_drawn_about_as_often(planted: Planted) -> None:
    recorded = planted(1, MODELS)
    crowd = RecordedCrowd(recorded.answers, size=3)
    (task,) = recorded.tasks()
    drawn = [peer.name for repeat in range(400) for peer in crowd.seat(task, repeat)]
    assert all(70 < drawn.count(name) < 170 for name in MODELS)  # 120 expected


def test_repeats_begin_with_different_samples(planted: Planted) -> None:
    recorded = planted(1, {"a": 0.5}, samples=8)
    (task,) = recorded.tasks()
    crowd = RecordedCrowd(recorded.answers)
    orders = {tuple(id(s) for s in peer._samples) for r in range(8) for peer in crowd.seat(task, r)
              if isinstance(peer, RecordedPeer)}  # fmt: skip
    assert len(orders) > 4
    assert crowd.samples("a") == 8


def test_a_model_that_a_recording_leaves_out_was_asked_and_gave_nothing() -> None:
    from waggledance.core import Question
    from waggledance.lab import Task

    one, two = (Task(family="f", question=Question(text=f"{i}?")) for i in range(2))
    crowd = RecordedCrowd({one.id: {"a": [Said("x")], "b": [Said("y")]}, two.id: {"a": [Said("x")]}})
    assert [peer._samples for peer in crowd.seat(two, 0) if isinstance(peer, RecordedPeer)] == [
        [Said("x")], (Said(None),),
    ]  # fmt: skip
    assert crowd.alone("b").models == {"b": "b"}


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"names": ["m1", "m1"]}, "once"),
        ({"names": ["m11"]}, "did you mean 'm1'"),
        ({"names": []}, "once"),
        ({"size": 11}, "11 peers shall sit together, and 10"),
        ({"size": 0}, "0 peers shall sit"),
    ],
)
def test_a_crowd_that_cannot_sit_is_refused(planted: Planted, how: dict[str, object], error: str) -> None:
    recorded = planted(1, MODELS)
    with pytest.raises((UsageError, UnknownName), match=error):
        RecordedCrowd(recorded.answers, **how)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_a_set_without_recorded_answers_says_to_seat_models() -> None:
    with pytest.raises(UsageError, match="seat models of your own"):
        RecordedCrowd({})


def test_seated_peers_sit_at_every_task_and_name_their_models(planted: Planted) -> None:
    (task,) = planted(1, {"a": 1.0}).tasks()
    peers = [FunctionPeer(name, lambda _: "4") for name in ("p", "q")]
    crowd = Seated(peers, {"q": "big"}, described="temperature 1")
    assert (crowd.models, crowd.samples("big")) == ({"p": "p", "q": "big"}, None)
    assert [peer.name for peer in crowd.alone("big").seat(task, 0)] == ["q"]
    assert repr(crowd) != repr(Seated(peers, {"q": "big"}))


def test_nobody_seated_and_strangers_models_are_refused() -> None:
    with pytest.raises(UsageError, match="at least one peer"):
        Seated([])
    with pytest.raises(UsageError, match="not among the peers"):
        Seated([FunctionPeer("p", lambda _: "4")], {"q": "big"})
