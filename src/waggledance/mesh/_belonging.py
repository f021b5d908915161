"""Who belongs to the swarm, by what is said in the lobby, and who may say something there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from waggledance.core import Clock, Member, Message, PeerId
from waggledance.mesh._admission import Membership, membership_of
from waggledance.mesh._admission_bodies import Admit, Join, Leave, Revoke
from waggledance.mesh._channels import LOBBY, Channels
from waggledance.mesh._genesis import Genesis
from waggledance.mesh._intake import Intake

AnyMessage = Message[Any]
ABOUT_MEMBERS = (Join, Admit, Leave, Revoke)
LOOK_SECONDS_A_MESSAGE = 5e-5
"""So long a time between two looks at who belongs, for each message of the lobby: going through it costs a tenth."""
LOOK_AT_ONCE = 200
"""Up to so many messages the lobby is gone through at each that is about members."""


class Belonging:
    """The lobby of one node, and the members by what is in it.

    Args:
        genesis: the swarm's founding.
        channels: the node's; the lobby is held there from now on.
        intake: tells whether what comes was passed on by a member.
        clock: time.
        caught_up: says whether this node knows what the others know. Until then it brings nobody in.
        changed: called when members were looked at.
    """

    def __init__(
        self,
        genesis: Genesis,
        channels: Channels,
        intake: Intake,
        clock: Clock,
        *,
        caught_up: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._genesis, self._intake, self._clock = genesis, intake, clock
        self._caught_up, self._changed = caught_up, changed
        self.membership: Membership = membership_of(genesis, ())
        self.everybody = frozenset(self.members)
        self.lobby = channels.hold(LOBBY, self._may_enter, lambda: self.everybody)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._looked_at = 0.0
        self._closed = False

    @property
    def members(self) -> Mapping[PeerId, Member]:
        """Everybody who belongs to the swarm by now, by id."""
        return self.membership.members

    def hear(self, messages: Sequence[AnyMessage]) -> None:
        """Go through the lobby if what is new is about members: at once, or where that costs much, a little later."""
        forked = self.lobby.copy.forked
        if not any(isinstance(m.body, ABOUT_MEMBERS) or m.author in forked for m in messages):
            return
        size = len(self.lobby.copy)
        wait = self._looked_at + size * LOOK_SECONDS_A_MESSAGE - self._clock.now()
        if size <= LOOK_AT_ONCE or wait <= 0:
            self.look()
        elif self._timer is None and not self._closed:
            self._timer = self._loop.call_later(wait, self.look)

    def look(self) -> None:
        """Go through the lobby."""
        self._stop_timer()
        self._looked_at = self._clock.now()
        self.membership = membership_of(self._genesis, self.lobby.copy.messages())
        self.everybody = frozenset(self.members)
        self._changed()

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _may_enter(self, message: AnyMessage) -> bool:
        """Say whether a message may come into the lobby: a member's, or a newcomer's request to join.

        What was said by somebody who is a member no more comes by repair alone, from a member who had let it in.
        """
        if message.author in self.membership.ever:
            return self._intake.passed_on or message.author in self.members
        if not isinstance(message.body, Join) or not (self._intake.passed_on or self._caught_up()):
            return False
        return self.membership.may_ask(message, now_ms=None if self._intake.passed_on else self._clock.wall_ms())
