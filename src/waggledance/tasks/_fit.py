"""What to do with a part, given how well each peer is expected to do it: keep, switch, say it otherwise, split, again.

Source: Li et al. 2024, "Agent-Oriented Planning" (AOP), arXiv:2410.02189, its rule and thresholds. Its reward model is
a trained network; ours is the router's own statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from waggledance.core import UNIT, UsageError

GOOD_PPM = 625_000
HOPELESS_PPM = 125_000


class Fit(NamedTuple):
    """What to do with a part."""

    do: Literal["keep", "switch", "reword", "split", "again"]
    who: int
    """The peer to give it to, by place; whoever is best where it is to be split or planned again."""


def fit(
    named: int,
    scores_ppm: Sequence[int],
    good_ppm: int = GOOD_PPM,
    hopeless_ppm: int = HOPELESS_PPM,
    *,
    alike: int | None = None,
) -> Fit:
    """Return what to do with a part that a planner meant for one peer.

    Args:
        named: whom the planner named, by place.
        scores_ppm: how well each peer is expected to do, 0 to 1,000,000; of equals the first.
        good_ppm: the named peer keeps it, or the best gets it, from this score on.
        hopeless_ppm: it is planned again when all are below this.
        alike: who did well at something alike, by place: where nobody is good and all is not hopeless, the part is said
            like that and given to that peer; it is split when None.

    Raises:
        UsageError: no scores, nobody at that place, or thresholds out of order.

    >>> fit(0, [500_000, 900_000]), fit(0, [100_000, 90_000])
    (Fit(do='switch', who=1), Fit(do='again', who=0))
    """
    if (
        not 0 <= named < len(scores_ppm)
        or not 0 <= (alike or 0) < len(scores_ppm)
        or not 0 <= hopeless_ppm <= good_ppm <= UNIT
    ):
        raise UsageError(
            f"a part fits one of {len(scores_ppm)} peers, by 0 <= hopeless <= good <= {UNIT:,}; got peer {named}, "
            f"{hopeless_ppm:,} and {good_ppm:,}"
        )
    best = max(range(len(scores_ppm)), key=lambda i: (scores_ppm[i], -i))
    if scores_ppm[named] >= good_ppm:
        return Fit("keep", named)
    if scores_ppm[best] >= good_ppm:
        return Fit("switch", best)
    if scores_ppm[best] < hopeless_ppm:
        return Fit("again", best)
    return Fit("split", best) if alike is None else Fit("reword", alike)
