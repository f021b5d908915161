"""MeritRank: reputation by random walks over feedback, which bounds what invented identities can gain.

Walks start at the one who asks, and at each peer go on with probability α to one it received work from, in proportion
to its feedback. With first(v) the number of walks that visit v at least once,

    merit(v) = first(v) / Σ first(u) over all u but the start,    times 1 - β if v hangs on one bridge:
    some x other than the start lies before v on at least the share θ of the walks that reach v.

Anybody can make identities, but walks must come to them: behind one peer they share what it has. All identities
together gain at most 1/(1 - α) times what their maker had, and with β far less; what grows is what *edges from honest
peers* bring, and those cost work. Counting first visits alone, and not all, keeps a walk from gathering merit in a
circle.

Merit is personal: it differs by who asks. It is for choosing whom to ask, and never a vote's weight. Where all must
come to the same figures, walks start from the founding members over a fixed cut (`merits_from_founders`), and whoever
uses those as weights must say so in the rules of the swarm.

Scores are whole parts per million from whole counts, and the draws come from a hash of start and cut: the same edges
give the same bytes on every machine.

Source: Nasrulin, Ishmaev, Pouwelse 2022, "MeritRank: Sybil Tolerant Reputation for Merit-based Tokenomics",
arXiv:2207.09950; Madhwal, Pouwelse 2023, "Web3Recommend", arXiv:2307.01411. θ = 0.9 instead of 1 is the project's own
choice. It leaves the order of honest peers as it is in the eyes of a well-connected one (Kendall τ 0.999 on 100 peers),
and moves some in the eyes of one with three neighbours (0.94): those that its walks reach over one neighbour alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import accumulate
from random import Random

from blake3 import blake3

from waggledance.core import UNIT, PeerId, UsageError

ALPHA_PPM = 850_000
"""How likely a walk goes on (α)."""
BETA_PPM = 900_000
"""What is taken from a peer that hangs on one bridge (β)."""
THETA_PPM = 900_000
"""The share of walks over one peer that makes it a bridge (θ)."""
WALKS = 2_000
"""With fewer than 500 the order below rank 20 is noise."""

Weights = Mapping[tuple[PeerId, PeerId], int]
_FULL = 1 << 53
"""`Random.random` draws whole multiples of 1/2^53, so that products with it are exact."""
_ROOT = PeerId(b"")
"""Where walks from several founders start."""


def merits(
    reader: PeerId,
    edges: Weights,
    cut: bytes,
    *,
    walks: int = WALKS,
    alpha_ppm: int = ALPHA_PPM,
    beta_ppm: int = BETA_PPM,
    theta_ppm: int = THETA_PPM,
) -> dict[PeerId, int]:
    """Return every reached peer's merit in the eyes of one.

    Args:
        reader: where walks start; has no merit of its own.
        edges: who received how much good work from whom, >= 0 (`Edges.weights`).
        cut: a hash of the messages that the edges come from (`Edges.cut`).
        walks: how many, >= 1.
        alpha_ppm: α in parts per million, 0 to 999,999.
        beta_ppm: β in parts per million, 0 to 1,000,000; 0 switches the punishment of bridges off.
        theta_ppm: θ in parts per million, 1 to 1,000,000.

    Returns:
        Parts per million, by peer, in the order of ids; together at most 1,000,000. Who is missing was not reached, as
        a newcomer is not: it has no bad name, and none at all.

    Raises:
        UsageError: a negative weight, or a number outside its range.

    >>> a, b, c = (PeerId(bytes([n]) * 32) for n in (1, 2, 3))
    >>> [merit > 300_000 for merit in merits(a, {(a, b): 5, (a, c): 5, (b, c): 1}, b"cut").values()]
    [True, True]
    """
    _check(walks, alpha_ppm, beta_ppm, theta_ppm)
    return _walked(reader, _graph(edges), reader + cut, walks, alpha_ppm, beta_ppm, theta_ppm)


def merits_from_founders(
    founders: Collection[PeerId], edges: Weights, cut: bytes, *, walks: int = WALKS
) -> dict[PeerId, int]:
    """Return every reached peer's merit in the eyes of all founders together, founders included: alike for all readers.

    Args:
        founders: where walks start, each as often as the others; in any order.
        edges: as in `merits`.
        cut: as in `merits`; fixed by those who must come to the same figures.
        walks: how many, >= 1.

    Raises:
        UsageError: no founder, a negative weight, or no walk.
    """
    start = sorted(set(founders))
    if not start:
        raise UsageError("merit needs at least one founder to start from, got none")
    _check(walks, ALPHA_PPM, BETA_PPM, THETA_PPM)
    graph = _graph(edges)
    graph[_ROOT] = (start, list(range(1, len(start) + 1)))
    seed = b"".join(start) + cut
    return _walked(_ROOT, graph, seed, walks, ALPHA_PPM, BETA_PPM, THETA_PPM)


_Graph = dict[PeerId, tuple[list[PeerId], list[int]]]
"""Of each peer those it received work from, and the running sums of how much."""


def _graph(edges: Weights) -> _Graph:
    """Return the edges by where they start; those from a peer to itself and those of no weight are dropped."""
    ahead: dict[PeerId, list[tuple[PeerId, int]]] = {}
    for (asker, worker), weight in sorted(edges.items()):
        if weight < 0:
            raise UsageError(f"feedback adds up to 0 or more, got an edge of weight {weight}")
        if weight and asker != worker:
            ahead.setdefault(asker, []).append((worker, weight))
    return {asker: ([w for w, _ in to], list(accumulate(n for _, n in to))) for asker, to in ahead.items()}


def _walked(
    start: PeerId, graph: _Graph, seed: bytes, walks: int, alpha_ppm: int, beta_ppm: int, theta_ppm: int
) -> dict[PeerId, int]:
    """Walk, count first visits and what lay before them, and return merits."""
    chance = Random(int.from_bytes(blake3(b"waggle/merit/1\0" + seed).digest(16))).random
    first: Counter[PeerId] = Counter()
    before: dict[PeerId, Counter[PeerId]] = {}
    for _ in range(walks):
        path: list[PeerId] = []
        at = start
        while int(chance() * UNIT) < alpha_ppm and at in graph:
            ahead, sums = graph[at]
            at = ahead[bisect_right(sums, int(chance() * _FULL) * sums[-1] // _FULL)]
            if at != start and at not in path:
                first[at] += 1
                before.setdefault(at, Counter()).update(path)
                path.append(at)
    total = sum(first.values())
    merit: dict[PeerId, int] = {}
    for peer in sorted(first):
        share = UNIT * first[peer] // total
        bridge = max(before[peer].values(), default=0)
        hangs = bridge * UNIT >= theta_ppm * first[peer]
        merit[peer] = share * (UNIT - beta_ppm) // UNIT if hangs else share
    return merit


def _check(walks: int, alpha_ppm: int, beta_ppm: int, theta_ppm: int) -> None:
    if walks < 1:
        raise UsageError(f"merit needs at least one walk, got walks={walks}")
    if not 0 <= alpha_ppm < UNIT or not 0 <= beta_ppm <= UNIT or not 0 < theta_ppm <= UNIT:
        raise UsageError(
            "merit needs 0 <= alpha_ppm < 1,000,000, 0 <= beta_ppm <= 1,000,000 and 0 < theta_ppm <= 1,000,000, "
            f"got {alpha_ppm}, {beta_ppm}, {theta_ppm}"
        )
