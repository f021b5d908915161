"""Diverse start: each peer drafts several answers, and keeps the one that makes the swarm's pool most diverse.

Talk among peers who say the same moves nobody. A diverse pool holds the truth more often, but its majority is right
no more often, so it is for rules that tell right from wrong, by confidence or by judging. In world W3 (5 peers of 2
drafts, separation 1.2, 2,000 questions, standard error 1.1; `tests/protocols/test_diverse.py` repeats a part):

    truth p₀   truth in the pool             majority of it            vote by confidence
               first  diverse  all ten       first  diverse  all      first  diverse  all
    .20        63.2   77.1     81.0          23.3   23.0     20.4     34.6   40.2     33.2
    .35        80.8   89.4     92.0          40.6   41.0     40.1     54.0   59.4     56.0
    .50        89.4   95.0     96.6          57.4   54.4     59.2     69.0   73.0     72.6

where first is the first draft of each peer, at half the calls, and all is every draft. In the paper the K most diverse
of N drafts are kept, whoever made them; here every peer keeps one of its own, and stands by its words.
Source: Zhu et al. 2026, "Demystifying Multi-Agent Debate: The Role of Confidence and Diversity", arXiv:2601.19921, §4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence

import msgspec

from waggledance.core import NO_COST, UNIT, Condition, Message, PeerId, Proposal, Seat, UsageError
from waggledance.protocols._protocol import collect_from_those_here


def pick_diverse(
    distances: Sequence[Sequence[int]], k: int, *, owners: Sequence[Hashable] | None = None
) -> tuple[int, ...]:
    """Choose items far from each other: the medoid first, then again and again the one farthest from all chosen.

    Args:
        distances: shape (items, items), symmetric, ≥ 0.
        k: how many to choose, ≥ 1; all that may be chosen where there are fewer.
        owners: whose each item is; at most one of each owner's is chosen. None for no such limit.

    Returns:
        Positions, in the order of choice. Equals go to the earlier position: sort items by hash, so that none is
        favoured.

    Raises:
        UsageError: the distances are not a square, there is not an owner for each item, or k is below 1.

    >>> pick_diverse([[0, 1, 9], [1, 0, 8], [9, 8, 0]], 2)
    (1, 2)
    """
    n = len(distances)
    if any(len(row) != n for row in distances) or (owners is not None and len(owners) != n):
        raise UsageError(f"{n} items have {n} distances each, and an owner each where they have owners")
    if k < 1:
        raise UsageError(f"at least one item is chosen, got k={k}")
    chosen: list[int] = []
    left: list[int] = list(range(n))
    while left and len(chosen) < k:
        if chosen:
            best = max(left, key=lambda i: (min(distances[i][j] for j in chosen), -i))
        else:
            best = min(left, key=lambda i: (sum(distances[i]), i))
        chosen.append(best)
        left = [i for i in left if i != best and (owners is None or owners[i] != owners[best])]
    return tuple(chosen)


def distances(proposals: Sequence[Message[Proposal]]) -> list[list[int]]:
    """Return how far proposals are from each other: 1 for different answers, and up to 1 more for different words.

    Returns:
        Shape (proposals, proposals), in parts per million; words by the angle between their hashed n-grams.
    """
    from waggledance.topology import hashed_ngrams  # needs numpy, which takes long to import

    points = hashed_ngrams([m.body.text for m in proposals])
    words = (1 - (points @ points.T).clip(-1, 1)) / 2 * UNIT
    keys = [m.body.key for m in proposals]
    return [
        [0 if i == j else UNIT * (keys[i] != keys[j]) + round(float(words[i, j])) for j in range(len(keys))]
        for i in range(len(keys))
    ]


async def diverse(seat: Seat, in_time: Condition, turns: int) -> tuple[Message[Proposal], frozenset[PeerId] | None]:
    """Publish all turns but one as drafts, and as the last the draft to keep; return that, and whose drafts came.

    With fewer than three turns there is nothing to choose from, and the seat just proposes.
    """
    drafts = turns - 1
    if drafts < 2:
        return await seat.publish(await seat.propose()), None
    mine = [
        await seat.publish(body) for body in await asyncio.gather(*(seat.propose(draft) for draft in range(drafts)))
    ]
    pool = [*await seat.collect(Proposal, 0, until=in_time)]
    for draft in range(1, drafts):
        pool += await collect_from_those_here(seat, draft, in_time)
    answers = sorted(m for m in pool if m.body.key is not None)
    chosen = pick_diverse(distances(answers), len(seat.roster), owners=[m.author for m in answers]) if answers else ()
    kept = next((answers[i] for i in chosen if answers[i].author == seat.me), mine[0])
    again = msgspec.structs.replace(kept.body, round=drafts, refs=(kept.id,), cost=NO_COST)
    return await seat.publish(again), frozenset(m.author for m in pool)
