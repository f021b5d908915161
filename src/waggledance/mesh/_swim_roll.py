"""Who is up, as a fold over news: the same news in any order gives the same roll.

    of two pieces of news about one peer the one of the higher incarnation counts;
    at equal incarnation: left > dead > suspect > alive

That is a maximum over pairs (incarnation, rank), so order and doubles cannot matter. `dead` and `suspect` are opinions
about links: neither removes a member, takes its vote, or changes a quorum. The card's source let one unsigned datagram
declare anybody dead; here only the accused can raise its own incarnation.
Source: Das, Gupta, Motivala 2002, "SWIM", §4.2; the rank of `left` is ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from waggledance.core import PeerId, SwarmId, Verify
from waggledance.mesh._swim_messages import Death, Leave, News, Refutation, Suspicion, genuine

Status = Literal["alive", "suspect", "dead", "left"]
_STATUS: tuple[Status, ...] = ("alive", "suspect", "dead", "left")


class MemberState(msgspec.Struct, frozen=True):
    """What one peer holds about another."""

    status: Status
    """`alive`; `suspect`: lower priority; `dead`: its leases are free; `left`: it said so. All of them are members."""
    incarnation: int
    """The accused's own number, 0 or more; it only rises."""
    since: float
    """When it became so here: seconds of the caller's monotonic clock."""
    rtt_s: float | None = None
    """Smoothed round trip in seconds, None before the first answer."""


class Standing:
    """One row of the roll."""

    __slots__ = ("called_at", "claim", "evidence", "heard_at", "incarnation", "rank", "rtt_s", "since")

    def __init__(self, since: float) -> None:
        self.incarnation = 0
        self.rank = Refutation.rank
        self.claim = b""
        self.evidence: News | None = None
        """The news that made it so; None while it is alive in incarnation 0."""
        self.since = since
        self.heard_at = self.called_at = float("-inf")
        """When there was a sign of life, and when it was pinged to be told what is held of it."""
        self.rtt_s: float | None = None

    @property
    def state(self) -> MemberState:
        return MemberState(_STATUS[self.rank], self.incarnation, self.since, self.rtt_s)


class Roll:
    """What one peer holds about all others.

    Args:
        swarm: which swarm news must be about.
        me: whose roll it is: news about oneself is not kept, `weigh` says what it is worth.
        verify: says whether a signature holds.
    """

    __slots__ = ("_rows", "_swarm", "_verify", "me", "refused")

    def __init__(self, swarm: SwarmId, me: PeerId, verify: Verify) -> None:
        self._swarm, self.me, self._verify = swarm, me, verify
        self._rows: dict[PeerId, Standing] = {}
        self.refused: Counter[str] = Counter()
        """News that did not count, by reason: ``"stranger"``, ``"stale"``, ``"signature"``."""

    def __contains__(self, peer: object) -> bool:
        return peer in self._rows

    def __getitem__(self, peer: PeerId) -> Standing:
        return self._rows[peer]

    def __iter__(self) -> Iterator[PeerId]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def states(self) -> Mapping[PeerId, MemberState]:
        """A copy, of everybody but oneself."""
        return {peer: row.state for peer, row in self._rows.items()}

    def know(self, peers: Iterable[PeerId], now: float) -> tuple[set[PeerId], set[PeerId]]:
        """Set who the others are; return who is new and who is gone. Somebody gone is forgotten."""
        others = set(peers) - {self.me}
        new, gone = others - self._rows.keys(), self._rows.keys() - others
        for peer in gone:
            del self._rows[peer]
        for peer in new:
            self._rows[peer] = Standing(now)
        return new, gone

    def outdates(self, news: News) -> News | None:
        """Return the evidence held about the same peer, if it counts for more than this."""
        row = self._rows.get(PeerId(news.peer))
        return row.evidence if row and (news.incarnation, news.rank) < (row.incarnation, row.rank) else None

    def read(self, news: News, now: float) -> bool:
        """Let a piece of news about another peer count; return whether it changed anything. Never raises."""
        row = self._rows.get(PeerId(news.peer))
        if row is None:
            self.refused["stranger"] += 1
            return False
        held = (row.incarnation, row.rank)
        if (news.incarnation, news.rank) <= held:
            self.refused["stale"] += (news.incarnation, news.rank) < held
            return False
        if not self.weigh(news, row.claim if news.incarnation == row.incarnation else b""):
            return False
        row.incarnation, row.rank, row.since, row.evidence = news.incarnation, news.rank, now, news
        row.claim = _claim_in(news)
        return True

    def weigh(self, news: News, claim: bytes) -> bool:
        """Return whether news is by a member and genuine; count it if not. `claim`: one known to hold, or empty."""
        if isinstance(news, Suspicion | Death) and news.accuser not in self._rows and news.accuser != self.me:
            self.refused["stranger"] += 1
        elif not genuine(news, self._swarm, claim, self._verify):
            self.refused["signature"] += 1
        else:
            return True
        return False


def _claim_in(news: News) -> bytes:
    if isinstance(news, Refutation):
        return news.signature
    return b"" if isinstance(news, Leave) else news.claim
