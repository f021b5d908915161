"""What liars can make of a shared memory, and strangers learn from a private one."""

from __future__ import annotations

from waggledance.core import Channel, local_peer_id, swarm_id
from waggledance.memory import TEAM, Record, Recorded
from waggledance.memory._bank import Use, candidates_of, select
from waggledance.memory._trials import Trial

# -- B4: poisoned shared memory ----------------------------------------------------------------------------------------

QUESTION = "How hot must the oven be to bake bread?"
TRUE = Record.of("finding", "how hot the oven must be to bake bread", "230 degrees", scope=TEAM)
POISON = Record.of("finding", "how hot the oven must be, to bake bread", "900 degrees", scope=TEAM)
HONEST, LIAR = ("ada", "ben", "cat"), "eve"


def shown_in_turns(turns: int, *, judged: bool) -> tuple[int, int]:
    """Let peers in turn use what the bank shows them and say what became of it; return how often each entry was used.

    The liar praises its own entry and denounces the true one, from the first moment on.
    """
    channel, used = Channel(swarm_id("bees"), "q1"), {TRUE.id: 0, POISON.id: 0}
    channel.publish(local_peer_id("ada"), Recorded(record=TRUE), [], 0)
    channel.publish(local_peer_id(LIAR), Recorded(record=POISON), [], 0)
    channel.publish(local_peer_id(LIAR), Trial(record=POISON.id, right=True), [], 0)
    channel.publish(local_peer_id(LIAR), Trial(record=TRUE.id, right=False), [], 0)
    for turn in range(turns):
        me = local_peer_id(HONEST[turn % len(HONEST)])
        for id in select(candidates_of(channel.messages(), QUESTION, liars=1), {}):
            used[id] += 1
            channel.publish(me, Use(record=id), [], 0)
            if judged:
                channel.publish(me, Trial(record=id, right=id == TRUE.id), [], 0)
    return used[POISON.id], used[TRUE.id]


def test_attack_b4_a_poisoned_entry_is_used_twice_at_most_and_a_true_one_is_not_denounced_away() -> None:
    poisoned, true = shown_in_turns(12, judged=True)
    assert poisoned <= 2
    assert true == 12
    assert shown_in_turns(12, judged=False) == (12, 12), "without trials the poison is used for ever"
