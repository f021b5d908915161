"""A model asked in a friendly order gives the answers it would have given anyway, in virtual time."""

import asyncio

import msgspec
import pytest

from waggledance.core import UsageError
from waggledance.models import Completion, ModelError, Request, Scripted, TimedOut, Turn
from waggledance.tasks import Consolidated, consolidated
from waggledance.testing import on_virtual_time


def asking(document: int, question: int, **how: object) -> Request:
    turns = (Turn("system", f"document {document} " * 60), Turn("user", f"question {question}"))
    return msgspec.structs.replace(Request(turns=turns, seed=question), **how)


def answer(request: Request) -> str:
    return f"{request.turns[0].text[:11]}, {request.turns[1].text}, seed {request.seed}, {request.temperature}"


def documents(model: Scripted) -> list[str]:
    return [request.turns[0].text[:10] for request in model.requests]


REQUESTS = [asking(number % 4, number) for number in range(32)]


def test_answers_are_those_of_the_plain_order_and_documents_come_one_after_another() -> None:
    async def ask(model: Scripted | Consolidated) -> list[str]:
        return [answer.text for answer in await asyncio.gather(*map(model.complete, REQUESTS))]

    plain, behind = Scripted(answer, delay_s=1.0), Scripted(answer, delay_s=1.0)
    expected = on_virtual_time(ask(plain))
    assert on_virtual_time(ask(Consolidated(behind, at_once=2))) == expected
    changes = sum(a != b for a, b in zip(documents(behind), documents(behind)[1:], strict=False))
    assert changes == 3 < sum(a != b for a, b in zip(documents(plain), documents(plain)[1:], strict=False))


def test_no_more_calls_are_under_way_than_allowed() -> None:
    async def ask() -> float:
        await asyncio.gather(*map(Consolidated(Scripted("x", delay_s=1.0), at_once=4).complete, REQUESTS))
        return asyncio.get_running_loop().time()

    assert on_virtual_time(ask()) == pytest.approx(8.0)


def test_equal_calls_are_made_once_also_while_one_is_under_way_and_paid_once() -> None:
    behind = Scripted(
        Completion(text="x", prompt_tokens=9, completion_tokens=1, finish="stop", seconds=0.0, usd_micro=7), delay_s=2.0
    )
    model = Consolidated(behind)

    async def ask() -> list[Completion]:
        first = [asyncio.ensure_future(model.complete(REQUESTS[0])) for _ in range(3)]
        await asyncio.sleep(1.0)
        return [*await asyncio.gather(*first, model.complete(msgspec.structs.replace(REQUESTS[0], timeout_s=9.0)))]

    answers = on_virtual_time(ask())
    assert len(behind.requests) == 1
    assert model.merged == 3
    assert sum(answer.usd_micro or 0 for answer in answers) == 7
    assert {answer.text for answer in answers} == {"x"}


def test_calls_with_other_seeds_are_not_merged_unless_no_seed_is_used() -> None:
    async def ask(temperature: float) -> int:
        behind = Scripted(answer, delay_s=1.0)
        model = Consolidated(behind)
        await asyncio.gather(*(model.complete(asking(0, 0, seed=s, temperature=temperature)) for s in range(5)))
        return len(behind.requests)

    assert on_virtual_time(ask(0.7)) == 5
    assert on_virtual_time(ask(0.0)) == 1


def test_what_begins_alike_goes_to_the_same_copy() -> None:
    copies = [Scripted(answer, delay_s=1.0) for _ in range(2)]

    async def ask() -> list[str]:
        model = Consolidated(*copies, at_once=1)
        return [answer.text for answer in await asyncio.gather(*map(model.complete, REQUESTS))]

    assert on_virtual_time(ask()) == [answer(request) for request in REQUESTS]
    shared = set(documents(copies[0])) & set(documents(copies[1]))
    assert len(shared) <= 1
    assert min(len(copy.requests) for copy in copies) >= 12


def test_a_worker_with_nothing_to_do_takes_from_who_has_most() -> None:
    async def ask() -> float:
        model = Consolidated(Scripted("x", delay_s=3.0), Scripted("x", delay_s=1.0), at_once=1)
        await asyncio.gather(*map(model.complete, REQUESTS))
        return asyncio.get_running_loop().time()

    assert on_virtual_time(ask()) <= 27.0  # 32 calls at 4 in 3 s: 24 s, and the last one; 36 s and more without


def test_a_failure_reaches_all_who_share_the_call_and_the_next_one_is_asked() -> None:
    behind = Scripted([ModelError("m", "broken", "Mend it."), "fine"], delay_s=1.0)
    model = Consolidated(behind, at_once=1)

    async def ask() -> list[object]:
        asked = [model.complete(REQUESTS[0]), model.complete(REQUESTS[0]), model.complete(REQUESTS[4])]
        return [*await asyncio.gather(*asked, return_exceptions=True)]

    first, second, third = on_virtual_time(ask())
    assert isinstance(first, ModelError)
    assert isinstance(second, ModelError)
    assert isinstance(third, Completion)


def test_waiting_for_a_turn_counts_and_ends_in_time() -> None:
    behind = Scripted("x", delay_s=10.0)
    model = Consolidated(behind, at_once=1)

    async def ask() -> tuple[object, object]:
        slow = asyncio.ensure_future(model.complete(REQUESTS[0]))
        late = asyncio.ensure_future(model.complete(msgspec.structs.replace(REQUESTS[1], timeout_s=5.0)))
        done = await asyncio.gather(slow, late, return_exceptions=True)
        return done[0], done[1]

    slow, late = on_virtual_time(ask())
    assert isinstance(slow, Completion)
    assert isinstance(late, TimedOut)
    assert len(behind.requests) == 1


@pytest.mark.parametrize("after_s", [0.0, 1.0])
def test_a_call_that_nobody_waits_for_frees_its_place(after_s: float) -> None:
    model = Consolidated(Scripted("x", delay_s=1_000_000.0 if after_s else 1.0), at_once=1)

    async def ask() -> float:
        gone = asyncio.ensure_future(model.complete(asking(0, 0, timeout_s=2_000_000.0)))
        for _ in range(3):
            await asyncio.sleep(after_s)
            gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(TimedOut):
            await model.complete(asking(1, 1, timeout_s=0.5))
        return asyncio.get_running_loop().time()

    assert on_virtual_time(ask(), limit_s=10_000_000.0) < 10


def test_one_of_several_who_wait_may_go_without_harm_to_the_others() -> None:
    model = Consolidated(Scripted("x", delay_s=2.0))

    async def ask() -> Completion:
        gone, stays = (asyncio.ensure_future(model.complete(REQUESTS[0])) for _ in range(2))
        await asyncio.sleep(1.0)
        gone.cancel()
        return await stays

    assert on_virtual_time(ask()).text == "x"


def test_only_a_model_of_one_conversation_is_asked_one_call_after_another() -> None:
    class Holds(Scripted):
        slots = 1

    class HoldsMore(Scripted):
        slots = 8

    async def took_s(model: Scripted) -> float:
        await asyncio.gather(*map(consolidated(model, 32).complete, REQUESTS))
        return asyncio.get_running_loop().time()

    assert on_virtual_time(took_s(Holds("x", delay_s=1.0))) == pytest.approx(32.0)
    assert on_virtual_time(took_s(HoldsMore("x", delay_s=1.0))) == pytest.approx(1.0)
    assert on_virtual_time(took_s(Scripted("x", delay_s=1.0))) == pytest.approx(1.0)
    once = consolidated(Scripted("x"), 4)
    assert consolidated(once, 4) is once


def test_bad_input_is_refused() -> None:
    with pytest.raises(UsageError):
        Consolidated()
    with pytest.raises(UsageError):
        Consolidated(Scripted("x"), at_once=0)
    with pytest.raises(UsageError):
        Consolidated(Scripted("x"), overtake=-1)
