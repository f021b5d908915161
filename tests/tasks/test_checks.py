from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from waggledance.consensus import by_name
from waggledance.core import UNIT, Cost, RunFailed, UnknownName, UsageError
from waggledance.peers import FunctionPeer
from waggledance.tasks import (
    Check,
    Checks,
    Finding,
    Sandbox,
    Task,
    command,
    disputed,
    json_of,
    json_schema,
    judges,
    python_tests,
)
from waggledance.tasks._sandbox_limits import Limits

TASK = Task(goal="Write a report")
REPORT = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "pages": {"type": "integer", "minimum": 1}},
    "required": ["title", "pages"],
}
RIGHT = '{"title": "Bees", "pages": 3}'


class AsPydantic(BaseModel):
    title: str
    pages: int


class AsStruct(msgspec.Struct):
    title: str
    pages: int


class AsNothing(msgspec.Struct):
    either: list[int] | set[int]


@dataclass
class AsDataclass:
    title: str
    pages: int


def sandbox() -> Sandbox:
    return Sandbox(Limits(wall_s=20))


FORMS: list[Check] = [json_schema(REPORT), json_of(AsPydantic), json_of(AsStruct), json_of(AsDataclass)]


@pytest.mark.parametrize("check", FORMS)
async def test_a_result_passes_by_its_form(check: Check) -> None:
    assert (await check(TASK, RIGHT)).passed
    assert (await check(TASK, f"Here it is:\n```json\n{RIGHT}\n```")).passed
    wrong = await check(TASK, '{"title": "Bees", "pages": "three"}')
    assert not wrong.passed
    assert "pages" in wrong.reason


@pytest.mark.parametrize("check", FORMS)
@pytest.mark.parametrize(
    "text", ["", "no", "NaN", '{"title": ', "[" * 100_000, '{"pages": 3}', "\ud800", "```\n```", " " * 1_000_001]
)
async def test_what_has_no_such_form_fails_and_says_what_is_wrong(check: Check, text: str) -> None:
    found = await check(TASK, text)
    assert not found.passed
    assert found.reason


async def test_of_many_faults_the_first_are_told() -> None:
    found = await json_schema({"type": "array", "items": {"type": "integer"}})(TASK, '["a", "b", "c", "d", "e"]')
    assert found.reason.count("is not of type") == 3
    assert "and 2 more" in found.reason


async def test_a_schema_fetches_nothing() -> None:
    check = json_schema({"$ref": "https://192.0.2.1/schema.json"})
    with pytest.raises(RunFailed, match="does not hold"):
        await check(TASK, "3")


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(UsageError, match="no JSON schema"):
        json_schema({"type": "bee"})
    with pytest.raises(UsageError, match="cannot be read"):
        json_of(AsNothing)


async def test_a_command_reads_the_result_and_its_program() -> None:
    words = ["python", "-c", "import result; print(open('result.txt').read()); assert result.f(2) == 4, 'no square'"]
    check = command(words, sandbox())
    assert (await check(TASK, "```python\ndef f(x):\n  return x * x\n```")).passed
    found = await check(TASK, "```python\ndef f(x):\n  return x + 1\n```")
    assert not found.passed
    assert "no square" in found.reason


async def test_tests_pass_a_program_that_passes_them_and_tell_of_one_that_does_not() -> None:
    check = python_tests("from result import f\n\ndef test_square() -> None:\n    assert f(3) == 9\n", sandbox())
    assert (await check(TASK, "def f(x):\n    return x ** 2")).passed
    found = await check(TASK, "def f(x):\n    return x + x")
    assert not found.passed
    assert "assert 6 == 9" in found.reason
    assert "no program" in (await check(TASK, "I cannot")).reason


async def test_a_program_that_never_ends_fails_and_the_reason_is_the_limit() -> None:
    check = command(["python", "result.py"], Sandbox(Limits(wall_s=20, cpu_s=0.3)))
    assert "0.3 s of CPU" in (await check(TASK, "while True:\n    pass")).reason


async def test_a_task_names_checks_and_the_first_that_fails_is_told() -> None:
    async def brief(_task: Task, result: str) -> Finding:
        return Finding(True) if len(result) < 40 else Finding.failed("it is too long")

    checks = Checks({"brief": brief}, schemas={"report": REPORT, "typed": AsStruct})
    task = Task(goal="Report", checks=("brief", "schema:report", "schema:typed"))
    assert await checks(task, RIGHT) == Finding(True)
    assert list(await checks.findings(task, RIGHT)) == ["brief", "schema:report", "schema:typed"]
    assert (await checks(task, RIGHT + " " * 40)).reason == "check 'brief': it is too long"
    assert "'schema:report'" in (await checks(task, "{}")).reason


async def test_a_command_is_named_by_its_words_where_there_is_a_sandbox() -> None:
    task = Task(goal="Report", checks=("command:grep -q bees result.txt",))
    checks = Checks(sandbox=sandbox())
    assert (await checks(task, "two bees")).passed
    assert "exit code 1" in (await checks(task, "two ants")).reason
    with pytest.raises(UsageError, match="no sandbox"):
        await Checks()(task, "two bees")


async def test_what_several_checks_find_is_the_worst_score_and_all_of_their_cost() -> None:
    async def costly(_task: Task, _result: str) -> Finding:
        return Finding(True, score_ppm=700_000, cost=Cost(calls=2, prompt_tokens=5))

    found = await Checks({"a": costly, "b": costly})(Task(goal="Report", checks=("a", "b")), "")
    assert found == Finding(True, "", 700_000, Cost(calls=4, prompt_tokens=10))


def test_a_check_that_is_not_known_is_refused_with_the_nearest() -> None:
    checks = Checks(schemas={"report": REPORT}, tests={"unit": ""}, sandbox=sandbox())
    with pytest.raises(UnknownName, match="did you mean 'schema:report'"):
        checks.named("schema:reports")
    assert checks.names == ("command:…", "schema:report", "tests:unit")
    with pytest.raises(UsageError, match="cannot be read"):
        checks.named("command:grep 'x")
    with pytest.raises(UsageError, match="needs a command"):
        checks.named("command:")
    with pytest.raises(UsageError, match="no colon"):
        Checks({"a:b": json_schema({})})
    with pytest.raises(UsageError, match="in a sandbox"):
        Checks(tests={"unit": ""})


def critic(name: str, grade: float | None) -> FunctionPeer:
    def critique(question: str, answer: str) -> float:
        assert (question, answer) == (TASK.goal, "words")
        if grade is None:
            raise RunFailed("asleep")
        return grade

    return FunctionPeer(name, lambda _: "", critique=critique)


async def test_judges_pass_a_result_by_the_mean_of_their_grades() -> None:
    found = await judges([critic("a", 0.9), critic("b", 0.6), critic("c", None)])(TASK, "words")
    assert (found.passed, found.score_ppm) == (True, 750_000)
    assert "b gave 0.60" in found.reason
    assert found.cost.calls == 2
    assert not (await judges([critic("a", 0.9), critic("b", 0.3)])(TASK, "words")).passed
    with pytest.raises(RunFailed, match="asleep"):
        await judges([critic("c", None)])(TASK, "words")


async def test_judges_pass_a_result_by_a_rule() -> None:
    three = [critic("a", 0), critic("b", 0.75), critic("c", 0.75)]
    assert not (await judges(three)(TASK, "words")).passed
    assert (await judges(three, rule=by_name("majority"))(TASK, "words")).passed
    assert (await judges(list(reversed(three)), rule=by_name("majority"))(TASK, "words")).passed


@pytest.mark.parametrize(
    ("peers", "least", "says"),
    [
        ([], 700_000, "nobody"),
        ([FunctionPeer("x", lambda _: "")], 700_000, "x cannot"),
        ([critic("a", 1), critic("a", 1)], 700_000, "one name"),
        ([critic("a", 1)], UNIT + 1, "between 0"),
    ],
)
def test_judges_who_cannot_judge_are_refused(peers: list[Any], least: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        judges(peers, least_ppm=least)


def test_a_grade_in_dispute_is_one_that_hangs_on_a_single_review() -> None:
    assert not disputed([], 700_000)
    assert not disputed([100_000], 700_000)
    assert disputed([700_000, 690_000], 695_000)
    assert not disputed([100_000, 100_000, 200_000], 700_000)


def test_a_finding_says_what_is_wrong() -> None:
    with pytest.raises(UsageError, match="says what is wrong"):
        Finding(False)
    with pytest.raises(UsageError, match="between 0"):
        Finding(True, score_ppm=UNIT + 1)
