from typing import Any

import pytest

from waggledance.core import RunFailed
from waggledance.tasks._behaviour import Given
from waggledance.tasks._signature import signature

HEAD = '''
from typing import Dict, List, Optional, Tuple

def f({parameters}):
    """Do it.

    {doc}
    """
'''


def head(parameters: str, doc: str = "") -> Any:
    return signature(HEAD.format(parameters=parameters, doc=doc), "f")


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("int", ("int",)),
        ("'str'", ("str",)),
        ("List[float]", ("list", ("float",))),
        ("list[list[int]]", ("list", ("list", ("int",)))),
        ("Optional[bool]", ("union", (("bool",), ("none",)))),
        ("int | None", ("union", (("int",), ("none",)))),
        ("Tuple[int, str]", ("tuple", (("int",), ("str",)))),
        ("typing.Dict[str, int]", ("dict", ("str",), ("int",))),
    ],
)
def test_an_annotation_states_the_type(note: str, kind: object) -> None:
    assert head(f"x: {note}").kinds == (kind,)


@pytest.mark.parametrize(
    ("doc", "given"),
    [
        (">>> f(2)\n    4", [Given("(2,)", "4")]),
        (">>> f([1, 2])\n    [2, 1]\n    >>> f([])\n    []", [Given("([1, 2],)", "[2, 1]"), Given("([],)", "[]")]),
        ("f('a)') == 'b'", [Given("('a)',)", "'b'")]),
        ("f(3) ➞ (1, 2).", [Given("(3,)", "(1, 2)")]),
        ("f((1, 2)) => True  # since", [Given("((1, 2),)", "True")]),
        ("f(5) should return None", [Given("(5,)", "None")]),
        ("f(5) is even, f(x) too", []),
        ("f(1, 2) == 3", []),
        ("off(1) == 3", []),
        ("f(" * 500, []),
    ],
)
def test_calls_in_the_docstring_are_given_tests(doc: str, given: list[Given]) -> None:
    assert head("x", doc).given == tuple(given)


def test_without_annotations_examples_show_the_types() -> None:
    found = head("xs, n", ">>> f([1.5], 'a')\n    1\n    >>> f([], 'b')\n    2")
    assert found.kinds == (("list", ("float",)), ("str",))
    assert found.examples == (([1.5], "a"), ([], "b"))


def test_examples_fill_in_what_an_annotation_leaves_open() -> None:
    assert head("xs: list, n: int", ">>> f([1.5], 2)\n    1").kinds == (("list", ("float",)), ("int",))


def test_no_function_is_said() -> None:
    with pytest.raises(RunFailed, match="no function g"):
        signature("def f(): pass", "g")
    with pytest.raises(RunFailed, match="no Python"):
        signature("def f(:", "f")
