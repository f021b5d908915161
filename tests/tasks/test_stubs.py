import pytest

from waggledance.core import RunFailed
from waggledance.tasks import Stub, stubs

PROGRAM = '''
import math
from os import path as p

def solve(rows: list[int]) -> int:
    """Solve it."""
    best = max(rows, key=score)
    def inner(x): return clean(x, rows, strict=True)
    try:
        return inner(best) + math.floor(mean(*rows)) + p.exists("x")
    except ValueError as why:
        print(why)
        return fallback()

def mean(*xs: float) -> float:
    """Return the mean."""
    ...

def score(x):
    raise NotImplementedError("later")

class Row:
    def empty(self): ...
'''


def test_helpers_that_are_called_or_left_empty_are_found_in_their_order() -> None:
    assert stubs(PROGRAM) == (
        Stub("clean", "clean(a, b, strict)"),
        Stub("fallback", "fallback()"),
        Stub("mean", "mean(*xs: float) -> float", "Return the mean."),
        Stub("score", "score(x)"),
    )


@pytest.mark.parametrize(
    "program",
    [
        "",
        "print(len([1]))",
        "def f(g): return g(1)",
        "from m import *\nhelp_me(1)",
        "for g in (abs, max): g(1)",
        "match x:\n  case [f, *rest]: f(rest(1))",
        "with open('x') as f: f()",
        "(g := abs)(1)",
        "import a.b\na(1)",
        "lambda h: h(1)",
    ],
)
def test_what_has_a_meaning_is_no_stub(program: str) -> None:
    assert stubs(program) == ()


def test_a_finished_program_has_none_left() -> None:
    done = PROGRAM.replace("...", "return 1").replace('raise NotImplementedError("later")', "return x")
    assert [stub.name for stub in stubs(done + "\ndef clean(a, b, strict): return a\ndef fallback(): return 0")] == []


@pytest.mark.parametrize("program", ["def f(:", "\0", "(" * 10_000])
def test_what_is_no_python_has_no_stubs(program: str) -> None:
    with pytest.raises(RunFailed, match="no Python"):
        stubs(program)
