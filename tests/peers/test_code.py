import pytest

from waggledance.peers._code import code

SQUARE = "def square(x):\n    return x * x"


@pytest.mark.parametrize(
    "text",
    [
        SQUARE,
        "Here you are:\n```python\ndef square( x ):   # of x\n  return x*x\n```\nDone.",
        "```\ndef square(x): return x*x\n```",
        '~~~py\ndef square(x):\n    """Square."""\n\n    return (x * x)\n~~~',
        "```python\ndef square(x):\n    return x * x",
        "```python\ndef square(x):\n    return x * x\n```\nand so\n```\n>>> square(2)\n4\n```",
        "First:\n```python\ndef square(x):\n    return x\n```\nBetter:\n```python\ndef square(x):\n    return x*x\n```",
    ],
)
def test_programs_that_differ_in_formatting_are_one_answer(text: str) -> None:
    assert code(text) == SQUARE


@pytest.mark.parametrize("text", ["", "no", "well-known", "not sure", "yes or no", "I cannot do that.", "```\n\n```"])
def test_words_are_no_program(text: str) -> None:
    assert code(text) is None


def test_programs_that_behave_differently_are_two_answers() -> None:
    assert code("def f(x): return x + 1") != code("def f(x): return x + 2")


def test_another_language_keeps_its_fence_and_loses_blank_lines() -> None:
    key = code("```js\nconst f = x => x;  \n\n\nf(2)\n```")
    assert key == "```js\nconst f = x => x;\nf(2)\n```"
    assert code(key) == key


def test_a_function_of_only_a_docstring_stays_a_program() -> None:
    assert code('def f():\n    """Nothing."""') == "def f():\n    pass"


@pytest.mark.parametrize(
    "text", ["(" * 19_000, "-" * 19_000 + "1", "f(" * 9_000, "x = '\\d'", "x = 1\x00", "lambda: " * 2_000 + "1"]
)
def test_hostile_source_raises_nothing(text: str) -> None:
    code(text)
    code(f"```python\n{text}\n```")
