"""Exemplars: past work that went well, kept few and different, to be shown to whoever does the like again.

A similarity means nothing by itself: one embedding spreads unrelated sentences over −.1 to .4, another squeezes
everything into .71 to .90. So "alike" is a quantile of what unlike sentences score with the same embedding, measured
once on a list of fixed sentences, and the number that goes with it is the embedding's own.

Sources: representative works of Agent-Oriented Planning, Li et al. 2024, arXiv:2410.02189 (no two more similar than
0.7 of its embedding); AgentNet, Yang et al. 2025, arXiv:2504.00587 (only successes, 40 a pool).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from blake3 import blake3

from waggledance.core import UNIT, Cost, PeerId, UsageError
from waggledance.memory._record import TEAM, Record
from waggledance.memory._vectors import LENGTH, whole

if TYPE_CHECKING:
    from waggledance.topology import Embed

EXEMPLAR = "exemplar"
POOL = 40
"""AgentNet's size of a pool."""
QUANTILE_PPM = 990_000
"""Alike is nearer than 99 of 100 pairs of unlike sentences."""
MARGIN_PPM = 500_000
"""And half of the way from there to the same text."""

UNLIKE = (
    "The train to the coast leaves at nine.",
    "Mix flour and water until the dough is smooth.",
    "Photosynthesis turns light into sugar.",
    "The court dismissed the appeal.",
    "She tuned the violin before the concert.",
    "Inflation slowed in the third quarter.",
    "A hash table stores keys and values.",
    "The goalkeeper saved a penalty.",
    "Glaciers carve valleys over thousands of years.",
    "He painted the fence green.",
    "Antibiotics do not work on viruses.",
    "The satellite reached its orbit.",
    "Vote for one candidate only.",
    "Bees dance to tell where flowers are.",
    "The museum is closed on Mondays.",
    "Prices include tax and delivery.",
    "A prime number has two divisors.",
    "The volcano erupted without warning.",
    "Her passport expires in May.",
    "Turn left after the second bridge.",
    "The recipe asks for two eggs.",
    "Copper conducts heat well.",
    "They adopted an old dog.",
    "The printer is out of paper.",
    "Rice is planted in flooded fields.",
    "The novel won a prize.",
    "Sort the list before you search it.",
    "The bridge was built in four years.",
    "Wash your hands before eating.",
    "The moon pulls the tides.",
)
"""What an embedding is measured with: sentences that have nothing to do with each other."""


def exemplar(
    task: str, text: str, *, score_ppm: int, worker: PeerId | None = None, scope: str = TEAM, cost: Cost | None = None
) -> Record:
    """Return a record of work that went well, found by its task.

    Args:
        task: what was to be done.
        text: what was done, or how.
        score_ppm: how well it went, 0 to 1,000,000; kept in the text's first line.
        worker: who did it; nobody in particular when None.
        scope: who may see it.
        cost: what it cost.

    Raises:
        UsageError: the score is out of range, or there is no task.
    """
    if not 0 <= score_ppm <= UNIT:
        raise UsageError(f"a score lies between 0 and {UNIT} parts per million, got {score_ppm}")
    by = "" if worker is None else f"{_BY}{worker.hex()}"
    return Record.of(EXEMPLAR, task, f"{_SCORE}{score_ppm}{by}\n{text}", scope=scope, cost=cost or Cost())


def score_of(record: Record) -> int:
    """Return how well an exemplar's work went, in parts per million; 0 where that cannot be read."""
    first = record.text.partition("\n")[0].partition(_BY)[0].removeprefix(_SCORE)
    return min(UNIT, int(first)) if record.text.startswith(_SCORE) and first.isascii() and first.isdigit() else 0


def worker_of(record: Record) -> PeerId | None:
    """Return who did an exemplar's work; None where nobody is named, or the name cannot be read."""
    by = record.text.partition("\n")[0].partition(_BY)[2]
    try:
        return PeerId(bytes.fromhex(by)) if len(by) == 64 else None
    except ValueError:
        return None


def work_of(record: Record) -> str:
    """Return what was done: an exemplar's text without its first line."""
    return record.text.partition("\n")[2]


def alike_from(embed: Embed, quantile_ppm: int = QUANTILE_PPM, margin_ppm: int = MARGIN_PPM) -> int:
    """Return from which cosine on texts are alike by an embedding, in parts per million.

        threshold = q + margin · (1 − q),   q = that quantile of the cosines of all pairs of `UNLIKE`

    Raises:
        UsageError: a share is outside 0 to 1,000,000, or the embedding gives vectors without direction.
    """
    if not (0 <= quantile_ppm <= UNIT and 0 <= margin_ppm <= UNIT):
        raise UsageError(f"a quantile and a margin lie between 0 and {UNIT} ppm, got {quantile_ppm} and {margin_ppm}")
    cosines = _cosines(embed)
    at = cosines[quantile_ppm * (len(cosines) - 1) // UNIT]
    return at + margin_ppm * (UNIT - at) // UNIT


def thinned(records: Iterable[Record], embed: Embed | None = None, *, limit: int = POOL) -> tuple[Record, ...]:
    """Return the best works, no two of them alike: a pure function of the set.

    The best comes first, equals by hash; each next one is kept unless it is alike to one that is kept already.

    Args:
        records: exemplars; others are passed over.
        embed: how texts become vectors; `topology.by_meaning()` when None.
        limit: the most, ≥ 1.

    Raises:
        UsageError: the limit is not positive, or vectors have no direction.
    """
    import numpy as np

    from waggledance.topology import by_meaning

    if limit < 1:
        raise UsageError(f"a pool holds at least one exemplar, got limit={limit}")
    embed = embed or by_meaning()
    works = {record.id: record for record in records if record.sort == EXEMPLAR}
    order = sorted(works, key=lambda id: (-score_of(works[id]), blake3(b"exemplar\0" + id).digest()))
    if not order:
        return ()
    vectors = whole(embed([works[id].key for id in order]), len(order))
    alike = alike_from(embed) * LENGTH**2 // UNIT
    kept: list[int] = []
    for place in range(len(order)):
        if len(kept) == limit:
            break
        if not kept or int(np.max(vectors[kept] @ vectors[place])) < alike:
            kept.append(place)
    return tuple(works[order[place]] for place in kept)


_SCORE, _BY = "score ", " by "


@lru_cache(maxsize=16)
def _cosines(embed: Embed) -> tuple[int, ...]:
    """Return the cosines of all pairs of unlike sentences, smallest first, in parts per million."""
    import numpy as np

    rows = whole(embed(UNLIKE), len(UNLIKE))
    products = (rows @ rows.T)[np.triu_indices(len(UNLIKE), 1)]
    return tuple(sorted(int(product) * UNIT // LENGTH**2 for product in products))
