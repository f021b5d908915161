"""What one principal cannot learn of another's questions from a model that both use."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from waggledance.models import Completion, Embedded, Request, Turn, asked_for, principal
from waggledance.models._beginnings import shared
from waggledance.models._engine import Engine
from waggledance.models._llama_chat import completion_of
from waggledance.models._llama_server import LlamaServer, Shape

SECRET = "The patient in room 4 is Ada Lovelace, and her diagnosis of last Monday is the following one. "


def asking(text: str) -> Request:
    return Request(turns=(Turn("user", text),), max_tokens=2, temperature=0.0, timeout_s=100.0)


class Slots(LlamaServer):
    """Slots as llama.cpp has them: one that may use what it holds computes the rest alone; a token is a character."""

    def __init__(self) -> None:
        self.held = dict[int, str]()
        self.files = dict[str, str]()

    def chat(self, body: bytes, on_chunk: Callable[[bytes], bool]) -> None:
        asked: dict[str, Any] = msgspec.json.decode(body)
        text = "".join(f"<{turn['role']}>{turn['content']}" for turn in asked["messages"])
        known = shared(self.held.get(asked["id_slot"], ""), text) if asked["cache_prompt"] else 0
        self.held[asked["id_slot"]] = text
        choice = {"delta": {"content": "yes"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": len(text), "completion_tokens": 1}
        on_chunk(msgspec.json.encode({"choices": [choice], "usage": usage, "timings": {"prompt_n": len(text) - known}}))

    def save(self, slot: int, file: str) -> bool:
        self.files[file] = self.held[slot]
        return True

    def restore(self, slot: int, file: str) -> bool:
        self.held[slot] = self.files[file]
        return True

    def forget(self, file: str) -> None:
        del self.files[file]

    def close(self) -> None:
        self.held.clear()


async def computed(engine: Engine, who: str, *texts: str) -> list[Completion]:
    """Let somebody ask some questions in the same moment."""

    async def one(text: str) -> Completion:
        return completion_of(await engine.ask("m", asking(text), None), asking(text), 0.0)

    with asked_for(who):
        return await asyncio.gather(*map(one, texts))


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine("m", Shape(Path("m.gguf"), 1, 2, 4_096))
    engine._server = Slots()
    yield engine
    engine.close()


async def test_attack_c2_what_one_has_asked_costs_another_as_much_as_if_nobody_had(engine: Engine) -> None:
    [first] = await computed(engine, "ada", f"{SECRET} What is it?")
    assert first.evaluated_prompt_tokens == first.prompt_tokens
    [own] = await computed(engine, "ada", f"{SECRET} And since when?")
    assert (own.evaluated_prompt_tokens or 0) < own.prompt_tokens / 4, "her own beginning is in the cache"
    for who in ("eve", "ad", "", "ada "):
        [probe] = await computed(engine, who, f"{SECRET} Or is it another?")
        assert probe.evaluated_prompt_tokens == probe.prompt_tokens, who


async def test_attack_c2_questions_of_two_in_one_moment_share_no_beginning(engine: Engine) -> None:
    text = SECRET * 6
    both = await asyncio.gather(
        computed(engine, "ada", f"{text} 1", f"{text} 2"), computed(engine, "eve", f"{text} 3", f"{text} 4")
    )
    for completions in both:
        whole = completions[0].prompt_tokens
        evaluated = sum(completion.evaluated_prompt_tokens or 0 for completion in completions)
        assert whole <= evaluated < 2 * whole, "each computes the beginning once, for both of its own"


@pytest.mark.model
async def test_attack_c2_the_embedded_model_computes_anothers_question_anew(weights: str) -> None:
    model = Embedded(weights, context_tokens=512, slots=1)
    seen = dict[str, Completion]()
    for who, more in (("ada", "What?"), ("ada", "When?"), ("eve", "Where?")):
        with asked_for(who):
            seen[f"{who} {more}"] = await model.complete(asking(f"{SECRET}{more}"))
    await model.aclose()
    own, probe = seen["ada When?"], seen["eve Where?"]
    assert (own.evaluated_prompt_tokens or 0) < own.prompt_tokens / 2
    assert probe.evaluated_prompt_tokens == probe.prompt_tokens


async def test_for_whom_is_asked_holds_in_tasks_that_begin_there_and_ends_there() -> None:
    async def seen() -> str:
        await asyncio.sleep(0)
        return principal()

    with asked_for("ada"):
        task = asyncio.create_task(seen())
        with asked_for("eve"):
            inner = asyncio.create_task(seen())
        assert principal() == "ada"
    assert principal() == ""
    assert (await task, await inner) == ("ada", "eve")
