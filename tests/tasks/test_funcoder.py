"""Programs of four functions, written by scripted peers that are right with a chance, run in the real sandbox."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from waggledance import Swarm
from waggledance.core import UsageError
from waggledance.peers import FunctionPeer
from waggledance.tasks import Claiming, FunCoder, PlanResult, Sandbox, SandboxFailed, Task, planner_by_name
from waggledance.tasks._behaviour import behaviours

HEADS = {
    "whole": 'def whole(x: int) -> int:\n    """Fold what scaling a shifted x gives."""',
    "shift": 'def shift(x: int) -> int:\n    """Return 3 x and 1 more."""',
    "scale": 'def scale(x: int) -> int:\n    """Return x times x."""',
    "fold": 'def fold(x: int) -> int:\n    """Return x modulo 1009."""',
}
RIGHT = {"whole": "fold(scale(shift(x)) + shift(x))", "shift": "3 * x + 1", "scale": "x * x", "fold": "x % 1009"}
STUBS = "\n".join(f"{HEADS[name]}\n    pass" for name in ("shift", "scale", "fold"))
ONE_EACH = Claiming(in_flight=1, lease_s=60.0, stagger_s=0.0)
INPUTS = [f"({x},)" for x in range(-20, 60, 3)]


def body(name: str, bug: int | None) -> str:
    """Return a function; one of six bugs shows on about half of the inputs, on others than the next one's."""
    wrong = "" if bug is None else f" + ({bug + 1} if (x * 2654435761 + {bug} * 40503 >> 9) & 1 else 0)"
    return f"{HEADS[name]}\n    return {RIGHT[name]}{wrong}\n"


def writer(seed: int, right: float, asked: Counter[str] | None = None) -> Callable[[str], str]:
    rng = Random(seed)

    def says(words: str) -> str:
        name = next(name for name, head in HEADS.items() if words.startswith(head))
        if asked is not None:
            asked[name] += 1
        own = body(name, None if rng.random() < right else rng.randrange(6))
        drafting = "add the helper as a stub" in words
        return f"Here it is.\n```python\n{own}{STUBS if drafting and name == 'whole' else ''}\n```"

    return says


async def written(says: Callable[[str], Any], *, samples: int, peers: int = 1, **more: Any) -> PlanResult:
    coder = FunCoder(Sandbox(), samples=samples, **more)
    swarm = Swarm([FunctionPeer(f"p{i}", says) for i in range(peers)], seed=1)
    task = Task(goal=HEADS["whole"], kind="code", tries=2)
    return await swarm.run(task, planner=coder, execute=coder.execute, claiming=ONE_EACH)


async def is_right(program: str) -> bool:
    wanted = "\n".join(body(name, None) for name in HEADS)
    found, expected = await behaviours([program, wanted], "whole", INPUTS, Sandbox())
    return found == expected


async def test_a_program_is_broken_into_its_helpers_and_put_together_from_them() -> None:
    asked = Counter[str]()
    made = await written(writer(0, 1.0, asked), samples=2, peers=3)
    assert made.plan.complete
    goals = sorted(entry.task.goal for entry in made.plan.entries.values())
    assert goals == sorted(HEADS.values())
    assert [made.text.count(f"def {name}(") for name in HEADS] == [1, 1, 1, 1]
    assert await is_right(made.text)
    assert asked == {"whole": 3, "shift": 3, "scale": 3, "fold": 3}
    assert made.cost.calls == 12


async def rate(seeds: range, samples: int) -> float:
    ended = [await written(writer(seed, 0.45), samples=samples) for seed in seeds]
    return sum([await is_right(one.text) for one in ended]) / len(ended)


@pytest.mark.slow
async def test_of_programs_of_four_functions_consensus_gets_most_right_where_one_sample_gets_hardly_any() -> None:
    assert await rate(range(100, 116), samples=11) >= 0.7  # 15 of 16 seen; the card: .73
    assert await rate(range(100, 116), samples=1) <= 0.25  # 2 of 16 seen; .04 expected


async def test_what_calls_itself_or_what_is_above_it_is_no_new_part() -> None:
    def says(words: str) -> str:
        if words.startswith("def even"):
            return "def even(n: int) -> bool:\n    return n == 0 or odd(n - 1)\ndef odd(n: int) -> bool:\n    pass"
        return "def odd(n: int) -> bool:\n    return n != 0 and not odd(n - 1) if n < 2 else even(n - 1)"

    coder = FunCoder(Sandbox(), samples=1)
    task = Task(goal="def even(n: int) -> bool:\n    'Say whether n is even.'", kind="code")
    made = await Swarm([FunctionPeer("p", says)]).run(task, planner=coder, execute=coder.execute, claiming=ONE_EACH)
    assert made.plan.complete
    assert len(made.plan.entries) == 2
    assert (await behaviours([made.text], "even", ["(4,)", "(3,)"], Sandbox()))[0] == ("1", "0")


async def test_a_helper_of_two_functions_is_written_once() -> None:
    heads = {name: f"def {name}(x: int) -> int:" for name in ("top", "left", "right", "low", "more")}
    calls = {"top": ("left", "right"), "left": ("low",), "right": ("low", "more"), "low": (), "more": ()}
    drafts = Counter[str]()

    def says(words: str) -> str:
        name = next(name for name, head in heads.items() if words.startswith(head))
        drafting = "add the helper as a stub" in words
        drafts[name] += drafting
        stubs = "".join(f"\n{heads[called]}\n    'Step.'" for called in calls[name]) if drafting else ""
        return f"{heads[name]}\n    return x + {' + '.join([*(f'{c}(x)' for c in calls[name]), '1'])}{stubs}"

    coder = FunCoder(Sandbox(), samples=1)
    task = Task(goal=f"{heads['top']}\n    'Step.'", kind="code")
    made = await Swarm([FunctionPeer("p", says)]).run(task, planner=coder, execute=coder.execute, claiming=ONE_EACH)
    assert made.plan.complete
    assert drafts["low"] == 1
    assert (await behaviours([made.text], "top", ["(1,)"], Sandbox()))[0] == ("12",)


async def failed(
    says: Callable[[str], Any], goal: str = HEADS["whole"], sandbox: Sandbox | None = None, **more: Any
) -> str:
    coder = FunCoder(sandbox or Sandbox(), samples=2, **more)
    swarm = Swarm([FunctionPeer("p", says)])
    made = await swarm.run(
        Task(goal=goal, kind="code", tries=1), planner=coder, execute=coder.execute, claiming=ONE_EACH
    )
    assert not made.plan.complete
    return " ".join(reason for entry in made.plan.entries.values() for reason in entry.reasons)


async def test_an_answer_without_the_function_is_a_failed_try_that_says_so() -> None:
    assert "no function whole" in await failed(lambda _: "def other(x):\n    return x")
    assert "none of 2 versions can be used" in await failed(lambda _: "def other(x):\n    return x", depth=0)
    assert "no function's head" in await failed(lambda _: "x = 1", goal="Sort the bees")
    many = "def whole(x: int) -> int:\n    return " + " + ".join(f"h{i}(x)" for i in range(13))
    assert "13 helpers" in await failed(lambda _: many)


async def test_a_sandbox_that_refuses_is_a_failed_try_and_not_a_program() -> None:
    class Refusing(Sandbox):
        async def run(self, *_: Any, **__: Any) -> Any:
            await asyncio.sleep(0)
            raise SandboxFailed("start a run", "no room")

    assert "no room" in await failed(writer(0, 1.0), sandbox=Refusing(), depth=0)


def test_it_is_known_by_its_name_and_senseless_numbers_are_refused() -> None:
    made = planner_by_name("funcoder(samples=3, depth=2)")
    assert isinstance(made, FunCoder)
    assert (made.samples, made.depth) == (3, 2)
    for text in ("samples=0", "calls=0", "parts=0", "parts=41"):
        with pytest.raises(UsageError, match="FunCoder"):
            planner_by_name(f"funcoder({text})")
