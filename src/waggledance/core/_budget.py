"""What a run may cost, what it has cost, and the one place where spending is counted."""

from __future__ import annotations

from math import inf, isnan

import msgspec

from waggledance.core._clock import Clock
from waggledance.core._errors import RunFailed, UsageError


class Cost(msgspec.Struct, frozen=True, gc=False):
    """What something cost. Integers, because costs travel in message bodies."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    micro_usd: int = 0
    """Price in millionths of a US dollar, where it is known."""
    milliseconds: int = 0
    """Time spent in calls; calls that ran together count each."""

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.micro_usd + other.micro_usd,
            self.milliseconds + other.milliseconds,
        )


NO_COST = Cost()
ONE_CALL = Cost(calls=1)
_COUNTED = frozenset({"tokens", "calls", "messages"})
"""What a budget limits in whole numbers."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one run; None means no limit. A limit of 0 is allowed and means "nothing of that"."""

    tokens: int | None = None
    calls: int | None = None
    messages: int | None = None
    seconds: float | None = None
    usd: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            limit = getattr(self, name)
            if limit is None:
                continue
            if not isinstance(limit, int | float) or isnan(limit) or (name in _COUNTED and limit % 1):
                kind = "a whole number" if name in _COUNTED else "a number"
                raise UsageError(f"a budget says {kind} of {name}, got {limit!r:.80}; leave it out for no limit")
            if limit < 0:
                raise UsageError(f"a budget of {limit} {name} is negative; give 0 or more, or leave it out")

    def within(self, most: Budget) -> Budget:
        """Return what is wanted, and never more than is allowed.

        >>> print(Budget(calls=99, seconds=5).within(Budget(calls=10)))
        10 calls, 5 seconds
        """
        both = {name: (getattr(self, name), getattr(most, name)) for name in self.__struct_fields__}
        return Budget(**{name: min((x for x in two if x is not None), default=None) for name, two in both.items()})

    def __str__(self) -> str:
        limits = [f"{getattr(self, n):g} {n}" for n in self.__struct_fields__ if getattr(self, n) is not None]
        return ", ".join(limits) or "no limit"


class PlainBudget(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A budget in whole numbers, as message bodies have them; None means no limit.

    >>> PlainBudget.of(Budget(calls=3, seconds=1.5)).budget
    Budget(tokens=None, calls=3, messages=None, seconds=1.5, usd=None)
    """

    tokens: int | None = None
    calls: int | None = None
    messages: int | None = None
    milliseconds: int | None = None
    micro_usd: int | None = None

    @classmethod
    def of(cls, budget: Budget) -> PlainBudget:
        """Write a budget down; of what has no end, the most that a body holds."""
        return cls(
            tokens=_whole(budget.tokens),
            calls=_whole(budget.calls),
            messages=_whole(budget.messages),
            milliseconds=_whole(budget.seconds, 1_000),
            micro_usd=_whole(budget.usd, 1_000_000),
        )

    @property
    def budget(self) -> Budget:
        """The budget that was written down."""
        return Budget(
            tokens=self.tokens,
            calls=self.calls,
            messages=self.messages,
            seconds=None if self.milliseconds is None else self.milliseconds / 1_000,
            usd=None if self.micro_usd is None else self.micro_usd / 1_000_000,
        )


def _whole(limit: float | None, unit: int = 1) -> int | None:
    return None if limit is None else round(min(limit * unit, 2**53))


_NO_LIMIT = Budget()


class BudgetSpent(RunFailed):
    """The budget does not allow what was asked; carries which limit ended it."""

    def __init__(self, limit: str, allowed: float) -> None:
        super().__init__(limit, allowed)
        self.limit, self.allowed = limit, allowed

    def __str__(self) -> str:
        return f"the budget of {self.allowed:g} {self.limit} is spent"


class Meter:
    """Counts what one run spends against its budget: every call and every message of every seat passes here.

    A call is admitted while nothing is spent out, so the budget is exceeded by the calls in flight at most.
    """

    __slots__ = ("_budget", "_clock", "_started_s", "_unlimited", "calls", "completion_tokens", "messages", "micro_usd",
                 "milliseconds", "prompt_tokens")  # fmt: skip

    def __init__(self, budget: Budget, clock: Clock) -> None:
        self._budget, self._clock = budget, clock
        self._unlimited = budget == _NO_LIMIT
        self._started_s = clock.now()
        self.calls = self.messages = self.prompt_tokens = self.completion_tokens = 0
        self.micro_usd = self.milliseconds = 0

    @property
    def budget(self) -> Budget:
        return self._budget

    @property
    def cost(self) -> Cost:
        """What was spent so far."""
        return Cost(self.calls, self.prompt_tokens, self.completion_tokens, self.micro_usd, self.milliseconds)

    def seconds_left(self) -> float:
        """Return how many seconds the run may still take; `inf` without a limit."""
        limit = self._budget.seconds
        return inf if limit is None else max(0.0, limit - (self._clock.now() - self._started_s))

    def tokens_left(self) -> int | None:
        """Return how many tokens may still be used; None without a limit."""
        limit = self._budget.tokens
        return None if limit is None else max(0, limit - self.prompt_tokens - self.completion_tokens)

    def spent_out(self) -> BudgetSpent | None:
        """Return which limit forbids another call, or None; without a message left there is no use in thinking."""
        budget = self._budget
        if budget.calls is not None and self.calls >= budget.calls:
            return BudgetSpent("calls", budget.calls)
        if budget.tokens is not None and self.prompt_tokens + self.completion_tokens >= budget.tokens:
            return BudgetSpent("tokens", budget.tokens)
        if budget.usd is not None and self.micro_usd >= budget.usd * 1_000_000:
            return BudgetSpent("usd", budget.usd)
        if budget.messages is not None and self.messages >= budget.messages:
            return BudgetSpent("messages", budget.messages)
        if budget.seconds is not None and self.seconds_left() <= 0:
            return BudgetSpent("seconds", budget.seconds)
        return None

    def admit_call(self) -> None:
        """Count one call that starts now.

        Raises:
            BudgetSpent: a limit is reached; nothing was counted.
        """
        if not self._unlimited:
            spent = self.spent_out()
            if spent is not None:
                raise spent
        self.calls += 1

    def charge(self, cost: Cost) -> None:
        """Add what a call cost; its `calls` were counted when it was admitted."""
        self.prompt_tokens += cost.prompt_tokens
        self.completion_tokens += cost.completion_tokens
        self.micro_usd += cost.micro_usd
        self.milliseconds += cost.milliseconds

    def admit_message(self) -> None:
        """Count one message that is about to be published.

        Raises:
            BudgetSpent: the message limit is reached; nothing was counted.
        """
        limit = self._budget.messages
        if limit is not None and self.messages >= limit:
            raise BudgetSpent("messages", limit)
        self.messages += 1
