"""Who hears whom by a channel's topology, before anybody has spoken; what messages heard stands in them."""

from __future__ import annotations

from waggledance.core import WaggleError
from waggledance.studio._conversation import Conversation
from waggledance.studio._shapes import Hearing
from waggledance.topology import by_name

MEMBERS_AT_MOST = 400
"""Of more, only what their messages show is drawn."""


def hearing_of(conversation: Conversation) -> Hearing | None:
    """Return the topology's plan of the first round.

    None where it cannot be told: there are very many members, the topology is of somebody's own, or it looks at what
    was said first.
    """
    opening = conversation.opening
    if opening is None or len(conversation.members) > MEMBERS_AT_MOST:
        return None
    if not opening.body.topology:
        return Hearing(everyone=False, of={})
    roster = tuple(member.id for member in conversation.members)
    try:
        topology = by_name(opening.body.topology)
        heard = {peer: topology.speakers(peer, 0, roster, (), opening.body.seed) for peer in roster}
    except (WaggleError, ValueError, TypeError):
        return None
    others = len(roster) - 1
    if all(speakers is None or len(speakers) == others for speakers in heard.values()):
        return Hearing(everyone=True, of={})
    return Hearing(
        everyone=False,
        of={peer.hex(): tuple(s.hex() for s in sorted(roster if speakers is None else speakers) if s != peer)
            for peer, speakers in heard.items()},
    )  # fmt: skip
