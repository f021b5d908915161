"""What was found wrong leaves the bank, by a count of peers that no order, repeat or author's praise changes."""

from __future__ import annotations

from random import Random

import pytest

from waggledance.core import Channel, UsageError, local_peer_id, swarm_id
from waggledance.memory import TEAM, Record, Recorded, RecordId
from waggledance.memory._bank import candidates_of
from waggledance.memory._trials import Trial, refuted

ENTRY = Record.of("finding", "how to bake bread", "at 230 degrees", scope=TEAM)


def said(*trials: tuple[str, bool]) -> Channel:
    """Return a channel in which ada has said a record, and peers what became of it, one after the other."""
    channel = Channel(swarm_id("bees"), "q1")
    channel.publish(local_peer_id("ada"), Recorded(record=ENTRY), [], 0)
    for who, right in trials:
        channel.publish(local_peer_id(who), Trial(record=ENTRY.id, right=right), [], 0)
    return channel


@pytest.mark.parametrize(
    ("trials", "liars", "gone"),
    [
        ([], 0, False),
        ([("ben", True)], 0, False),
        ([("ben", False)], 0, True),
        ([("ben", False)], 1, False),
        ([("ben", False), ("cat", False)], 1, True),
        ([("ben", False), ("ben", False)], 1, False),
        ([("ben", False), ("cat", True)], 0, False),
        ([("ben", False), ("ada", True)], 0, True),
        ([("ada", False)], 0, True),
        ([("ben", False), ("ben", True)], 0, False),
        ([("ben", True), ("ben", False)], 0, True),
    ],
)
def test_a_record_goes_when_more_found_it_wrong_than_right_and_may_lie(
    trials: list[tuple[str, bool]], liars: int, gone: bool
) -> None:
    messages = list(said(*trials).messages())
    for seed in range(3):
        mixed = Random(seed).sample(messages, len(messages))
        assert refuted(mixed + mixed, liars=liars) == (frozenset([ENTRY.id]) if gone else frozenset())
    shown = candidates_of(messages, "bread", liars=liars)
    assert [candidate.id for candidate in shown] == ([] if gone else [ENTRY.id])


def test_a_trial_of_no_record_and_fewer_than_no_liars_are_refused() -> None:
    with pytest.raises(UsageError, match="32 bytes"):
        Trial(record=RecordId(b"short"), right=True)
    with pytest.raises(UsageError, match="0 peers or more"):
        refuted([], liars=-1)
