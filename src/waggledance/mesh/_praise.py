"""What an asker says of those whose answers its decision rests on: the feedback that reputation is made of.

All that an asker knows of an answer, unless it checks it otherwise, is whether the decision took it. So a peer whose
last answer is the decided one did all that was asked, and one whose last answer is another did nothing; who was right
against all others is marked down with it.
"""

from __future__ import annotations

from waggledance.core import UNIT, Message, PeerId, Proposal, RunFailed, UsageError, cut_of, outcome_of
from waggledance.mesh._feedback import Feedback, task_of
from waggledance.mesh._node import Node


def praise(node: Node, channel: str) -> tuple[Message[Feedback], ...]:
    """Publish feedback on everybody whose answer a question's decision rests on; return it, sorted by peer.

    Args:
        node: the asker's.
        channel: the question's.

    Returns:
        Nothing where nothing was decided, or where the feedback was given before.

    Raises:
        RunFailed: the node does not hold the channel.
        UsageError: somebody else asked, whose feedback nobody counts from here.
    """
    held = node.channels.get(channel)
    if held is None:
        raise RunFailed(f"channel {channel!r} is not held here: ask first, then praise")
    messages = held.copy.messages()
    task, outcome = task_of(messages), outcome_of(messages)
    if task is None or outcome is None:
        return ()
    if task.asker != node.me:
        raise UsageError("feedback on a question is its asker's to give: nobody counts anybody else's")
    lobby = node.lobby.copy
    if any(m.author == node.me and m.body.task == task.id for m in lobby.said(Feedback)):
        return ()
    used = set(cut_of(messages))
    last: dict[PeerId, Message[Proposal]] = {}
    for message in messages:  # causes before effects: an author's last proposal comes last
        if message.id in used and isinstance(message.body, Proposal) and message.body.key is not None:
            last[message.author] = message
    return tuple(
        lobby.publish(
            node.me,
            Feedback(about=peer, task=task.id, outcome_ppm=UNIT if last[peer].body.key == outcome.body.key else 0),
            [],
            node.clock.wall_ms(),
        )
        for peer in sorted(task.answered - {node.me})
    )
