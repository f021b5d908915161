"""Feedback: everybody hears those from whom hearing helped before.

Each link from a speaker to a listener has a score, the mean of what its exchanges on earlier questions were worth.
Links are directed: that a helps b says nothing of b helping a. A decision is not the truth: scores learnt from outcomes
reward whoever leads to what the majority says; where answers are known, learn from those.

Dropping links at random costs answers, so nothing is learnt from a past that does not agree with itself. With x for the
quality of an exchange, m for the mean of all and v for their variance, links differ only where

    z = Σ over pairs of exchanges of one link (x - m)(x' - m) / (v · √pairs)  ≥  1

which coin flips reach in about one past of six. This test is ours.
Source: "OPTAGENT: Optimizing Multi-Agent LLM Interactions Through Verbal Reinforcement Learning for Enhanced
Reasoning", 2025, arXiv:2510.18032. There a model makes and deletes links; here a threshold does, for the same scores
give everybody the same plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from waggledance.core import UNIT, Message, PeerId, Proposal, UsageError
from waggledance.topology._described import Described
from waggledance.topology._draws import Draws
from waggledance.topology._exchanges import Exchange
from waggledance.topology._seats import seats_of
from waggledance.topology._topology import Hearing, Hyperedge

Link = tuple[PeerId, PeerId]
"""A speaker and a listener."""

ID_DIGITS = 16
"""How much of a peer's id a past keeps, in hexadecimal digits."""


@dataclass(frozen=True)
class Feedback(Described):
    """Everybody hears at most `k` peers: those whose link has scored more than `keep`, best first, then untried ones.

    A link that scored `keep` exactly is kept by a coin that is drawn. A peer none of whose links was kept and who has
    no untried ones hears the best of them: nobody is cut off. Without a past all links are untried, and everybody hears
    k drawn peers. About k·n texts a round, the same graph every round of a run.

    The value is frozen: it learns nothing while it is used. `fit` makes one from a past, and its name carries that past
    (about 20 characters for a peer, and up to 8 for a link), so a log's opening says all that a replay needs: by name
    the same plan is made again. Openings hold 64 KiB: enough for some 80 peers who all heard each other.

    Args:
        k: how many each hears at most, ≥ 1.
        keep: the score over which a link is kept, 0 to 1.
        past: the scores, as `fit` writes them.

    Raises:
        UsageError: `k` is below 1, `keep` outside of 0 to 1, or `past` is none that a topology of this kind wrote.
    """

    title: ClassVar[str] = "feedback"

    k: int = 3
    keep: float = 0.5
    past: str = ""

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UsageError(f"one hears at least one peer, got k={self.k}")
        if not 0 <= self.keep <= 1:
            raise UsageError(f"a link's score lies between 0 and 1, got keep={self.keep}")
        _read(self.past)

    @classmethod
    def fit(
        cls,
        questions: Iterable[Sequence[Exchange]],
        *,
        k: int = 3,
        keep: float = 0.5,
        alpha: float | None = None,
    ) -> Feedback:
        """Return what exchanges of past questions teach.

            score ← (1 - a)·score + a·quality,   a = 1/t for a link's t-th exchange, so that it is the mean

        Nothing, so that its `past` is empty, where exchanges of one link are no more alike than those of any two; see
        above. That takes links that were tried twice.

        Args:
            questions: the exchanges of each question, oldest question first; see `by_outcome` and `by_review`. Within a
                question they count by round, and within a round by id, in whatever order they are given.
            k: how many each hears at most, ≥ 1.
            keep: the score over which a link is kept, 0 to 1.
            alpha: how much an exchange counts, above 0 to 1; the mean of all when None. The first counts whole.

        Raises:
            UsageError: a number is out of its range, or two peers' ids begin alike.
        """
        if alpha is not None and not 0 < alpha <= 1:
            raise UsageError(f"an exchange counts for more than 0 and at most 1, got alpha={alpha}")
        kept: dict[Link, list[int]] = {}
        for question in questions:
            for exchange in sorted(set(question)):
                kept.setdefault((exchange.speaker, exchange.listener), []).append(exchange.quality_ppm)
        if not _agrees(kept.values()):
            return cls(k, keep)
        return cls(k, keep, _written({link: _score(values, alpha) for link, values in kept.items()}))

    @property
    def plain(self) -> bool:
        return True

    def scores(self, roster: Sequence[PeerId]) -> Mapping[Link, int]:
        """Return the score of every link between peers of a roster that was tried, in parts per million."""
        by_digits = {peer.hex()[:ID_DIGITS]: peer for peer in seats_of(roster).peers}
        return {
            (by_digits[speaker], by_digits[listener]): score
            for (speaker, listener), score in _read(self.past).items()
            if speaker in by_digits and listener in by_digits
        }

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        self.check(len(roster))
        hears = _hears(self, seats_of(roster).peers, seed)
        return tuple(Hyperedge(near, frozenset({me})) for me, near in hears.items() if near)

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId]:
        self.check(len(roster))
        seats_of(roster).number(me)
        return _hears(self, seats_of(roster).peers, seed)[me]


@lru_cache(maxsize=64)
def _hears(topology: Feedback, peers: tuple[PeerId, ...], seed: int) -> Mapping[PeerId, frozenset[PeerId]]:
    scores, keep = topology.scores(peers), round(topology.keep * UNIT)
    hears: dict[PeerId, frozenset[PeerId]] = {}
    for me in peers:
        draws = Draws(f"{topology.title} {me.hex()}", len(peers), seed)
        others = draws.shuffled(peer for peer in peers if peer != me)
        coins = {peer: draws.chance() < 0.5 for peer in sorted(others)}
        tried = sorted((peer for peer in others if (peer, me) in scores), key=lambda peer: -scores[peer, me])
        good = [peer for peer in tried if scores[peer, me] > keep or (scores[peer, me] == keep and coins[peer])]
        untried = [peer for peer in others if (peer, me) not in scores]
        hears[me] = frozenset((good + untried or tried[:1])[: topology.k])
    return hears


def _agrees(links: Iterable[Sequence[int]]) -> bool:
    """Say whether exchanges of one link are alike, beyond chance: z ≥ 1, in whole numbers, so that all say the same."""
    links = list(links)
    count, total = sum(map(len, links)), sum(map(sum, links))
    off = [[count * value - total for value in values] for values in links]
    squares = sum(d * d for ds in off for d in ds)
    together = sum((sum(ds) ** 2 - sum(d * d for d in ds)) // 2 for ds in off)
    pairs = sum(len(ds) * (len(ds) - 1) // 2 for ds in off)
    return together > 0 and (together * count) ** 2 >= pairs * squares**2


def _score(values: Sequence[int], alpha: float | None) -> int:
    """Return a link's score in parts per million: the mean, or the exponential mean from the first exchange on."""
    if alpha is None:
        return sum(values) // len(values)
    weight, score = round(alpha * UNIT), values[0]
    for value in values[1:]:
        score = ((UNIT - weight) * score + weight * value) // UNIT
    return score


def _written(scores: Mapping[Link, int]) -> str:
    """Return scores as a word: ids joined by ``+``, then a row for each listener, ``-`` where nothing was tried."""
    peers = sorted({peer for link in scores for peer in link})
    digits = [peer.hex()[:ID_DIGITS] for peer in peers]
    if len(set(digits)) < len(peers):
        raise UsageError(f"two peers' ids begin with the same {ID_DIGITS} digits: one of them poses as the other")
    rows = ["+".join(str(scores.get((speaker, me), "-")) for speaker in peers) for me in peers]
    return "/".join(["+".join(digits), *rows]) if peers else ""


@lru_cache(maxsize=64)
def _read(past: str) -> Mapping[tuple[str, str], int]:
    """Return the scores that a word holds, by the digits of speaker and listener.

    Raises:
        UsageError: the word is not one that `fit` wrote.
    """
    ids, *rows = [row.split("+") for row in past.split("/")] if past else [[]]
    scores: dict[tuple[str, str], int] = {}
    sound = len(rows) == len(ids) == len(set(ids)) and all(re.fullmatch(f"[0-9a-f]{{{ID_DIGITS}}}", id) for id in ids)
    for listener, row in zip(ids, rows, strict=False):
        sound = sound and len(row) == len(ids)
        for speaker, written in zip(ids, row, strict=False):
            if re.fullmatch(r"[0-9]{1,7}", written) and int(written) <= UNIT and speaker != listener:
                scores[speaker, listener] = int(written)
            else:
                sound = sound and written == "-"
    if not sound:
        raise UsageError(f"no past that a topology 'feedback' wrote: {past[:60]!r}; make one with Feedback.fit(...)")
    return scores
