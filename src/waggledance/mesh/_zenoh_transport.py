"""Datagrams over eclipse-zenoh: straight between peers on one network, or by way of hubs from behind gateways.

Every peer subscribes to ``waggle/<swarm>/to/<peer>`` and ``waggle/<swarm>/all``, and shows by a liveliness token
``waggle/<swarm>/up/<peer>`` that its session is up. One thread owns the session: it opens it, sends, which may hold
it up, and closes it. So a slow peer or network does not hold up the event loop; but see `Session.put_at_once`. Order is
kept among what one peer sends to one other, and among what it spreads.

A link is never believed: what arrives may come from anybody who can reach a listening port. With `Tls` that is
only who holds a certificate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Self

from waggledance.core import PeerId, SwarmId, UnknownName, UsageError
from waggledance.mesh._tls import Tls
from waggledance.mesh._transport import Presence, Receive
from waggledance.mesh._zenoh_config import Mode
from waggledance.mesh._zenoh_endpoints import read_endpoints
from waggledance.mesh._zenoh_inbox import Inbox
from waggledance.mesh._zenoh_outbox import Outbox
from waggledance.mesh._zenoh_session import CLOSING_S, Session, Settings

_MODES = ("peer", "client", "router")


class ZenohTransport:
    """A `Transport` on a zenoh session. Made by `open`.

    `dropped` counts, beside the reasons every transport has, ``"unreachable"``: nobody to take it was in reach;
    ``"inbox"``: this process took too long to receive; ``"damaged"``: it came with a wrong checksum. What was on its
    way when a link broke is lost uncounted.
    """

    def __init__(self, me: PeerId, swarm: SwarmId, session: Session, inbox: Inbox, outbox: Outbox) -> None:
        self._me = me
        self._session, self._inbox, self._outbox = session, inbox, outbox
        self._to_all = f"waggle/{swarm.hex()}/all"
        self._to = f"waggle/{swarm.hex()}/to/"

    @classmethod
    async def open(
        cls,
        me: PeerId,
        swarm: SwarmId,
        *,
        listen: Sequence[str] | None = None,
        connect: Sequence[str] = (),
        mode: Mode = "peer",
        scouting: bool = False,
        tls: Tls | None = None,
    ) -> Self:
        """Open a session and return at once, whether or not anybody could be reached; dialling goes on by itself.

        Args:
            me: whose datagrams come in here, 32 bytes.
            swarm: which swarm's; sessions of other swarms hear nothing of it.
            listen: endpoints to take connections on, port 0 for a free one. None: a free port of the loopback
                interface, which nobody outside this machine can reach. A client takes none.
            connect: endpoints to dial, best all that are known: an endpoint cannot be added later.
            mode: ``"peer"`` on one network; ``"client"`` from behind a gateway, of the hubs in `connect`;
                ``"router"`` to be such a hub, of which a swarm has two or three.
            scouting: find peers on the local network by multicast.
            tls: certificates; all endpoints must then be ``tls/`` or ``quic/``.

        Raises:
            UsageError: a malformed endpoint or unusable certificate, or nobody could ever be met this way.
            UnknownName: a mode that there is not.
            CannotListen: a port is taken, or the address is not this machine's.
        """
        if mode not in _MODES:
            raise UnknownName("mode of a transport", mode, _MODES)
        if listen is None:
            listen = () if mode == "client" else ("tls/127.0.0.1:0" if tls else "tcp/127.0.0.1:0",)
        listens = read_endpoints(listen, encrypted=tls is not None, dialled=False)
        dials = read_endpoints(connect, encrypted=tls is not None, dialled=True)
        if mode == "client" and listens:
            raise UsageError(f"a client takes no connections, so it cannot listen on {listens[0]}. Leave out listen.")
        if not (listens or dials or scouting):
            raise UsageError("who neither listens, dials nor scouts meets nobody. Give connect=[…] or scouting=True.")
        if tls is not None:
            tls.check()
        inbox, outbox = Inbox(), Outbox()
        session = Session(me, swarm, Settings(mode, listens, dials, scouting, tls), inbox, outbox)
        try:
            await session.opened()
        except BaseException:
            session.end()
            raise
        return cls(me, swarm, session, inbox, outbox)

    @property
    def me(self) -> PeerId:
        """Whose datagrams come in here."""
        return self._me

    @property
    def congested(self) -> bool:
        """Whether the queue of what goes out passed a half and has not come below a quarter since."""
        return self._outbox.congested

    @property
    def dropped(self) -> Counter[str]:
        """How many datagrams were not carried, by reason."""
        return self._outbox.dropped + self._inbox.dropped + self._session.dropped

    @property
    def listening(self) -> tuple[str, ...]:
        """The endpoints that take connections, with their actual ports."""
        return tuple(map(str, self._session.listens))

    @property
    def reached(self) -> bool:
        """Whether there is a link to anybody at this moment."""
        return bool(self.links())

    def neighbours(self) -> frozenset[PeerId]:
        """Return whose sessions are up, as far as is seen from here: directly linked or behind a hub."""
        return self._inbox.up

    def links(self) -> tuple[str, ...]:
        """Return the far ends of the links that there are at this moment, sorted."""
        return tuple(sorted(self._session.links()))

    def listen(self, receive: Receive, presence: Presence) -> None:
        """Begin to hand over what arrives, on the event loop; called again, hand over to these instead."""
        self._inbox.open(receive, presence)

    def send(self, to: PeerId, datagram: bytes) -> None:
        """Put a datagram on its way to one peer. Never raises, and is held up for 0.3 s at most, by a full link."""
        key = self._to + to.hex()
        if not (self._outbox.idle and self._session.put_at_once(key, datagram)):
            self._outbox.put(key, datagram)

    def spread(self, datagram: bytes) -> None:
        """Put a datagram on its way to everybody else in the swarm. Never blocks, never raises."""
        self._outbox.put(self._to_all, datagram)

    async def room(self) -> None:
        """Return when the queue of what goes out is no longer congested."""
        await self._outbox.room()

    async def close(self) -> None:
        """Send what is queued, for at most a second, and end the session. Closing twice is harmless."""
        self._outbox.close()
        try:
            await self._session.ended(CLOSING_S)
        finally:
            self._session.end()
