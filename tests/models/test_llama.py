"""With the real embedded model; one server serves the whole file."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from waggledance.models import (
    Completion,
    Embedded,
    Gguf,
    ModelError,
    Picture,
    PromptTooLong,
    Request,
    TimedOut,
    Turn,
    WeightsBroken,
    path_of,
)

pytestmark = pytest.mark.model
CONTEXT = 1024
LONG = "A farmer has 17 sheep. All but 9 run away. How many are left? Think step by step. " + "Be careful. " * 60


@pytest.fixture(scope="module")
def embedded(weights: str) -> Iterator[Embedded]:
    model = Embedded(weights, context_tokens=CONTEXT)
    yield model
    asyncio.run(model.aclose())


def ask(
    text: str, *, seed: int = 0, max_tokens: int = 16, temperature: float = 0.7, timeout_s: float = 100.0
) -> Request:
    return Request(
        turns=(Turn("user", text),), seed=seed, max_tokens=max_tokens, temperature=temperature, timeout_s=timeout_s
    )


async def together(model: Embedded, *requests: Request) -> list[Completion]:
    return await asyncio.gather(*(model.complete(request) for request in requests))


async def test_pictures_are_refused_and_not_left_out(embedded: Embedded) -> None:
    shown = Request(turns=(Turn("user", "What is it?", pictures=(Picture("image/gif", b"GIF89a"),)),))
    with pytest.raises(ModelError, match="cannot look at the pictures"):
        await embedded.complete(shown)


async def test_an_answer_has_text_counts_and_logprobs(embedded: Embedded) -> None:
    request = Request(turns=(Turn("user", "Name a colour."),), max_tokens=5, logprobs=True, timeout_s=100.0)
    completion = await embedded.complete(request)
    assert completion.text
    assert (completion.completion_tokens, completion.finish) == (5, "length")
    assert completion.logprobs is not None
    assert len(completion.logprobs) == 5
    assert all(logprob <= 0 for logprob in completion.logprobs)
    assert completion.evaluated_prompt_tokens == completion.prompt_tokens


async def test_the_same_request_asked_alone_gives_the_same_text_whatever_was_asked_before(embedded: Embedded) -> None:
    request = Request(turns=(Turn("user", LONG),), seed=5, max_tokens=16, logprobs=True, timeout_s=100.0)
    first = await embedded.complete(request)
    again = await embedded.complete(request)
    await embedded.complete(ask(LONG[:300] + " And now?"))
    partly_known = await embedded.complete(request)
    await together(embedded, *(ask(LONG + f" Agent {number}?") for number in range(8)))
    from_saved_state = await embedded.complete(request)
    for later in (again, partly_known, from_saved_state):
        assert (later.text, later.logprobs) == (first.text, first.logprobs)
    assert (await embedded.complete(ask(LONG, seed=6))).text != first.text


@pytest.mark.parametrize("length", [2, 5, 7])
async def test_an_exact_repeat_is_computed_as_the_first_time(embedded: Embedded, length: int) -> None:
    question = "A farmer has 17 sheep. All but 9 run away. How many are left? " * length + "Which?"
    request = Request(turns=(Turn("user", question),), seed=5, max_tokens=8, logprobs=True, timeout_s=100.0)
    first, again = await embedded.complete(request), await embedded.complete(request)
    assert (again.text, again.logprobs) == (first.text, first.logprobs)


async def test_a_shared_beginning_is_computed_once(embedded: Embedded) -> None:
    question = "Eight scouts look at the same hollow tree and report what they saw there. " * 8
    completions = await together(embedded, *(ask(question + f" You are scout {number}.") for number in range(8)))
    whole = completions[0].prompt_tokens
    evaluated = sorted(completion.evaluated_prompt_tokens or 0 for completion in completions)
    assert all(tokens < whole / 4 for tokens in evaluated[:7])
    assert sum(evaluated) < 2 * whole < 8 * whole


async def test_more_questions_than_slots_are_all_answered(embedded: Embedded) -> None:
    completions = await together(embedded, *(ask(f"Say {number}.", max_tokens=4) for number in range(20)))
    assert [completion.completion_tokens for completion in completions] == [4] * 20


async def test_stop_strings_end_the_answer_and_temperature_0_takes_the_likeliest(embedded: Embedded) -> None:
    request = Request(turns=(Turn("user", "Count from 1 to 9."),), temperature=0.0, max_tokens=40, timeout_s=100.0)
    plain = await embedded.complete(request)
    stop = plain.text[6:10]
    stopped = await embedded.complete(
        Request(turns=request.turns, temperature=0.0, max_tokens=40, stop=(stop,), timeout_s=100.0)
    )
    assert stopped.text == plain.text.split(stop, 1)[0]
    assert stopped.finish == "stop"


async def test_the_event_loop_goes_on_while_the_model_thinks(embedded: Embedded) -> None:
    thinking = asyncio.create_task(embedded.complete(ask("Tell a story.", max_tokens=60)))
    ticks = 0
    while not thinking.done():
        await asyncio.sleep(0.005)
        ticks += 1
    assert ticks > 10


async def test_a_cancelled_question_frees_its_slot(embedded: Embedded) -> None:
    tasks = [asyncio.create_task(embedded.complete(ask(f"Tell story {n}.", max_tokens=900))) for n in range(8)]
    await asyncio.sleep(1.0)
    for task in tasks:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True))
    completions = await together(embedded, *(ask(f"Say {number}.", max_tokens=2) for number in range(8)))
    assert len(completions) == 8
    for _ in range(200):
        if not any(thread.name.startswith("waggledance slot") for thread in threading.enumerate()):
            break
        await asyncio.sleep(0.05)
    assert not any(thread.name.startswith("waggledance slot") for thread in threading.enumerate())


async def test_a_question_that_takes_too_long_times_out(embedded: Embedded) -> None:
    with pytest.raises(TimedOut, match=r"within 0\.3 s"):
        await embedded.complete(ask("Tell a story.", max_tokens=900, timeout_s=0.3))


async def test_a_conversation_that_does_not_fit_says_by_how_much(embedded: Embedded) -> None:
    with pytest.raises(PromptTooLong, match=r"the context holds 1,024.*context_tokens"):
        await embedded.complete(ask("bee " * 2000))
    assert (await embedded.complete(ask("Still there?"))).text


async def test_everyone_shares_one_server_and_the_last_one_frees_it(embedded: Embedded, weights: str) -> None:
    from waggledance.models._engines import _engines

    await embedded.complete(ask("hi", max_tokens=1))
    other = Embedded(weights, context_tokens=CONTEXT)
    await other.complete(ask("hi", max_tokens=1))
    assert len(_engines) == 1
    await other.aclose()
    await other.aclose()
    assert len(_engines) == 1


async def test_a_broken_file_is_found_out(tmp_path: Path, weights: str) -> None:
    whole = path_of(weights)
    assert whole is not None
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole.read_bytes()[:1_000_000])
    with pytest.raises(WeightsBroken, match=r"cannot load .*cut\.gguf \(1,000,000 bytes\)"):
        await Gguf(cut).complete(ask("hi"))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_that_may_use_one_core_computes_with_one_thread(weights: str) -> None:
    ended = run(
        """
        import os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        from waggledance.models import Embedded
        print(Embedded()._shape.threads)
        """
    )
    assert (ended.stdout.strip(), ended.stderr) == ("1", "")


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


PREAMBLE = """
        import asyncio, signal
        from waggledance.models import Embedded, Request, Turn
        long = Request(turns=(Turn("user", "Tell a long story."),), max_tokens=400)
        short = Request(turns=(Turn("user", "hi"),), max_tokens=2)
        model = Embedded(context_tokens=512)
"""


async def test_the_process_ends_cleanly_and_silently_with_a_question_under_way(weights: str) -> None:
    ended = run(
        PREAMBLE
        + """
        async def main():
            await model.complete(short)
            asyncio.ensure_future(model.complete(long))
            await asyncio.sleep(0.2)
        asyncio.run(main())
    """
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


async def test_ctrl_c_still_reaches_python(weights: str) -> None:
    ended = run(
        PREAMBLE
        + """
        async def main():
            await model.complete(short)
            signal.raise_signal(signal.SIGINT)
            await model.complete(long)
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
    """
    )
    assert (ended.returncode, ended.stdout) == (0, "interrupted\n")


async def test_one_model_serves_one_event_loop_after_another(weights: str) -> None:
    ended = run(PREAMBLE + "\n        for _ in range(3): print(asyncio.run(model.complete(short)).completion_tokens)\n")
    assert (ended.returncode, ended.stdout) == (0, "2\n2\n2\n")
