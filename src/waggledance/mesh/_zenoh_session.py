"""The one thread that owns a zenoh session: opens it, sends what the outbox holds, and closes it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, NamedTuple, cast

from waggledance.core import PeerId, SwarmId, show
from waggledance.mesh._tls import Tls
from waggledance.mesh._zenoh_checksum import with_checksum
from waggledance.mesh._zenoh_config import HELD_S, RETRY_FIRST_S, RETRY_GROWTH, RETRY_LAST_S, Mode, zenoh_config
from waggledance.mesh._zenoh_endpoints import CannotListen, Endpoint, with_free_ports
from waggledance.mesh._zenoh_inbox import Inbox
from waggledance.mesh._zenoh_outbox import Outbox
from waggledance.mesh._zenoh_way import Publisher, Way

if TYPE_CHECKING:
    import zenoh

CLOSING_S = 1.0
"""How long closing waits for what is queued, and then again for the session's end."""
_LOOP_CHECKED_S = 0.5
"""How long a process may outlive an event loop that ended without closing its transport."""
_PORTS_TRIED = 5
_WAYS_KEPT = 512
_AT_ONCE_BYTES = 4096
_AT_ONCE_S, _AT_ONCE_PAUSE_S = 0.005, 10.0
"""A put from the event loop that took longer than the first is a warning, heeded for as long as the second."""
_SUSPICIOUS_S = 0.8 * HELD_S
"""A put that took longer may have cost a link; the engine counts from somewhat before it, so not quite `HELD_S`."""
_SETTLED_S, _LOOKED_EVERY_S = 0.5, 0.01
"""How long after such a put a link is gone, if it goes."""

logger = logging.getLogger(__name__)


class Settings(NamedTuple):
    """What `ZenohTransport.open` was asked for, read and checked."""

    mode: Mode
    listens: tuple[Endpoint, ...]
    dials: tuple[Endpoint, ...]
    scouting: bool
    tls: Tls | None


class Session(threading.Thread):
    """Runs from its construction, on the event loop, until it is told to end or its event loop is gone."""

    def __init__(self, me: PeerId, swarm: SwarmId, settings: Settings, inbox: Inbox, outbox: Outbox) -> None:
        super().__init__(name=f"waggle-zenoh-{show(me, 6)}")
        self._me, self._keys = me, f"waggle/{swarm.hex()}"
        self._settings, self.listens = settings, settings.listens
        self._loop, self._inbox, self._outbox = asyncio.get_running_loop(), inbox, outbox
        self.dropped = Counter[str]()
        self._session: zenoh.Session | None = None
        self._ways: dict[str, Way] = {}
        self._at_once_from = 0.0
        self._suspect: Way | None = None
        self._seen, self._looked = (frozenset[str](), frozenset[str]()), 0.0
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._over = asyncio.Event()
        self.start()

    async def opened(self) -> None:
        """Return when the session is open or will go on trying, and raise what makes it impossible."""
        await self._opened

    async def ended(self, within_s: float) -> None:
        """Return when the thread has ended, or that time has passed."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), within_s)

    def end(self) -> None:
        """Make the thread end now and wait for it. One that is in the middle of dialling ends when the dial does."""
        self._inbox.close()
        self._outbox.abandon()
        self.join(CLOSING_S)

    def put_at_once(self, key: str, datagram: bytes) -> bool:
        """Send from the event loop, and return whether it was sent; only while the thread has nothing to do.

        It saves two changes of threads, half of what a small datagram costs. A link that is full may hold up the loop
        for `HELD_S`, a frozen peer's once, and then nothing is sent so for a while.
        """
        import zenoh

        session, way, start = self._session, self._ways.get(key), self._loop.time()
        if session is None or way is None or len(datagram) > _AT_ONCE_BYTES or start < self._at_once_from:
            return False
        if way.leads_nowhere(start, self.links):
            return False
        try:
            way.publisher.put(with_checksum(datagram))
        except zenoh.ZError:
            return False
        took_s = self._loop.time() - start
        if took_s > _AT_ONCE_S:
            self._at_once_from = start + _AT_ONCE_PAUSE_S
        if took_s >= _SUSPICIOUS_S:
            self._suspect = way  # the thread looks into it, and then tries again
        return took_s < _SUSPICIOUS_S

    def links(self) -> frozenset[str]:
        """Return the far ends of all links."""
        import zenoh

        if (session := self._session) is not None:
            with suppress(zenoh.ZError):  # closed in the meantime
                return frozenset(str(link.dst) for link in session.info.links())
        return frozenset()

    def run(self) -> None:
        """Open, send, close."""
        fault: Exception | None = None
        try:
            session = self._open()
            if session is not None:
                try:
                    self._declare(session)
                    self._session = session
                    self._tell(self._say_opened, None)
                    self._pump(session)
                finally:
                    self._session = None
                    session.close()  # type: ignore[no-untyped-call]
        except Exception as seen:  # noqa: BLE001  (handed to whoever opens)
            fault = seen
            logger.debug("session of %s ended by %r", show(self._me), seen)
        self._tell(self._say_opened, fault)
        self._tell(self._outbox.abandon)
        self._tell(self._over.set)

    def _open(self) -> zenoh.Session | None:
        """Return a session; None if told to end before there was one."""
        return self._open_client() if self._settings.mode == "client" else self._open_listening()

    def _open_listening(self) -> zenoh.Session:
        import zenoh

        wanted = self.listens
        for tries_left in reversed(range(_PORTS_TRIED)):
            self.listens = with_free_ports(wanted)
            mode, _, dials, scouting, tls = self._settings
            config = zenoh_config(mode, self.listens, dials, scouting=scouting, tls=tls)
            try:
                return zenoh.open(config)
            except zenoh.ZError as fault:
                # A free port may have been taken since it was found.
                if not tries_left or self.listens == wanted:
                    raise CannotListen(", ".join(map(str, wanted)), str(fault)) from None
        raise AssertionError("unreachable")

    def _open_client(self) -> zenoh.Session | None:
        import zenoh

        mode, _, dials, scouting, tls = self._settings
        config = zenoh_config(mode, (), dials, scouting=scouting, tls=tls)
        wait_s = RETRY_FIRST_S
        while True:
            try:
                return zenoh.open(config)
            except zenoh.ZError as fault:
                logger.info("no hub of %s took a connection: %s", ", ".join(map(str, dials)), fault)
            self._tell(self._say_opened, None)
            until = self._loop.time() + wait_s
            while (left := until - self._loop.time()) > 0:
                if self._outbox.closed or self._loop.is_closed():
                    return None
                self.dropped["unreachable"] += len(self._outbox.take(min(left, _LOOP_CHECKED_S)))
            wait_s = min(RETRY_GROWTH * wait_s, RETRY_LAST_S)

    def _declare(self, session: zenoh.Session) -> None:
        """Subscribe first and show up last, so that whoever sees this peer can already reach it."""
        import zenoh

        def arrived(sample: zenoh.Sample) -> None:
            if sample.kind == zenoh.SampleKind.PUT:
                self._inbox.arrive(sample.payload.to_bytes())

        def seen(sample: zenoh.Sample) -> None:
            with suppress(ValueError):  # not a key's hex digits, so nobody's
                peer = PeerId(bytes.fromhex(str(sample.key_expr).rpartition("/")[2]))
                if peer != self._me and len(peer) == len(self._me):
                    self._inbox.seen(peer, sample.kind == zenoh.SampleKind.PUT)

        hear: zenoh.handlers.Callback[zenoh.Sample] = zenoh.handlers.Callback(arrived)
        see: zenoh.handlers.Callback[zenoh.Sample] = zenoh.handlers.Callback(seen)
        liveliness = session.liveliness()
        self._declared = (  # what nobody holds on to is taken back
            session.declare_subscriber(f"{self._keys}/to/{self._me.hex()}", hear),
            session.declare_subscriber(f"{self._keys}/all", hear),
            liveliness.declare_subscriber(f"{self._keys}/up/*", see, history=True),
            liveliness.declare_token(f"{self._keys}/up/{self._me.hex()}"),
        )

    def _pump(self, session: zenoh.Session) -> None:
        while not self._loop.is_closed() and not self._outbox.abandoned:
            batch = self._outbox.take(_LOOP_CHECKED_S)
            if not batch and self._outbox.closed:
                return
            if self._loop.time() - self._looked >= _LOOP_CHECKED_S:
                self._look()
            for sent, (key, datagram) in enumerate(batch):
                if self._outbox.abandoned:
                    self.dropped["closed"] += len(batch) - sent
                    return
                if self._suspect is not None:
                    self._still_linked(self._suspect)
                    self._suspect = None
                way = self._way(session, key)
                if way.leads_nowhere(self._loop.time(), self.links):
                    self.dropped["unreachable"] += 1
                elif not self._put(way, datagram):
                    self.dropped["failed"] += 1

    def _put(self, way: Way, datagram: bytes) -> bool:
        """Return whether a datagram was sent to all who hear that way, as far as is known."""
        import zenoh

        start = self._loop.time()
        try:
            way.publisher.put(with_checksum(datagram))
        except zenoh.ZError as fault:
            logger.debug("not sent: %s", fault)
            return False
        return self._loop.time() - start < _SUSPICIOUS_S or self._still_linked(way)

    def _look(self) -> None:
        self._seen, self._looked = (self.links(), self._seen[0]), self._loop.time()

    def _still_linked(self, way: Way) -> bool:
        """Return whether all links are still there after a put was held up: slow, but sent."""
        links, until = self._seen[0] | self._seen[1], self._loop.time() + _SETTLED_S
        while links <= (left := self.links()):
            if self._loop.time() > until:
                return True
            sleep(_LOOKED_EVERY_S)
        self._seen = left, left
        if way.to_one:
            way.cut_off(left, self._loop.time())
        return False

    def _way(self, session: zenoh.Session, key: str) -> Way:
        """Return the way for a key; the one not used for longest makes room for a new one."""
        import zenoh

        way = self._ways.pop(key, None)
        if way is None:
            publisher = session.declare_publisher(
                key,
                congestion_control=zenoh.CongestionControl.BLOCK,
                reliability=zenoh.Reliability.RELIABLE,
                allowed_destination=zenoh.Locality.REMOTE,  # never to oneself
            )
            way = Way(cast("Publisher", publisher), self._loop.time(), to_one=not key.endswith("/all"))
            self._look()
            if len(self._ways) >= _WAYS_KEPT:
                self._ways.pop(next(iter(self._ways))).publisher.undeclare()
        self._ways[key] = way
        return way

    def _say_opened(self, fault: Exception | None) -> None:
        if self._opened.done():
            return
        if fault is None:
            self._opened.set_result(None)
        else:
            self._opened.set_exception(fault)

    def _tell(self, callback: Callable[..., object], *about: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(callback, *about)
