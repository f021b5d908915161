"""Self-organised: who listens to whom follows from this round's answers alone; no training, no judge.

Answers near to what all said count most, and words flow from them to the others, along a graph without circles. So it
is the safe plan for weak peers whose errors scatter: on the synthetic world W4 it does about what a majority does, and
needs no parsing of answers. It hears a right minority last, so it does nothing against an error that most peers share,
and where peers can tell right from wrong others gain more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, ClassVar

from blake3 import blake3

from waggledance.core import Message, PeerId, Proposal, UsageError
from waggledance.topology._described import Described
from waggledance.topology._seats import seats_of
from waggledance.topology._topology import Hearing, Hyperedge, heard_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from waggledance.topology._points import Embed


@dataclass(frozen=True)
class SelfOrg(Described):
    """Everybody hears the `k` proposals most like its own among those nearer to the centre; drawn anew every round.

    Peers speak in layers: first who hears nobody, then who hears those, and so on; each hears what its sources say now,
    not what they said before. At most k·n texts a round, and up to n speakers one after the other: slow where peers
    think long. A peer that said nothing hears the k nearest to the centre. Equal places are drawn from messages' ids.
    Raises:
        UsageError: `k` is below 1, or `quantile` or `enough` outside of 0 to 1.

    Source: Tastan, Horvath, Nandakumar 2025, "Stochastic Self-Organization in Multi-Agent Systems", arXiv:2510.00685,
    without its fixed threshold of similarity, which links only those who agree already.

    Args:
        k: how many each hears at most, ≥ 1.
        quantile: hears only proposals that are as similar as this share of all pairs of the round are not, 0 to 1.
        enough: when each two proposals are at least so similar, talk may end: 0 to 1; see `settled`.
        embed: how texts become vectors where they hold no answer that could be found; `hashed_ngrams` unless given.
            A topology with one of your own cannot be made by name.
    """

    title: ClassVar[str] = "selforg"

    k: int = 2
    quantile: float = 0.0
    enough: float = 0.9
    embed: Embed | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UsageError(f"one hears at least one peer, got k={self.k}")
        if not 0 <= self.quantile <= 1:
            raise UsageError(f"a quantile lies between 0 and 1, got quantile={self.quantile}")
        if not 0 <= self.enough <= 1:
            raise UsageError(f"a similarity at which talk ends lies between 0 and 1, got enough={self.enough}")

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        self.check(len(roster))
        spoken = {m.author: m for m in sorted(said, reverse=True)}  # of two by one author the one with the smaller id
        ordered = tuple(_Spoken(spoken[peer]) for peer in sorted(spoken))
        return _organised(self, seats_of(roster).peers, ordered, seed)

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId]:
        seats_of(roster).number(me)
        return heard_in(self.plan(round, roster, said, seed), me)

    def settled(self, said: Sequence[Message[Proposal]]) -> bool:
        """Say whether a round's proposals are alike enough to stop talking: equal answers, or similar texts."""
        from waggledance.topology._points import alike

        return alike(said, self.enough, self.embed)


class _Spoken:
    """A proposal by what a plan depends on: equal for equal words, so that all seats of a process share one plan."""

    __slots__ = ("message",)

    def __init__(self, message: Message[Proposal]) -> None:
        self.message = message

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Spoken):
            return False
        mine, its = self.message, other.message
        return mine.id == its.id and (mine.body.key, mine.body.text) == (its.body.key, its.body.text)

    def __hash__(self) -> int:
        return hash(self.message.id)


@lru_cache(maxsize=64)
def _organised(topology: SelfOrg, peers: tuple[PeerId, ...], spoken: tuple[_Spoken, ...], seed: int) -> Hearing:
    """Return who hears whom: sources stand before their listener in one order, so there are no circles."""
    from waggledance.topology._points import contributions, points, similarities

    said = [s.message for s in spoken if s.message.body.key is not None and s.message.author in set(peers)]
    if not said:
        return ()
    where = points(said, topology.embed)
    worth, similar = contributions(where).tolist(), similarities(where)
    drawn = [blake3(b"waggle/selforg/1\0%d\0%b" % (seed, m.id)).digest() for m in said]
    order = sorted(range(len(said)), key=lambda i: (-worth[i], drawn[i]))
    least = _least(similar, topology.quantile)
    layer: dict[int, int] = {}
    edges: list[Hyperedge] = []
    for place, me in enumerate(order):
        near = sorted((i for i in order[:place] if similar[me, i] >= least), key=lambda i: -similar[me, i])
        sources = near[: topology.k]
        layer[me] = 1 + max((layer[i] for i in sources), default=-1)
        if sources:
            edges.append(_edge([said[i].author for i in sources], said[me].author, layer[me]))
    leaders = order[: topology.k]
    silent = set(peers) - {m.author for m in said}
    after = 1 + max(layer[i] for i in leaders)
    edges += [_edge([said[i].author for i in leaders], peer, after) for peer in sorted(silent)]
    return tuple(edges)


def _least(similar: NDArray[np.int64], quantile: float) -> float:
    """Return how alike two must be at least to hear each other: that quantile of all pairs."""
    import numpy as np

    if not quantile or len(similar) < 2:
        return -inf
    return float(np.quantile(similar[np.triu_indices(len(similar), 1)], quantile))


def _edge(speakers: Sequence[PeerId], listener: PeerId, layer: int) -> Hyperedge:
    return Hyperedge(frozenset(speakers), frozenset({listener}), layer=layer)
