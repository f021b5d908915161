"""The software company with a design of several files: one writes each, and the tests run on all of them together."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from waggledance import Log, Swarm
from waggledance.core import RunFailed
from waggledance.models import Request, Scripted
from waggledance.peers import Agent
from waggledance.tasks import PlanResult, Sandbox, Task, read_files, steps_in
from waggledance.tasks._recipe_steps import RecipeStep
from waggledance.tasks._role_function import Artefact, Watched
from waggledance.tasks.recipes import recipe_named
from waggledance.tasks.recipes._program import put_together
from waggledance.tasks.recipes._run_tests import run_tests

RECIPE = recipe_named("software-company")
ITEMS = '''```python
def add(items, text):
    """Return the items with one more."""
    if not text.strip():
        raise ValueError("an item needs a text")
    return [*items, text]
```'''
APP = """```python
from items import add

def main(args):
    items = []
    for text in args:
        items = add(items, text)  # one after the other
    return len(items)
```"""
TESTS = """import pytest
from app import main
from items import add

def test_all_are_added():
    assert main(["tea", "milk"]) == 2

def test_nothing_is_added():
    assert main([]) == 0

def test_an_item_needs_a_text():
    with pytest.raises(ValueError):
        add([], " ")
"""
SAYS = {
    "product manager": json.dumps({"goal": "count", "stories": ["add an item"], "out_of_scope": []}),
    "architect": json.dumps({
        "files": ["items.py", "app.py"],
        "interfaces": [
            {"file": "items.py", "signature": "add(items: list[str], text: str) -> list[str]", "does": "ValueError"},
            {"file": "app.py", "signature": "main(args: list[str]) -> int", "does": "How many there are."},
        ],
    }),
    "project manager": '["add", "main"]',
    "engineer items.py": ITEMS,
    "engineer app.py": APP.replace("len(items)", "len(args) + 1"),
    "mender items.py": ITEMS,
    "mender app.py": APP,
    "tester": TESTS,
}  # fmt: skip
_ROLE = re.compile(r"You are the ([a-z ]+?) of a team")
_ENTRY = re.compile(r"^Your entry:\n> \"([a-z_]+\.py)\"$", re.MULTILINE)


class Company:
    """Peers who give the answer that the role and the file ask for, and what they were asked."""

    def __init__(self, **other: str) -> None:
        self.says: Mapping[str, str] = {**SAYS, **{name.replace("_", " "): text for name, text in other.items()}}
        self.asked: Counter[str] = Counter()
        self.read: dict[str, str] = {}
        model = Scripted(self.answer)
        self.peers = [Agent(f"p{i}", model) for i in range(4)]

    def answer(self, request: Request) -> str:
        text = request.turns[-1].text
        role, entry = _ROLE.findall(text)[-1], _ENTRY.findall(text)
        who = f"{role} {entry[-1]}" if entry else role
        self.asked[who] += 1
        self.read[who] = text
        return self.says[who]

    async def work(self, log: Log | None = None) -> PlanResult:
        return await Swarm(self.peers, log=log).run("software-company", "Count items.", sandbox=Sandbox())


def reports(result: PlanResult) -> dict[str, str]:
    steps = [step for step in steps_in(RECIPE, result.plan) if step.produces == "report"]
    return {str(step): text for step in steps if (text := result.plan.result(step.task.id))}


async def test_each_file_is_written_by_a_part_of_its_own_and_the_tests_run_on_all_of_them_together() -> None:
    company = Company()
    result = await company.work()
    first, second = reports(result).values()
    assert first.startswith("no\nexit code 1")
    assert second == "yes\nexit code 0"
    assert read_files(result.text) == {
        "items.py": ITEMS.removeprefix("```python\n").removesuffix("```"),
        "app.py": APP.removeprefix("```python\n").removesuffix("```"),
    }
    assert company.asked == dict.fromkeys(SAYS, 1)
    assert result.cost.calls == 8
    assert result.complete


async def test_who_mends_a_file_reads_all_of_them_under_their_names_and_why_the_tests_failed() -> None:
    company = Company()
    await company.work()
    read = company.read["mender app.py"]
    assert "\nCode items py:\n> ```python\n> def add(items, text):" in read
    assert "\nCode app py:\n> ```python\n> from items import add" in read
    assert "\nReport:\n> no\n" in read
    assert "Code" not in company.read["engineer app.py"]  # files are written side by side


async def test_the_tester_writes_no_file_of_the_program() -> None:
    result = await Company().work()
    by = {str(step): result.plan.entries[step.task.id].holder for step in steps_in(RECIPE, result.plan)
          if step.task.id in result.plan.entries}  # fmt: skip
    assert by["tester: tests"] not in {by["engineer 1: code"], by["engineer 2: code"]}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([], "should be non-empty"),
        ([f"f{n}.py" for n in range(9)], "is too long"),
        (["items.py", "items.py"], "has non-unique elements"),
        (["../items.py"], "does not match"),
        (["conftest.py"], "does not match"),
        (["test_items.py"], "does not match"),
        (["calendar.py"], "does not match"),
        (["items"], "does not match"),
    ],
)
async def test_a_design_whose_files_cannot_be_a_program_goes_back_to_the_architect(files: list[str], why: str) -> None:
    company = Company(architect=json.dumps({**json.loads(SAYS["architect"]), "files": files}))
    result = await company.work()
    assert result.text == ""
    assert company.asked["architect"] == 3
    (said,) = result.left
    assert said.startswith("failed: ")
    assert why in said
    assert company.asked.keys() == {"product manager", "architect"}


async def test_a_company_that_is_interrupted_while_files_are_written_goes_on_and_asks_for_what_is_missing_alone(
    tmp_path: Path,
) -> None:
    company = Company()
    slow = Scripted(company.answer, delay_s=lambda request: 60.0 if '> "app.py"' in request.turns[-1].text else 0.0)
    peers = [Agent(f"p{i}", slow) for i in range(4)]
    with Log(tmp_path / "log.db") as log:
        swarm = Swarm(peers, log=log)
        running = asyncio.create_task(swarm.run("software-company", "Count items.", sandbox=Sandbox()))
        while company.asked.keys() < (SAYS.keys() - {"mender items.py", "mender app.py"}):
            await asyncio.sleep(0)
        for _ in range(200):  # what was said is published, but for what never comes
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        (channel,) = log.names()
        result = await Swarm(company.peers, log=log).run(resume=channel, sandbox=Sandbox())
    assert result.complete
    assert list(read_files(result.text)) == ["items.py", "app.py"]
    assert company.asked == {**dict.fromkeys(SAYS, 1), "engineer app.py": 2}


def part(entry: str, text: str) -> Artefact:
    (step,) = [step for step in RECIPE.steps if step.role == "engineer"]
    task = Task(goal=f"write {entry}", kind="code")
    return Artefact(RecipeStep(task, "engineer", "code", 0, 0, entry=entry, of=step.of), text)


def given(*parts: Artefact, sandbox: Sandbox | None = None, tests: str = TESTS) -> Watched:
    (tester,) = [step for step in RECIPE.steps if step.role == "tester"]
    return Watched((*parts, Artefact(tester, tests)), (), {}, sandbox, RECIPE.steps[0])


async def test_one_file_is_handed_in_as_it_stands_and_several_each_under_its_name() -> None:
    assert await put_together(given(part('"items.py"', ITEMS))) == ITEMS
    whole = await put_together(given(part('"items.py"', ITEMS), part('"app.py"', "I cannot.")))
    assert read_files(whole) == {
        "items.py": ITEMS.removeprefix("```python\n").removesuffix("```"),
        "app.py": "I cannot.\n",
    }


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        (['"../../x.py"'], "is no file of a program"),
        (['"conftest.py"'], "is no file of a program"),
        (['"a.py\\n"'], "is no file of a program"),
        (["7"], "is no file of a program"),
        (['"wave.py"'], "called like a module of Python itself"),
        (["", ""], "two parts are for result.py"),
        ([], "there is no code"),
    ],
)
async def test_a_part_that_a_liar_says_is_for_a_file_is_not_written_outside_the_program(
    entries: list[str], why: str
) -> None:
    with pytest.raises(RunFailed, match=why):
        await put_together(given(*[part(entry, ITEMS) for entry in entries]))


async def test_a_file_without_a_program_is_named_and_no_test_is_run() -> None:
    report = await run_tests(given(part('"items.py"', ITEMS), part('"app.py"', "I cannot."), sandbox=Sandbox()))
    assert report.startswith("no\napp.py: it gives no program")


async def test_tests_may_come_in_a_fence_with_words_around_it() -> None:
    parts = (part('"items.py"', ITEMS), part('"app.py"', APP))
    worded = f"Here they are:\n```python\n{TESTS}```\n\n**Explanation**: they check all."
    assert await run_tests(given(*parts, tests=worded, sandbox=Sandbox())) == "yes\nexit code 0"
    assert (await run_tests(given(*parts, tests="I cannot.", sandbox=Sandbox()))).startswith("no\nexit code")
