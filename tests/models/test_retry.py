import asyncio
from random import Random

import pytest

from waggledance.core._errors import UsageError
from waggledance.models import (
    ModelError,
    RateLimited,
    Request,
    Retrying,
    Scripted,
    ServerFailed,
    TimedOut,
    Turn,
    Unreachable,
    WrongKey,
)

QUESTION = Request(turns=(Turn("user", "2+2?"),))


class Naps:
    """Stands in for `asyncio.sleep` in `_retry`: remembers how long it was asked for, and moves on."""

    def __init__(self) -> None:
        self.taken_s: list[float] = []
        self.real = asyncio.sleep

    async def __call__(self, wait_s: float) -> None:
        self.taken_s.append(wait_s)
        await self.real(0)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> Naps:
    naps = Naps()
    monkeypatch.setattr("waggledance.models._retry.asyncio.sleep", naps)
    return naps


def failure(kind: type[ModelError]) -> ModelError:
    return kind("m", "it failed", "Wait.")


@pytest.mark.parametrize("kind", [ServerFailed, Unreachable, RateLimited])
async def test_failures_that_may_pass_are_asked_again(kind: type[ModelError], naps: Naps) -> None:
    scripted = Scripted([failure(kind), failure(kind), "four"])
    assert (await Retrying(scripted, rng=Random(1)).complete(QUESTION)).text == "four"
    assert len(naps.taken_s) == 2


@pytest.mark.parametrize("kind", [WrongKey, TimedOut, ModelError])
async def test_failures_that_will_not_pass_are_raised_at_once(kind: type[ModelError], naps: Naps) -> None:
    scripted = Scripted([failure(kind), "four"])
    with pytest.raises(kind):
        await Retrying(scripted, rng=Random(1)).complete(QUESTION)
    assert (len(scripted.requests), naps.taken_s) == (1, [])


async def test_tries_are_bounded(naps: Naps) -> None:
    scripted = Scripted([failure(ServerFailed)] * 9)
    with pytest.raises(ServerFailed):
        await Retrying(scripted, rng=Random(1), tries=4).complete(QUESTION)
    assert (len(scripted.requests), len(naps.taken_s)) == (4, 3)


async def test_waits_are_jittered_from_the_seed_and_double_at_most(naps: Naps) -> None:
    for _ in range(2):
        scripted = Scripted([failure(ServerFailed)] * 9)
        with pytest.raises(ServerFailed):
            await Retrying(scripted, rng=Random(7), tries=6, base_s=0.5, cap_s=3.0).complete(QUESTION)
    first, second = naps.taken_s[:5], naps.taken_s[5:]
    assert first == second
    assert all(0 <= wait <= most for wait, most in zip(first, (0.5, 1, 2, 3, 3), strict=True))


async def test_retry_after_is_waited_for(naps: Naps) -> None:
    scripted = Scripted([RateLimited("m", "slow down", "Wait.", 12.0), "four"])
    await Retrying(scripted, rng=Random(1)).complete(QUESTION)
    assert naps.taken_s == [12.0]


async def test_a_wait_past_the_deadline_is_not_begun(naps: Naps) -> None:
    scripted = Scripted([RateLimited("m", "slow down", "Wait.", 61.0), "four"])
    with pytest.raises(RateLimited):
        await Retrying(scripted, rng=Random(1)).complete(QUESTION)
    assert naps.taken_s == []


async def test_no_more_requests_are_under_way_than_allowed() -> None:
    under_way, most = 0, 0

    class Counting(Scripted):
        async def complete(self, request: Request):  # type: ignore[no-untyped-def]
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            return await super().complete(request)

    model = Retrying(Counting("four"), rng=Random(1), concurrency=3)
    await asyncio.gather(*(model.complete(QUESTION) for _ in range(10)))
    assert most == 3


def test_the_same_model_serves_one_event_loop_after_another() -> None:
    model = Retrying(Scripted("four", delay_s=0.001), rng=Random(1), concurrency=1)

    async def ask_thrice() -> None:
        await asyncio.gather(*(model.complete(QUESTION) for _ in range(3)))

    asyncio.run(ask_thrice())
    asyncio.run(ask_thrice())


def test_no_tries_at_all_are_refused() -> None:
    with pytest.raises(UsageError, match="tries"):
        Retrying(Scripted("x"), rng=Random(1), tries=0)
