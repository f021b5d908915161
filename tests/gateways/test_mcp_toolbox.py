"""Other people's MCP servers as tools: used by an agent, bounded in time and size, ended with all they have started."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from starlette.applications import Starlette

from waggledance import FunctionPeer, Swarm
from waggledance.core import Tool, ToolCall, UnknownName, UsageError
from waggledance.gateways import Host, Hosted, app_of
from waggledance.gateways._mcp_gateway import McpGateway
from waggledance.gateways._mcp_known import RESULT_CHARS, our_name
from waggledance.gateways._mcp_link import MOST_BYTES, ToolServerFailed
from waggledance.gateways._mcp_toolbox import McpTools
from waggledance.models import Completion, Request, Scripted
from waggledance.peers import Agent, Toolbox

SERVER = Path(__file__).with_name("_tool_server.py")
Served = Callable[[Starlette], AbstractAsyncContextManager[str]]


def tools(mode: str = "well", *more: str, within_s: float = 20.0, allow: list[str] | None = None) -> McpTools:
    return McpTools("calc", command=[sys.executable, str(SERVER), mode, *more], allow=allow, within_s=within_s)


async def gone(pid: int) -> bool:
    """Say whether a process ends soon."""
    for _ in range(300):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        await asyncio.sleep(0.01)
    return False


async def test_an_agent_uses_a_tool_of_a_server_and_its_result_comes_back_as_data() -> None:
    def think(request: Request) -> Completion:
        told = [turn.text for turn in request.turns if turn.role == "tool"]
        call = ToolCall("c1", "calc__add", '{"a": 2, "b": 40}')
        text, calls = (f"Answer: {told[-1]}", ()) if told else ("", (call,))
        return Completion(text=text, prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.0, calls=calls)

    async with tools() as box:
        checked: Toolbox = box
        swarm = Swarm([Agent("ann", Scripted(think), tools=[checked])])
        decision = await swarm.ask("What is 2 + 40?", expects="number")
    assert decision.key == "42"


async def test_names_are_kept_apart_and_only_what_is_allowed_is_there() -> None:
    async with tools(allow=["add", "no/slash"]) as box:
        assert [tool.name for tool in await box.tools()] == ["calc__add", our_name("calc", "no/slash")]
        with pytest.raises(ToolServerFailed, match="not allowed"):
            await box.call("calc__env", "{}")
    async with tools(allow=["addd"]) as box:
        with pytest.raises(UnknownName, match="did you mean 'add'"):
            await box.tools()


async def test_one_server_answers_many_at_once() -> None:
    async with tools() as box:
        sums = await asyncio.gather(*(box.call("calc__add", f'{{"a": {i}, "b": 1}}') for i in range(20)))
    assert sums == [str(i + 1) for i in range(20)]


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("add", "{", "no JSON"),
        ("add", "[1]", "no JSON object"),
        ("add", '{"a": 1}', "'b' is a required property"),
        ("add", '{"a": "1", "b": 2}', "not of type 'integer'"),
        ("fail", "", "no such file"),
    ],
)
async def test_what_goes_wrong_is_told_to_whoever_called(name: str, arguments: str, says: str) -> None:
    async with tools() as box:
        with pytest.raises(ToolServerFailed, match=says):
            await box.call(f"calc__{name}", arguments)


async def test_nothing_of_our_environment_is_in_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    async with tools() as box:
        names = (await box.call("calc__env", "{}")).split()
    assert "PATH" in names
    assert "OPENAI_API_KEY" not in names


async def test_a_result_is_bounded_and_plain_and_says_what_is_no_text() -> None:
    async with tools() as box:
        big = await box.call("calc__big", "{}")
        mixed = await box.call("calc__mixed", "{}")
    assert len(big) <= RESULT_CHARS
    assert "left out" in big
    assert mixed == "seen [31mred\n[image, image/png, 3 bytes: not shown]"


async def test_a_description_that_gives_orders_is_shortened_marked_as_the_servers_and_without_template_marks() -> None:
    async with tools("poison") as box:
        about = (await box.tools())[0].description
    assert about.startswith("Of the tool server calc, which says: ")
    assert len(about) < 700
    assert "<|" not in about
    assert "\n" not in about


async def test_a_server_that_prints_other_things_on_stdout_is_understood_all_the_same() -> None:
    async with tools("garbage") as box:
        assert await box.call("calc__add", '{"a": 1, "b": 1}') == "2"


@pytest.mark.slow
async def test_a_server_that_says_nothing_is_given_up_and_ended() -> None:
    box = tools("silent", within_s=0.5)
    with pytest.raises(ToolServerFailed, match=r"did not answer within 0\.5 s"):
        await box.tools()
    await box.aclose()


@pytest.mark.slow
async def test_a_call_that_hangs_ends_in_time_and_leaves_the_server_usable() -> None:
    async with tools("hang", within_s=1.5) as box:
        await box.tools()
        with pytest.raises(ToolServerFailed, match="use add"):
            await box.call("calc__add", '{"a": 1, "b": 1}')
        assert await box.tools()


async def test_a_server_that_ends_in_a_call_is_started_again_three_times_at_most() -> None:
    async with tools("die") as box:
        for _ in range(3):
            with pytest.raises(ToolServerFailed, match="ended, or hung up"):
                await box.call("calc__add", '{"a": 1, "b": 1}')
        with pytest.raises(ToolServerFailed, match="left alone"):
            await box.call("calc__add", '{"a": 1, "b": 1}')


async def test_attack_d10_a_tool_that_says_something_else_later_is_refused(tmp_path: Path) -> None:
    async with tools("rug-pull", str(tmp_path / "note")) as box:
        await box.tools()
        with pytest.raises(ToolServerFailed, match="ended, or hung up"):
            await box.call("calc__add", '{"a": 1, "b": 1}')
        with pytest.raises(ToolServerFailed, match="something else of calc__add"):
            await box.tools()


@pytest.mark.skipif(sys.platform != "linux", reason="the keeper needs Linux")
@pytest.mark.parametrize("mode", ["giant", "endless"])
async def test_a_message_too_large_ends_the_server_and_nobody_holds_it(mode: str) -> None:
    async with tools(mode, within_s=10.0) as box:
        with pytest.raises(ToolServerFailed):
            await box.call("calc__add", '{"a": 1, "b": 1}')


@pytest.mark.skipif(sys.platform != "linux", reason="the keeper needs Linux")
async def test_what_a_server_has_started_ends_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    async with tools("child", str(note)) as box:
        await box.tools()
        pid = int(note.read_text())
        os.kill(pid, 0)
    assert await gone(pid)


def test_the_end_of_a_run_ends_the_server_and_the_next_run_starts_it_again(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    box = tools("child", str(note))

    async def use() -> int:
        assert await box.call("calc__add", '{"a": 1, "b": 1}') == "2"
        return int(note.read_text())

    first, second = asyncio.run(use()), asyncio.run(use())
    assert first != second
    assert asyncio.run(gone(first))
    assert asyncio.run(gone(second))


async def test_seventy_tools_must_be_chosen_from() -> None:
    async with tools("many") as box:
        with pytest.raises(UsageError, match="choose with allow"):
            await box.tools()
    async with tools("many", allow=["tool7"]) as box:
        assert len(await box.tools()) == 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: McpTools("Calc", command=["x"]), "lower-case letters"),
        (lambda: McpTools("calc"), "one of the two"),
        (lambda: McpTools("calc", command=["x"], url="http://x"), "one of the two"),
        (lambda: McpTools("calc", url="file:///etc"), "no http or https address"),
        (lambda: McpTools("calc", command=["x"], within_s=0), "positive number of seconds"),
        (lambda: McpTools("calc", command=["x"], within_s=float("nan")), "positive number of seconds"),
    ],
)
def test_a_toolbox_that_cannot_be_is_refused_at_once(make: Callable[[], McpTools], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make()


@pytest.mark.parametrize("command", [["/does/not/exist"], [sys.executable, "-c", "raise SystemExit(1)"]])
async def test_a_server_that_does_not_start_is_said_to_be_so(command: list[str]) -> None:
    async with McpTools("calc", command=command, within_s=10) as box:
        with pytest.raises(ToolServerFailed, match="could not be reached"):
            await box.tools()


async def test_tools_over_http_and_a_server_that_is_not_there(served: Served) -> None:
    host = Host({"default": Hosted(Swarm([FunctionPeer("ada", lambda question: "4")]))})
    async with (
        served(app_of(host, [McpGateway(host)])) as url,
        McpTools("swarm", url=f"{url}/mcp", allow=["ask"]) as box,
    ):
        [tool] = await box.tools()
        assert isinstance(tool, Tool)
        assert '"answer":"4"' in await box.call(tool.name, '{"question": "2 + 2?"}')
    async with McpTools("swarm", url=f"{url}/mcp", within_s=5) as box:
        with pytest.raises(ToolServerFailed, match="could not be reached"):
            await box.tools()


def test_two_names_that_look_alike_to_a_model_are_two() -> None:
    names = {our_name("s", tool) for tool in ("a/b", "a.b", "a_b", "x" * 70, "x" * 71)}
    assert len(names) == 5
    assert all(len(name) <= 64 for name in names)
    assert MOST_BYTES > RESULT_CHARS
