"""Screening: before anything is fused, keep only those whose words agree with what a peer has seen itself.

Each test fuses the words of some others, never with one's own among them, and asks how well the result agrees with
one's own evidence. Local and without a message: nobody else learns of it.

    each    one test a member
    split   a test of the whole group; a group that agrees is kept, one that does not is halved, down to single members

One by one finds what averaging hides: of four weak liars among 16, group tests caught 2 % and single tests 51 %. Split
pays only where a test costs a model's call and lies are large or several. Withstands any number of liars, since nobody
votes. Does not withstand one's own error, others who honestly see something else, or liars who tell the truth wherever
it can be checked: draw what is checked after their words are fixed. Source: Hu et al. 2024, "CP-Guard",
arXiv:2412.12000 (PASAC); its code drops whole groups and its text halves them: we do what the text says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal, TypeVar

from blake3 import blake3

from waggledance.core import PeerId, UsageError

T = TypeVar("T")

FALSE_ALARM = 0.01
"""The share of honest groups that a calibrated threshold finds suspicious; the card's."""


@dataclass(frozen=True)
class Screen:
    """Who is kept, and by what."""

    kept: tuple[PeerId, ...]
    """Sorted."""
    dropped: tuple[PeerId, ...]
    """Sorted."""
    scores: Mapping[PeerId, float]
    """Agreement of the smallest group in which each member was tested."""
    tests: int
    """How many groups were fused and compared."""


def screen(
    items: Mapping[PeerId, T],
    mine: T,
    *,
    fuse: Callable[[Sequence[T]], T],
    agree: Callable[[T, T], float],
    threshold: Callable[[int], float],
    search: Literal["each", "split"] = "each",
    seed: int = 0,
) -> Screen:
    """Sort others into those who agree with one's own evidence and those who do not.

    Args:
        items: what each of the others sent; one's own item is not among them.
        mine: one's own evidence.
        fuse: makes one item of several, in order of peer ids; it is called with one item, too.
        agree: how well a fused item agrees with one's own, higher is better. NaN does not agree.
        threshold: the least agreement of a group of a size; see `calibrated`. Means of more are tighter.
        search: one by one, or whole groups first.
        seed: of the groups that ``"split"`` makes, so that nobody can choose its place by its name.

    Returns:
        Everybody of `items`, kept or dropped; nobody of nobody.

    Raises:
        UsageError: there is no such search, or a threshold is NaN.

    >>> sent = {PeerId(b"a"): 4.0, PeerId(b"b"): 4.2, PeerId(b"c"): 9.0}
    >>> screen(sent, 4.1, fuse=lambda said: sum(said) / len(said), agree=lambda a, b: -abs(a - b),
    ...        threshold=lambda size: -0.5).dropped
    (b'c',)
    """
    if search not in ("each", "split"):
        raise UsageError(f"members are tested 'each' or by 'split' groups, got {search!r}")
    everybody = sorted(items, key=lambda peer: blake3(b"waggle/screen/1\0%d\0" % seed + peer).digest())
    groups = [everybody] if search == "split" and everybody else [[peer] for peer in everybody]
    kept: list[PeerId] = []
    scores: dict[PeerId, float] = {}
    tests = 0
    while groups:
        group = groups.pop()
        score, least = agree(fuse([items[peer] for peer in sorted(group)]), mine), threshold(len(group))
        if isnan(least):
            raise UsageError(f"the threshold of a group of {len(group)} is not a number")
        tests += 1
        scores.update(dict.fromkeys(group, score))
        if score >= least:
            kept += group
        elif len(group) > 1:
            groups += [group[: len(group) // 2], group[len(group) // 2 :]]
    dropped = tuple(sorted(items.keys() - set(kept)))
    return Screen(tuple(sorted(kept)), dropped, {peer: scores[peer] for peer in sorted(scores)}, tests)


def calibrated(
    agreement: Callable[[int], float], sizes: int, *, draws: int = 1000, false_alarm: float = FALSE_ALARM
) -> Callable[[int], float]:
    """Return thresholds that honest groups fall below in a given share of cases.

    Args:
        agreement: draws the agreement of one honest group of a size, from records or a simulation.
        sizes: the largest group, >= 1; larger ones get its threshold.
        draws: how many groups of each size, >= 1.
        false_alarm: the share of honest groups that may fall below, 0 <= false_alarm < 1.

    Returns:
        The threshold of a group's size.

    Raises:
        UsageError: an argument is out of range, or an agreement is NaN.
    """
    if sizes < 1 or draws < 1 or not 0 <= false_alarm < 1:
        raise UsageError(
            "thresholds need sizes >= 1, draws >= 1 and 0 <= false_alarm < 1, got "
            f"sizes={sizes}, draws={draws}, false_alarm={false_alarm}"
        )
    least: list[float] = []
    for size in range(1, sizes + 1):
        seen = sorted(agreement(size) for _ in range(draws))
        if any(map(isnan, seen)):
            raise UsageError(f"the agreement of an honest group of {size} is not a number")
        least.append(seen[int(false_alarm * draws)])
    return lambda size: least[min(size, sizes) - 1]
