import pytest

from waggledance.core import UsageError
from waggledance.tasks import Given, Sandbox, behaviours, by_behaviour, inputs
from waggledance.tasks._sandbox_limits import Limits

SORTS = [
    "def f(xs):\n    return sorted(xs)\n",
    "def f(xs):\n    xs = list(xs)\n    xs.sort()\n    return xs\n",
    "def f(xs):\n    return sorted(set(xs))\n",
    "def f(xs):\n    return xs[::-1]\n",
    "def f(xs):\n    return [x for x in sorted(xs) if x > 0]\n",
    "def f(xs):\n    xs[0]\n    return sorted(xs)\n",
]


async def test_what_comes_out_counts_and_not_how_it_is_written() -> None:
    calls = inputs([("list", ("int",))], 10, seed=3)
    found = await by_behaviour(SORTS, "f", calls, Sandbox())
    assert set(found.best_first[:2]) == {0, 1}
    assert found.scores[0] == found.scores[1] > max(found.scores[2:])
    assert found.best_first[-1] == 5  # it crashes on the empty list


async def test_a_program_that_never_crashes_does_not_win_by_inputs_that_make_no_sense() -> None:
    right = [
        f"def f(xs):\n    return {form}\n"
        for form in ("sum(xs) / len(xs)", "(1 / len(xs)) * sum(xs)", "sum(x / len(xs) for x in xs)")
    ]
    found = await by_behaviour(
        [*right, "def f(xs):\n    return None\n"], "f", ["([],)", "([1, 2],)", "([3, 6],)"], Sandbox()
    )
    assert found.best < 3


async def test_a_given_test_weighs_more_than_the_crowd() -> None:
    programs = ["def f(x):\n    return x + x\n"] * 3 + ["def f(x):\n    return float(x * x)\n"]
    found = await by_behaviour(programs, "f", ["(1,)", "(2,)"], Sandbox(), given=[Given("(3,)", "9")])
    assert found.best == 3


async def test_a_call_that_goes_wrong_costs_itself_only() -> None:
    program = """
import os, sys, time
def f(what):
    if what == "loop":
        while True: pass
    if what == "sleep": time.sleep(600)
    if what == "fork":
        for _ in range(5):
            if not os.fork(): time.sleep(600)
    if what == "exit": sys.exit(3)
    if what == "kill": os.kill(os.getpid(), 9)
    if what == "raise": raise KeyError(what)
    if what == "print": print("x" * 100, flush=True); os.write(1, b"[]")
    return what
"""
    whats = ["loop", "sleep", "fork", "exit", "kill", "raise", "print", "fine"]
    calls = [repr((what,)) for what in whats]
    [found] = await behaviours([program], "f", calls, Sandbox(), each_s=0.5)
    assert dict(zip(whats, found, strict=True)) == {
        "loop": "!time-out", "sleep": "!time-out", "fork": "'fork'", "exit": "!SystemExit", "kill": "!killed",
        "raise": "!KeyError", "print": "'print'", "fine": "'fine'",
    }  # fmt: skip


async def test_a_program_that_passes_the_limits_crashes_everywhere_and_only_it() -> None:
    bomb = "import os, time\nfor _ in range(9): os.fork()\ntime.sleep(600)\n"
    bad, good = await behaviours([bomb, SORTS[0]], "f", ["([2, 1],)"], Sandbox(Limits(processes=16)), each_s=1)
    assert bad[0].startswith("!")
    assert good == ("[1,2]",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2", "2.0"),
        ("1", "True"),
        ("0.1 + 0.2", "0.3"),
        ("{3, 1, 2}", "{2, 3, 1}"),
        ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    ],
)
async def test_equal_values_are_equal_outputs(one: str, other: str) -> None:
    programs = [f"def f():\n    return {value}\n" for value in (one, other)]
    a, b = await behaviours(programs, "f", ["()"], Sandbox())
    assert a == b


async def test_other_values_are_other_outputs() -> None:
    values = ["[[1], 2]", "[[1, 2]]", "(1, 2)", "[1, 2]", "'1'", "1", "None", "float('nan')", "{1: 2}", "{1}", "b'1'"]
    whole = "def f(i):\n    return [" + ", ".join(values) + "][i]\n"
    [found] = await behaviours([whole], "f", [f"({i},)" for i in range(len(values))], Sandbox())
    assert len(set(found)) == len(values)


async def test_what_does_not_compile_or_has_no_such_function_crashes() -> None:
    found = await behaviours(["def f(:", "x = 1", "\0", ""], "f", ["(1,)"], Sandbox())
    crashes = [outputs[0] for outputs in found]
    assert crashes[:2] == ["!SyntaxError", "!KeyError"]
    assert crashes[2] in ("!SyntaxError", "!ValueError")  # Pythons differ on a null byte
    assert crashes[3] == "!KeyError"


async def test_senseless_wishes_are_refused() -> None:
    with pytest.raises(UsageError, match="by its name"):
        await behaviours(["x = 1"], "f()", ["()"], Sandbox())
    with pytest.raises(UsageError, match="more than 0"):
        await behaviours(["x = 1"], "f", ["()"], Sandbox(), each_s=0)
    assert await behaviours([], "f", ["()"], Sandbox()) == []
