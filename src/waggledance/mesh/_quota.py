"""What one asker may make one member spend in an hour, however many questions it spreads that over.

A question's cost and the number of open ones are bounded by the genesis; this bounds their sum in time. It is each
member's own affair, because it is the member's model that is paid for: it stands in no genesis, and two members may
differ. An asker's hour is a bucket that fills steadily (`Allowance`), so that over T hours no asker takes more than
1 + T hours' worth, and the calls in flight. A question is begun only while a tenth of the hour is left, so that it is
refused whole rather than cut short at once; who refuses takes part without a thought, and its abstention says why.
Time is the machine's wall clock, because it goes on between two lives.
Source: card `threats`, C5 (budgets per asker).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec

from waggledance.core import Budget, BudgetSpent, Clock, Cost, Meter, PeerId, UsageError
from waggledance.mesh._allowance import Allowance
from waggledance.mesh._home import write_whole

HOUR_S = 3_600.0
BEGIN_SHARE = 0.1
"""Of an asker's hour that must be left for a question to begin."""
_ENDLESS = 2.0**60

_Limit = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each asker may cost this member in an hour; None for no limit.

    The default is ten questions of the highest cost that a genesis allows by default, or about a thousand usual ones.
    """

    tokens: _Limit | None = 2_000_000
    calls: _Limit | None = 10_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            limit = getattr(self, name)
            if limit is not None and not 0 <= limit <= 2**53:
                raise UsageError(f"an asker may cost 0 to 2**53 {name} an hour, or any number with None; got {limit}")


class QuotaSpent(BudgetSpent):
    """An asker has used up its hour; carries what of, how much an hour has, and the seconds until there is more."""

    def __init__(self, limit: str, allowed: float, wait_s: float) -> None:
        super().__init__(limit, allowed)
        self.args = (limit, allowed, wait_s)
        self.wait_s = wait_s

    def __str__(self) -> str:
        if not self.allowed:
            return f"this member spends no {self.limit} on this asker's questions: ask others"
        minutes = max(1, round(self.wait_s / 60))
        return (
            f"this asker's quota here is spent, {self.allowed:,.0f} {self.limit} an hour: ask again in {minutes} "
            f"minute{'s' if minutes > 1 else ''}, or ask others"
        )


class Quotas:
    """How much of its hour each asker has left at one member.

    Args:
        quota: what each may cost.
        wall_ms: the wall time, milliseconds since 1970.
        file: where it is kept from one life to the next; nowhere when None.

    Raises:
        UsageError: the file is damaged; says what is lost by removing it.
    """

    def __init__(self, quota: Quota, wall_ms: Callable[[], int], file: Path | None = None) -> None:
        self.quota = quota
        self._wall_ms, self._file = wall_ms, file
        self._most = {name: _ENDLESS if (n := getattr(quota, name)) is None else float(n) for name in _KINDS}
        self._left = Allowance(
            messages_s=self._most["calls"] / HOUR_S, bytes_s=self._most["tokens"] / HOUR_S, burst_s=HOUR_S
        )
        self._kept: bytes | None = None
        if file is not None:
            self._left.restore(_read(file))

    def spent(self, asker: PeerId, *, begins: bool = False) -> QuotaSpent | None:
        """Return why nothing more is spent on an asker now; None when something is.

        Args:
            asker: whose question it is.
            begins: whether that is a question which has not begun yet.
        """
        for name, left, least in zip(_KINDS, self._left.left(asker, self._now()), (1.0, 0.0), strict=True):
            most = self._most[name]
            needed = max(least, most * BEGIN_SHARE) if begins else least
            if left < needed or left <= 0:
                return QuotaSpent(name, most, (max(least, most * BEGIN_SHARE) - left) * HOUR_S / most if most else 0.0)
        return None

    def count(self, asker: PeerId, *, calls: int = 0, tokens: int = 0) -> None:
        """Count what was spent on an asker."""
        self._left.count(asker, tokens, self._now(), messages=calls)

    def tokens_left(self, asker: PeerId) -> int:
        """Return how many tokens may still be spent on an asker now, ≥ 0."""
        return max(0, int(self._left.left(asker, self._now())[1]))

    def meter(self, asker: PeerId, budget: Budget, clock: Clock) -> AskersMeter:
        """Return what counts one question of an asker's, against the question's budget and against the asker's hour."""
        return AskersMeter(self, asker, budget, clock)

    def keep(self) -> None:
        """Write down what is left to whom, if that has changed; what was spent since the last time dies with a kill.

        Raises:
            OSError: the disk is full or read-only.
        """
        if self._file is not None:
            rows = self._left.drained(self._now())
            content = msgspec.json.encode({peer.hex(): row for peer, row in rows.items()}, order="sorted")
            if content != self._kept and (rows or self._file.exists()):
                write_whole(self._file, content)
                self._kept = content

    def _now(self) -> float:
        return self._wall_ms() / 1_000


_KINDS = ("calls", "tokens")


class AskersMeter(Meter):
    """A question's meter that counts against its asker's hour too. Begins with a look whether the question may."""

    __slots__ = ("_asker", "_quotas", "_refusal", "over_quota")

    def __init__(self, quotas: Quotas, asker: PeerId, budget: Budget, clock: Clock) -> None:
        super().__init__(budget, clock)
        self._quotas, self._asker, self._unlimited = quotas, asker, False
        self._refusal = quotas.spent(asker, begins=True)
        self.over_quota = False
        """Whether a call was refused because the asker's hour is over."""

    def spent_out(self) -> BudgetSpent | None:
        spent = super().spent_out()
        if spent is None:
            spent = self._refusal or self._quotas.spent(self._asker)
            self.over_quota |= spent is not None
        return spent

    def tokens_left(self) -> int | None:
        mine, theirs = super().tokens_left(), self._quotas.tokens_left(self._asker)
        return theirs if mine is None else min(mine, theirs)

    def admit_call(self) -> None:
        super().admit_call()
        self._quotas.count(self._asker, calls=1)

    def charge(self, cost: Cost) -> None:
        super().charge(cost)
        self._quotas.count(self._asker, tokens=cost.tokens)


def _read(file: Path) -> dict[PeerId, tuple[float, float, float]]:
    try:
        rows = msgspec.json.decode(file.read_bytes(), type=dict[str, tuple[float, float, float]])
        return {PeerId(bytes.fromhex(key)): row for key, row in rows.items()}
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, ValueError) as why:
        raise UsageError(
            f"{file} is damaged ({why}). Remove it: this peer then forgets what askers have cost it in the last hour"
        ) from why
