"""A host: the swarms that are served, and the orders they are at work on. Doors translate, this does the work."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from waggledance.core import Log, RunFailed, UnknownName, UsageError
from waggledance.gateways._callers import Callers
from waggledance.gateways._event import Draining, TooBusy
from waggledance.gateways._hosted import Hosted
from waggledance.gateways._order import Order, new_id
from waggledance.gateways._running import Running
from waggledance.models import asked_for
from waggledance.protocols import PROTOCOLS, AskProtocol, by_name

logger = logging.getLogger(__name__)

DEFAULT = "default"
"""The swarm that answers where a protocol is asked for by name and no swarm."""
MAX_PARAMETER = 100
"""Of a protocol that a caller names: rounds and samples cost, and they are the host's."""

MAX_LOOKING = 8
"""So many orders of other servers are looked for at a time."""
_ID = re.compile("[0-9a-f]{32}")
"""What `new_id` makes."""


class Host:
    """The swarms that are served under their names, and the orders they are at work on.

    Args:
        swarms: who is served, by name; at least one.
        log: where they keep what is said, so that doors can show it; nowhere when None.
        at_once: how many orders may be at work at a time, ≥ 1.
        kept: how many orders that have ended can still be found, ≥ 0; the oldest are forgotten first.
        callers: what is known of callers, who get their usual limits where they say none; nothing when None.

    Raises:
        UsageError: no swarm is given, or a limit is out of range.
    """

    def __init__(
        self, swarms: Mapping[str, Hosted], log: Log | None = None, *, at_once: int = 1_000, kept: int = 256,
        callers: Callers | None = None,
    ) -> None:  # fmt: skip
        if not swarms:
            raise UsageError("a host needs at least one swarm to serve, got none")
        if at_once < 1 or kept < 0:
            raise UsageError(f"a host works at 1 order or more and keeps 0 or more, got {at_once} and {kept}")
        self.swarms: Mapping[str, Hosted] = MappingProxyType(dict(swarms))
        self.log = log
        self.at_once, self.kept, self.callers = at_once, kept, callers
        self.draining = False
        self._working: dict[str, Running] = {}
        self._ended: dict[str, Running] = {}
        self._protocols: dict[str, AskProtocol] = {}
        self._listeners: list[Callable[[Running], None]] = []
        self._looking = 0

    def start(self, order: Order, protocol: AskProtocol | None = None, *, channel: str | None = None) -> Running:
        """Begin an order at once; it runs until it is done or cancelled, whether or not anybody listens.

        Args:
            order: what is asked.
            protocol: how it is worked on, where a name cannot say it, such as a plan; as the order says when None.
            channel: where an earlier process began this order, of a swarm whose members go on without it, or empty
                where another server did: then it is taken up there, see `Hosted.take_up`; it is begun anew when None.

        Raises:
            UnknownName: the swarm or the protocol is not known; says the nearest.
            UsageError: there is an order of this id already, the protocol's name cannot be read, or the swarm's
                orders end with the process that began them.
            Draining: the host is stopping.
            TooBusy: as many orders are at work as may be.
        """
        if self.draining:
            raise Draining
        if len(self._working) >= self.at_once:
            raise TooBusy(self.at_once)
        hosted = self.swarms.get(order.swarm)
        if hosted is None:
            raise UnknownName("swarm", order.swarm, self.swarms)
        if channel is not None and hosted.take_up is None:
            raise UsageError(f"an order to the swarm {order.swarm!r} ends with its process, and cannot be taken up")
        if protocol is None and order.protocol:
            protocol = self._protocol(order.protocol)
        if not order.id:
            order = msgspec.structs.replace(order, id=new_id())
        if self.find(order.id) is not None:
            raise UsageError(f"there is an order {order.id!r} already; leave the id out, or give another")
        asked = order
        if self.callers is not None and channel is None:
            order = self.callers.filled(order)
        with asked_for(order.caller):
            running = self._working[order.id] = Running(order, hosted, protocol, channel)
        running.task.add_done_callback(lambda _: self._end(running, asked))
        return running

    def find(self, id: str) -> Running | None:
        """Return an order by its id: at work, or among the last that ended."""
        return self._working.get(id) or self._ended.get(id)

    async def find_elsewhere(self, swarm: str, id: str, caller: str, *, context: str = "") -> Running | None:
        """Look for an order that another server began, whose swarm's members go on without it, and follow it here.

        Args:
            swarm: the swarm's name.
            id: the order's; only one that `new_id` made is looked for.
            caller: who gave it there, which has to be who asks here.
            context: the conversation that it belongs to here.

        Returns:
            The order, which is only read here; None where nobody who is there knows it within three seconds, it is an
            order of this server's, or very many are looked for already.

        Raises:
            Draining: the host is stopping.
            TooBusy: as many orders are at work as may be.
        """
        hosted, known = self.swarms[swarm], self.find(id)
        if known is not None:
            return known if known.elsewhere and (known.order.swarm, known.order.caller) == (swarm, caller) else None
        if hosted.find is None or not _ID.fullmatch(id) or self._looking >= MAX_LOOKING:
            return None
        self._looking += 1
        try:
            question = await hosted.find(id, caller)
        except RunFailed as why:
            logger.debug("order %s: %s", id, why)
            return None
        finally:
            self._looking -= 1
        order = Order(swarm=swarm, question=question, caller=caller, id=id, context=context)
        return self.find(id) or self.start(order, channel="")  # somebody else may have found it meanwhile

    def running(self) -> tuple[Running, ...]:
        """Return the orders that are at work, oldest first."""
        return tuple(self._working.values())

    def resolve(self, name: str) -> tuple[str, str]:
        """Return the swarm and the protocol that a name stands for; the protocol is empty where it is the swarm's own.

        A name is a swarm's, or a protocol's, such as ``"debate"`` or ``"debate(rounds=1)"``, with which the swarm
        ``"default"`` then answers (the first one, where there is none of that name).

        Raises:
            UnknownName: it is neither; says the nearest.
        """
        if name in self.swarms:
            return name, ""
        if name.partition("(")[0] in PROTOCOLS:
            return (DEFAULT if DEFAULT in self.swarms else next(iter(self.swarms))), name
        raise UnknownName("swarm or protocol", name, (*self.swarms, *PROTOCOLS))

    def subscribe(self, listener: Callable[[Running], None]) -> None:
        """Call `listener(running)` for every order that has ended, from now on."""
        self._listeners.append(listener)

    async def drain(self, within_s: float) -> None:
        """Take no new orders, let those at work end, and cancel what is still at work after `within_s` seconds."""
        self.draining = True
        tasks = [running.task for running in self.running()]
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, within_s))
        left = self.running()
        for running in left:
            running.cancel()
        if left:
            await asyncio.wait([running.task for running in left])

    def _protocol(self, name: str) -> AskProtocol:
        """Return a protocol by name; few are used, again and again, and callers must not be able to fill memory."""
        if name not in self._protocols:
            numbers = re.findall(r"[\d_]*\d(?:\.\d*)?(?:[eE][+-]?\d+)?", name[:1_000])
            large = [found for found in numbers if float(found.replace("_", "")) > MAX_PARAMETER]
            if large:
                raise UsageError(
                    f"the protocol {name[:80]!r} asks for {large[0][:20]} of something; callers may ask for "
                    f"{MAX_PARAMETER} at most"
                )
            if len(self._protocols) >= 64:
                self._protocols.clear()
            self._protocols[name] = by_name(name)
        return self._protocols[name]

    def _end(self, running: Running, asked: Order) -> None:
        if self.callers is not None:
            self.callers.see(running, asked)
        del self._working[running.id]
        self._ended[running.id] = running
        while len(self._ended) > self.kept:
            del self._ended[next(iter(self._ended))]
        for listener in self._listeners:
            listener(running)
