"""Where a swarm's questions are put: a channel that nobody has used, who sits there, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from blake3 import blake3

from waggledance._run import Journal
from waggledance.core import (
    Exchange,
    KeepsExchanges,
    Log,
    Message,
    PeerId,
    Question,
    SwarmId,
    Table,
    UsageError,
    Witness,
    Words,
    encode,
    members_of,
)
from waggledance.network import Gathering, Local, Network, Overhears


class Seating:
    """The places of one swarm, whoever sits in them, and the numbers of its channels.

    Args:
        network: where the peers meet.
        log: where every message is kept; nowhere when None.
        swarm: inside every message.
        names: the peers', in order.
        weights: theirs in parts per million, in the same order.
    """

    def __init__(
        self, network: Network, log: Journal | None, swarm: SwarmId, names: Sequence[str], weights: Sequence[int]
    ) -> None:
        self._network, self._log, self._swarm = network, log, swarm
        self._names, self._weights = tuple(names), tuple(weights)
        self._keep = log.append_exchange if isinstance(log, KeepsExchanges) else None
        self._asked = 0
        self._seated: Table | None = None
        """The last table, so that many questions share one mapping of names and one of weights."""

    def gather(
        self,
        question: Question,
        seed: int,
        said: Sequence[Message[Any]],
        see: Callable[[Words | Exchange], None] | None,
    ) -> tuple[Gathering, Table]:
        """Return a channel at which the peers meet for a question, and the table they sit at.

        Args:
            question: what is asked.
            seed: of the draws at the table.
            said: what is known of a question that is gone on with, in its own channel; nothing of a new one.
            see: told what peers elsewhere are saying while they say it.
        """
        channel = said[0].channel if said else self._new_channel(question, seed)
        gathering = self._network.gather(self._swarm, channel, self._names)
        for message in said:
            gathering.copy(gathering.asker).add(message, encode(message))
        if self._log is not None:
            gathering.subscribe(self._log.append)
        if see is not None and self._network.remote and isinstance(gathering, Overhears):
            gathering.overhear(see)
        return gathering, self._table(question, gathering.members, seed)

    def witness(self, see: Callable[[Words | Exchange], None] | None) -> Witness:
        """Return who is told of exchanges and words: the log of the former, one who watches closely of both."""
        keep = self._keep
        if see is None:
            return Witness(exchange=keep)

        def exchange(ended: Exchange) -> None:
            if keep is not None:
                keep(ended)
            see(ended)

        return Witness(exchange=exchange, words=see)

    def said_before(self, channel: str) -> tuple[Message[Any], ...]:
        """Return what the log has of a plan that is to go on.

        Raises:
            UsageError: there is no log to read, the network is not this process, or other peers sat there.
        """
        if not (isinstance(self._log, Log) and isinstance(self._network, Local)):
            raise UsageError(
                "a plan goes on from a log, in one process: give Swarm(..., log=Log(path)), no other network"
            )
        self._log.flush_now()
        said = self._log.read(channel)
        sat = {member.name for member in members_of(said)}
        if sat != set(self._names) or said[0].swarm != self._swarm:
            raise UsageError(
                f"at channel {channel!r} sat {', '.join(sorted(sat)) or 'nobody'} and not {', '.join(self._names)}: "
                "a plan goes on with the same peers, in a swarm of the same name"
            )
        return said

    def keep(self, said: Sequence[Message[Any]]) -> None:
        """Put into the log what it lacks of what was said in one channel, causes before effects."""
        if not isinstance(self._log, Log) or not said:
            return
        channel = said[0].channel
        kept = {message.id for message in self._log.read(channel)} if channel in self._log else set[bytes]()
        for message in said:
            if message.id not in kept:
                self._log.append(message, encode(message))

    def _new_channel(self, question: Question, seed: int) -> str:
        """Return a name that no channel of this swarm or its log has."""
        mark = blake3(question.text.encode() + b"\0%d" % seed).hexdigest(length=3)
        if self._log is not None:
            self._asked = max(self._asked, len(self._log))
        while True:
            self._asked += 1
            channel = f"q{self._asked}-{mark}"
            if self._log is None or channel not in self._log:
                return channel

    def _table(self, question: Question, members: tuple[PeerId, ...], seed: int) -> Table:
        if self._seated is None or self._seated.roster != members:
            names = dict(zip(members, self._names, strict=True))
            weights = dict(zip(members, self._weights, strict=True))
            self._seated = Table(question, members, names, weights, seed)
        return Table(question, members, self._seated.names, self._seated.weights, seed)
