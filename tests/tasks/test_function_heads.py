import pytest

from waggledance.core import RunFailed
from waggledance.tasks import Stub, Task
from waggledance.tasks._function_heads import entry_of, head_of, joined, name_in


def run(program: str, call: str) -> object:
    names: dict[str, object] = {}
    exec(program, names)
    return eval(call, names)


def test_a_finished_helper_takes_the_place_of_the_stub_and_of_another_version() -> None:
    helpers = ["def g(x):\n    return h(x) + 1\ndef h(x):\n    return 10 * x", "def h(x):\n    return 0"]
    own = "def g(x):\n    pass\ndef h(x):\n    pass\ndef f(x):\n    return g(x)"
    assert run(joined(helpers, own, "f"), "f(2)") == 21


def test_what_nobody_calls_and_what_acts_when_loaded_is_left_out() -> None:
    made = joined(["def unused():\n    pass"], "import math\nprint(f(2))\ndef f(x):\n    return math.floor(x)", "f")
    assert made == "import math\n\ndef f(x):\n    return math.floor(x)"


def test_constants_stand_before_who_takes_them_and_tables_of_functions_after() -> None:
    own = "TABLE = {'g': g}\nN = 3\ndef f(x=N):\n    return TABLE['g'](x)\ndef g(x):\n    return x"
    assert run(joined([], own, "f"), "f()") == 3


def test_the_function_itself_is_never_a_helpers() -> None:
    assert run(joined(["def f():\n    return 1\ndef g():\n    return f()"], "def f():\n    return 2", "f"), "f()") == 2


@pytest.mark.parametrize("goal", ["Sort the bees", "x = 1", "class A: pass", "def f("])
def test_a_goal_that_is_no_head_says_how_to_write_one(goal: str) -> None:
    with pytest.raises(RunFailed, match="def name"):
        entry_of(goal)
    assert name_in(Task(goal=goal)) == ""


@pytest.mark.parametrize("doc", ["Say 'no'.", 'Say "no".', "Back\\slash", '"', "two\nlines", ""])
def test_a_head_is_read_again_whatever_its_docstring_says(doc: str) -> None:
    assert entry_of(head_of(Stub("g", "g(x: int) -> int", doc))) == "g"


def test_a_helper_that_is_called_in_no_readable_way_is_refused() -> None:
    with pytest.raises(RunFailed, match="add it as a stub"):
        head_of(Stub("g", "g(a, a)"))
