"""`waggle ask --practise`, `waggle memory skills` and what `waggle serve` keeps of its callers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from waggledance.cli._config import in_force
from waggledance.cli._serve_command import served
from waggledance.core import Question
from waggledance.gateways import Callers, CallerSkills, Order
from waggledance.memory import SkillBook

Waggle = Callable[..., Result]
BOOK = "skills.db"


def asked(waggle: Waggle, number: int) -> dict[str, object]:
    """Ask five peers that all say 4, and return the decision."""
    said = waggle("ask", "-q", "--json", "--practise", BOOK, "--model", "scripted:Answer: 4", f"What is {number} + 1?")
    assert said.exit_code == 0, said.stderr
    decision: dict[str, object] = json.loads(said.stdout)
    return decision


def test_what_is_asked_again_and_again_costs_two_answers_and_is_shown_corrected_and_forgotten(waggle: Waggle) -> None:
    decisions = [asked(waggle, number) for number in range(4)]
    assert [decision["cost"]["calls"] for decision in decisions] == [10, 10, 10, 2]  # type: ignore[index]  # pyright: ignore
    [skill] = json.loads(waggle("memory", "skills", BOOK, "--json").stdout)["skills"]
    assert (skill["pattern"], skill["stage"], skill["right"]) == ("number: what is + ?", "committed", 4)
    assert skill["example"]["answer"] == "Answer: 4"
    assert "what is + ?" in waggle("memory", "skills", BOOK).stdout
    for decision in decisions[:2]:
        waggle("memory", "skills", BOOK, "--wrong", str(decision["id"]))
    told = waggle("memory", "skills", BOOK, "--wrong", str(decisions[2]["id"]), "--json")
    assert json.loads(told.stdout)["skills"][0]["stage"] == "detected"
    back = waggle("memory", "skills", BOOK, "--right", str(decisions[2]["id"]), "--json")
    assert json.loads(back.stdout)["skills"][0]["right"] == 2
    waggle("memory", "skills", BOOK, "--forget", skill["id"][:8])
    assert json.loads(waggle("memory", "skills", BOOK, "--json").stdout) == {"skills": []}
    assert "nothing is practised yet" in waggle("memory", "skills", BOOK).stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("memory", "skills", "none.db"), "there is no book of skills"),
        (("memory", "skills", BOOK, "--forget", "ffff"), "there is no skill"),
        (("memory", "skills", BOOK, "--forget", ""), "there is no skill"),
        (("memory", "skills", BOOK, "--wrong", "ffff"), "there is no question in the book"),
        (("ask", "--practise", BOOK, "--mesh", "bees", "2+2?"), "leave --practise out"),
        (("ask", "--practise", ".", "2+2?"), "give another file"),
        (("serve", "--practise", "s", "--host", "0.0.0.0", "--open", "--model", "scripted:4"), "give --keys FILE"),
        (("serve", "--profiles", "p", "--host", "0.0.0.0", "--open", "--model", "scripted:4"), "give --keys FILE"),
        (("serve", "--practise", BOOK, "--model", "scripted:4"), "give a folder"),
    ],
)
def test_what_cannot_be_is_said_and_exits_with_2(waggle: Waggle, words: tuple[str, ...], says: str) -> None:
    SkillBook(BOOK).close()
    told = waggle(*words)
    assert told.exit_code == 2
    assert says in told.stderr


async def test_a_served_swarm_practises_for_each_caller_and_fills_in_what_they_usually_say(tmp_path: Path) -> None:
    force = in_force({"ask.model": ("scripted:Answer: 4",), "log.keep": False}, env={})
    skills, callers = CallerSkills(tmp_path / "skills", ("ada", "ben")), Callers(None, ("ada",))
    async with served(force, {}, None, skills=skills, callers=callers) as host:
        question = Question(text="What is 3 + 1?", expects="number")
        for _ in range(3):
            await host.start(Order(swarm="default", question=question, caller="ada")).decision()
        rules = {
            caller: (await host.start(Order(swarm="default", question=question, caller=caller)).decision()).rule
            for caller in ("ada", "ben", "somebody")
        }
    skills.close()
    assert rules == {"ada": "two-first(majority)", "ben": "majority", "somebody": "majority"}
    profile = callers.profile("ada")
    assert profile is not None
    assert profile.seen == 4
