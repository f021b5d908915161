"""How long to discuss: go on while the answers disagree and rounds are left. No chair is asked.

Source: Jin et al. 2025, "Two Heads are Better Than One", arXiv:2504.09772 (M500; a fine-tuned "CEO" sets width and
depth each round). A rule with two numbers does most of it; agreement tells something only while votes are independent,
so the first round is unseen by others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from blake3 import blake3

from waggledance.core import UNIT, RunFailed, UsageError
from waggledance.tasks._role_function import Watched, role_function

CLIFF_PPM = 650_000
"""Below this agreement, stopping loses accuracy fast (our simulation: .975 at .7, .889 at .6)."""


@dataclass(frozen=True)
class Allocation:
    """What the next round gets; nobody for none."""

    peers: int
    reason: str


@dataclass(frozen=True)
class Adaptive:
    """Stops at enough agreement; doubles the width when agreement stalls.

    Raises:
        UsageError: a number outside its range.
    """

    theta_ppm: int = 750_000
    """Share of all votes so far that the leading answer needs, 500,001 to 1,000,000; .7 to .8 saves a quarter of the
    calls for a point and a half."""
    rounds: int = 6
    width: int = 5
    most: int = 20
    """Peers in one round at most."""

    def __post_init__(self) -> None:
        if not UNIT // 2 < self.theta_ppm <= UNIT:
            raise UsageError(f"the agreement to stop at is more than half, at most all, got {self.theta_ppm / UNIT:g}")
        if min(self.rounds, self.width) < 1 or self.most < self.width:
            raise UsageError(
                f"1 round or more of 1 peer or more, and at most as many as may take part: got {self.rounds} rounds of "
                f"{self.width} of {self.most}"
            )

    def __call__(self, rounds: Sequence[Sequence[str]]) -> Allocation:
        """Return what the next round gets, from the votes of all rounds so far; blind to their order within a round."""
        if not rounds:
            return Allocation(self.width, "nobody has voted")
        share = agreement(self._all(rounds))
        if share >= self.theta_ppm:
            return Allocation(0, f"agreement {share / UNIT:.2f}")
        if len(rounds) >= self.rounds:
            return Allocation(0, f"{len(rounds)} rounds are over at agreement {share / UNIT:.2f}")
        if len(rounds) > 1 and share <= agreement(self._all(rounds[:-1])):
            return Allocation(min(self.most, 2 * len(rounds[-1])), f"agreement stalls at {share / UNIT:.2f}")
        return Allocation(self.width, f"agreement {share / UNIT:.2f}")

    @staticmethod
    def _all(rounds: Sequence[Sequence[str]]) -> list[str]:
        return [vote for votes in rounds for vote in votes]


def agreement(votes: Sequence[str]) -> int:
    """Return the share of votes that the leading answer has, in parts per million; 0 of no votes."""
    return UNIT * max(Counter(votes).values(), default=0) // max(1, len(votes))


def leading(votes: Sequence[str]) -> str:
    """Return the answer with the most votes; of equals by their hashes.

    Raises:
        UsageError: nobody voted.
    """
    if not votes:
        raise UsageError("nobody voted, so nothing leads")
    return min(Counter(votes).items(), key=lambda row: (-row[1], blake3(row[0].encode()).digest()))[0]


@role_function("tally")
async def tally(watched: Watched) -> str:
    """Return ``yes`` or ``no`` for enough agreement in this round, and the leading answer.

    Raises:
        RunFailed: nobody answered.
    """
    votes = [key for made in watched.artefacts if (key := _key(made.text))]
    if not votes:
        raise RunFailed("nobody answered in this round")
    rule = Adaptive(theta_ppm=int(watched.settings["theta_ppm"]))
    share = agreement(votes)
    word = "yes" if share >= rule.theta_ppm else "no"
    return f"{word}\nanswer: {leading(votes)}\nagreement {share / UNIT:.2f} of {len(votes)} votes"


def _key(text: str) -> str:
    """Return an answer as it is compared: the last line that says something, in small letters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].casefold().removeprefix("answer:").strip(" .*") if lines else ""
