"""Run a protocol on the simulated network, and see what every peer made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from waggledance._swarm import Swarm
from waggledance.core import Decision, Message, Peer, Question, Seat, SwarmId, UsageError, encode, show
from waggledance.network import Delay, Fault, Links, Simulated, SimulatedGathering
from waggledance.network import touched as touched_by
from waggledance.protocols import AskProtocol
from waggledance.testing._opinionated import Opinionated


class NetworkOptions(TypedDict, total=False):
    """What else `Simulated` takes."""

    delay: Delay
    loss: float
    duplicate: float
    reorder: float
    bit_flip: float
    links: Links | None
    sync_every_s: float
    limit_s: float
    linger_s: float


@dataclass(frozen=True)
class Run:
    """A simulated run, when it is over and the copies have been repaired."""

    decision: Decision
    """The swarm's."""
    decisions: Mapping[str, Decision]
    """What each peer that came to an end decided, by name."""
    honest: tuple[Decision, ...]
    """The decisions of the peers that no fault names."""
    virtual_s: float
    """How long the question took, in virtual seconds, without the repair after it."""
    log: tuple[Message[Any], ...]
    """Every message that was sent to anybody, in the order in which they were first sent."""
    refused: Mapping[str, int]
    """How many messages were refused at all doors together, by reason."""
    digests: Mapping[str, bytes]
    """The digest of each peer's copy, by name: equal on two that hold the same messages."""
    disowned: Mapping[str, frozenset[str]]
    """Whom each peer has caught writing two messages with one number, by name."""
    delivered: int
    """How many messages arrived at a door."""

    @property
    def transcript(self) -> bytes:
        """The canonical bytes of all messages, one after the other: equal for two runs of one seed."""
        return b"".join(encode(message) for message in self.log)


def simulate(
    protocol: AskProtocol,
    question: str | Question,
    *,
    peers: int | Sequence[Peer] = 5,
    seed: int = 7,
    faults: Sequence[Fault] = (),
    **network: Unpack[NetworkOptions],
) -> Run:
    """Let peers answer a question in virtual time; return what each of them made of it.

    Args:
        protocol: what is said when.
        question: its text, or a whole `Question`.
        peers: the peers; a number stands for so many `Opinionated` ones, called p0, p1, ….
        seed: of the peers' luck and of the network's.
        faults: what goes wrong, and when.
        network: see `Simulated`; copies are repaired for up to 60 s after the decision, or `linger_s`.

    Raises:
        Deadlock: somebody waits for what can never come.
        Endless: the protocol does not come to an end within ten virtual days.

    >>> from waggledance.network import Silent
    >>> from waggledance.protocols import Debate
    >>> run = simulate(Debate(patience_s=30), "2+2?", seed=7, faults=[Silent("p3")])
    >>> run.decision.key, len({decision.key for decision in run.honest}), run.virtual_s < 91
    ('4', 1, True)
    """
    if isinstance(peers, int):
        if peers < 1:
            raise UsageError(f"a simulation needs at least one peer, got {peers}")
        peers = [Opinionated(f"p{i}") for i in range(peers)]
    options: NetworkOptions = {"linger_s": 60.0, **network}
    kept = _Kept(Simulated(seed=seed, faults=tuple(faults), **options))
    watched = _Watched(protocol)
    decision = Swarm(peers, network=kept, protocol=watched, seed=seed).ask_sync(question)
    gathering = kept.gathering
    assert gathering is not None, "the swarm has asked"
    struck = {name for fault in faults for name in touched_by(fault)}
    by_id = dict(zip(gathering.members, gathering.names, strict=True))
    return Run(
        decision=decision,
        decisions=watched.decisions,
        honest=tuple(d for name, d in watched.decisions.items() if name not in struck),
        virtual_s=gathering.ended_s or 0.0,
        log=tuple(kept.log),
        refused=gathering.refused,
        digests={name: gathering.copy(id).digest() for id, name in by_id.items()},
        disowned={
            name: frozenset(by_id.get(forked, show(forked)) for forked in gathering.copy(id).forked)
            for id, name in by_id.items()
        },
        delivered=gathering.delivered,
    )


class _Kept:
    """A simulated network that keeps the gathering it opens, and its messages."""

    def __init__(self, network: Simulated) -> None:
        self._network = network
        self.name, self.remote = network.name, network.remote
        self.new_event_loop = network.new_event_loop
        self.gathering: SimulatedGathering | None = None
        self.log: list[Message[Any]] = []

    def gather(self, swarm: SwarmId, channel: str, names: Sequence[str]) -> SimulatedGathering:
        self.gathering = self._network.gather(swarm, channel, names)
        self.gathering.subscribe(lambda message, _raw: self.log.append(message))
        return self.gathering


class _Watched:
    """A protocol that notes each seat's decision, and is otherwise the one it watches."""

    def __init__(self, protocol: AskProtocol) -> None:
        self._protocol = protocol
        self.decisions: dict[str, Decision] = {}
        self.name = str(getattr(protocol, "name", getattr(protocol, "__name__", type(protocol).__name__)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    async def __call__(self, seat: Seat, /) -> Decision:
        decision = self.decisions[seat.name] = await self._protocol(seat)
        return decision
