"""A recipe names checks of one's own: what fails them goes back with the reason, and unknown ones are found at once."""

import asyncio

import pytest

from waggledance import FunctionPeer, Swarm
from waggledance.core import UsageError
from waggledance.tasks import Finding, Task, WrongPlan, recipe_check, recipe_from

RECIPE = """
name: oath
start: wish
out: oath
kinds: {wish: a wish, oath: one sentence}
roles:
  writer: {watch: [wish], produces: oath, prompt: Write an oath., checks: [no-doubt], tries: 2}
"""


@recipe_check("no-doubt")
async def no_doubt(task: Task, text: str) -> Finding:
    return Finding.failed("it says maybe") if "maybe" in text else Finding(True)


def test_what_fails_the_check_is_tried_again_by_who_is_told_why() -> None:
    told = list[str]()

    def writer(request: str) -> str:
        told.append(request)
        return "I shall, maybe." if len(told) == 1 else "I shall."

    result = asyncio.run(Swarm([FunctionPeer("ada", writer)]).run(recipe_from(RECIPE), "Swear it."))
    assert result.text == "I shall."
    assert len(told) == 2
    assert "it says maybe" in told[1]


def test_an_artefact_that_never_passes_fails_and_says_so() -> None:
    result = asyncio.run(Swarm([FunctionPeer("ada", lambda _: "maybe")]).run(recipe_from(RECIPE), "Swear it."))
    assert not result.complete
    assert "check 'no-doubt': it says maybe" in str(result)


@pytest.mark.parametrize("wrong", ["no-dout", "tests:oath"])
def test_a_check_that_nobody_registered_is_found_before_anything_is_spent(wrong: str) -> None:
    with pytest.raises(WrongPlan, match=rf"line 7: roles\.writer\.checks: there is no check '{wrong}'"):
        recipe_from(RECIPE.replace("no-doubt", wrong))


@pytest.mark.parametrize("name", ["", " ", "schema:oath"])
def test_a_check_has_a_name_without_a_colon(name: str) -> None:
    with pytest.raises(UsageError, match="a name without a colon"):
        recipe_check(name)
