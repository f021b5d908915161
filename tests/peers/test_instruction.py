"""Instructions reach an agent's model where they fit the question, and nowhere else."""

import pytest

from waggledance import Swarm
from waggledance.core import Question, UsageError
from waggledance.models import Request, Scripted
from waggledance.peers import Agent, Instruction
from waggledance.protocols import Debate

LEASES = Instruction(text="A bail is a lease.", when=("lease", "bail commercial"))
ALWAYS = Instruction(text="Be brief.")


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ("Translate this lease.", True),
        ("BAIL\n commercial?", True),
        ("Who pays bail?", False),
        ("Release it?", False),
        ("", False),
    ],
)
def test_whole_words_and_phrases_count(asked: str, fits: bool) -> None:
    assert LEASES.fits(Question(text=asked or ".")) is fits
    assert ALWAYS.fits(Question(text="anything"))


async def test_a_model_is_told_in_every_call_what_fits_the_question_after_its_own_prompt() -> None:
    told: list[str] = []

    def line(request: Request) -> str:
        told.append(request.turns[0].text)
        return "Answer: 4"

    plain = Agent("a", Scripted(line))
    agent = plain.instructed(LEASES, ALWAYS)
    await Swarm([agent], protocol=Debate(rounds=1)).ask("What is a lease?")
    await Swarm([agent], protocol=Debate(rounds=1)).ask("What is 2+2?")
    await Swarm([plain], protocol=Debate(rounds=1)).ask("What is a lease?")
    assert len(told) == 6
    assert told[0] == told[1] == told[4] + "\n\nA bail is a lease.\n\nBe brief."
    assert told[2] == told[3] == told[4] + "\n\nBe brief."


@pytest.mark.parametrize(("text", "when"), [("", ()), ("x" * 8_001, ()), ("x", ("?",)), ("x", ("w",) * 65)])
def test_an_instruction_that_makes_no_sense_is_not_born(text: str, when: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        Instruction(text=text, when=when)


def test_more_than_a_prompt_holds_is_refused() -> None:
    with pytest.raises(UsageError, match="longer than 8,000"):
        Agent("a", Scripted("4")).instructed(*(Instruction(text="x" * 4_001) for _ in range(2)))
