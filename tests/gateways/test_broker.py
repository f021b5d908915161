"""Six stages in a fixed order: what is not permitted reaches nobody, and every call leaves a row."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from waggledance.core import Key, PeerId, RunFailed, UsageError
from waggledance.gateways import AuditRow, Broker, OnBehalf, Permit, Principal, Tenant, ToolRefused, read_on_behalf
from waggledance.models import Tool
from waggledance.testing import on_virtual_time

ADA, BEN, EVE = (Key(bytes([n]) * 32) for n in (1, 2, 3))
READ = Permit(principals=("ada@*",), tools=("read",), scope="files.read", repeatable=True)
WRITE = Permit(
    principals=("ada@*",),
    tools=("write",),
    scope="files.write",
    arguments={"type": "object", "properties": {"path": {"pattern": "^/tmp/"}}, "required": ["path"]},
)


class Files:
    """A server of one tenant."""

    def __init__(self, says: str = "42", fails: int = 0, takes_s: float = 0.0) -> None:
        self.says, self.fails, self.takes_s = says, fails, takes_s
        self.asked: list[tuple[str, str]] = []
        self.metas: list[Mapping[str, Any]] = []

    async def tools(self) -> Sequence[Tool]:
        return [Tool("read", "Reads."), Tool("write", "Writes.")]

    async def call(self, name: str, arguments: str) -> str:
        raise AssertionError("a broker says on whose behalf")

    async def call_for(self, name: str, arguments: str, meta: Mapping[str, Any]) -> str:
        self.asked.append((name, arguments))
        self.metas.append(meta)
        await asyncio.sleep(self.takes_s)
        if len(self.asked) <= self.fails:
            raise RunFailed(f"no disk today, token {self.says}")
        return self.says


class World:
    """A broker over two tenants."""

    def __init__(self, files: Files | None = None) -> None:
        self.files, self.other, self.rows = files or Files(), Files(), list[AuditRow]()
        self.broker = Broker(
            callers=[ADA.peer, BEN.peer],
            principals=[
                Principal("ada@north", "north", (ADA.peer,)),
                Principal("ada@south", "south", (ADA.peer,)),
                Principal("joe", "south", (ADA.peer,)),
            ],
            permits=[READ, WRITE],
            tenants={"north": Tenant((self.files,), ("s3cret",)), "south": Tenant((self.other,))},
            audit=self.rows.append,
        )

    def call(self, behalf: OnBehalf, tool: str = "read", arguments: str = "{}", **more: Any) -> str:
        return on_virtual_time(self.broker.call(behalf, tool, arguments, **more))

    def refusal(self, behalf: OnBehalf, tool: str = "read", arguments: str = "{}") -> tuple[str, str]:
        """Return stage and class of a refusal; nothing has reached a server by then."""
        with pytest.raises(ToolRefused) as why:
            self.call(behalf, tool, arguments)
        assert self.rows[-1].refused == why.value.error.cause
        return self.rows[-1].stage, why.value.error.sort


def behalf(key: Key = ADA, who: str = "ada@north", scopes: tuple[str, ...] = ("files.read",), **more: Any) -> OnBehalf:
    return OnBehalf(principal=who, caller=key.peer, scopes=scopes, task="q1", **more).signed(key)


LINK: dict[str, Any] = {"caller": "ab" * 32, "to": "cd" * 32, "scopes": [], "left_ms": 1, "signature": ""}


def test_a_granted_call_reaches_the_tenants_own_server_and_says_on_whose_behalf() -> None:
    world = World()
    assert world.call(behalf()) == "42"
    told = read_on_behalf(world.files.metas[0])
    assert (told.principal, told.caller, told.scopes, told.task) == ("ada@north", ADA.peer, ("files.read",), "q1")
    assert told.holds
    assert world.other.asked == []
    assert [(row.stage, row.refused, row.tenant) for row in world.rows] == [("audit", "", "north")]


@pytest.mark.parametrize(
    ("asked", "tool", "arguments", "stage", "sort"),
    [
        (behalf(EVE), "read", "{}", "authenticate", "auth"),
        (msgspec.structs.replace(behalf(), principal="ada@south"), "read", "{}", "authenticate", "auth"),
        (
            msgspec.structs.replace(behalf(), scopes=("files.read", "files.write")),
            "write",
            "{}",
            "authenticate",
            "auth",
        ),
        (behalf(who="mallory"), "read", "{}", "resolve", "auth"),
        (behalf(BEN), "read", "{}", "resolve", "auth"),
        (behalf(who="joe"), "read", "{}", "authorise", "policy"),
        (behalf(), "write", '{"path":"/tmp/x"}', "authorise", "policy"),
        (behalf(scopes=("files.write",)), "write", '{"path":"/etc/passwd"}', "authorise", "policy"),
        (behalf(), "read", "{", "authorise", "input"),
        (behalf(), "read", "[]", "authorise", "input"),
        (behalf(left_ms=0), "read", "{}", "execute", "budget"),
    ],
)
def test_a_stage_that_refuses_ends_it_and_no_server_hears_of_it(
    asked: OnBehalf, tool: str, arguments: str, stage: str, sort: str
) -> None:
    world = World()
    assert world.refusal(asked, tool, arguments) == (stage, sort)
    assert world.files.asked == world.other.asked == []
    assert len(world.rows) == 1


def test_another_tenants_server_never_hears_of_a_call() -> None:
    world = World()
    assert world.call(behalf(who="ada@south")) == "42"
    assert world.files.asked == []
    assert len(world.other.asked) == 1


def test_a_tool_that_no_server_has_is_missing() -> None:
    world = World()
    world.broker._permits = (Permit(principals=("*",), tools=("*",), scope="files.read"),)
    assert world.refusal(behalf(), "delete") == ("route", "missing")


def test_what_is_harmless_to_repeat_is_tried_once_more_and_nothing_else() -> None:
    world = World(Files(fails=1))
    assert world.call(behalf()) == "42"
    assert len(world.files.asked) == 2
    twice = World(Files(fails=1))
    assert twice.refusal(behalf(scopes=("files.write",)), "write", '{"path":"/tmp/x"}') == ("execute", "transient")
    assert len(twice.files.asked) == 1
    broken = World(Files(fails=5))
    broken.refusal(behalf())
    assert len(broken.files.asked) == 2


def test_secrets_of_the_tenant_come_back_neither_in_answers_nor_in_errors() -> None:
    assert World(Files(says="key=s3cret!")).call(behalf()) == "key=[secret]!"
    world = World(Files(says="s3cret", fails=9))
    with pytest.raises(ToolRefused) as why:
        world.call(behalf())
    assert "s3cret" not in str(why.value)
    assert "s3cret" not in world.rows[0].refused


def test_a_server_that_hangs_costs_no_more_than_the_time_that_is_left() -> None:
    world = World(Files(takes_s=1_000))

    async def main() -> float:
        began = asyncio.get_running_loop().time()
        with pytest.raises(ToolRefused, match=r"no answer within"):
            await world.broker.call(behalf(left_ms=8_000), "read", "{}")
        return asyncio.get_running_loop().time() - began

    assert on_virtual_time(main()) == pytest.approx(8.0)
    assert world.rows[0].milliseconds == 8_000


def test_an_agents_toolbox_shows_what_is_granted_and_its_time_runs_out_over_several_calls() -> None:
    world = World(Files(takes_s=3))

    async def main() -> tuple[list[str], str]:
        box = world.broker.toolbox(behalf(left_ms=5_000))
        names = [tool.name for tool in await box.tools()]
        await box.call("read", "{}")
        with pytest.raises(ToolRefused) as why:
            await box.call("read", "{}")
        return names, why.value.error.cause

    names, cause = on_virtual_time(main())
    assert names == ["read"]
    assert "no answer within 2.0 s" in cause or "no time is left" in cause


def test_rights_and_time_only_shrink_when_a_task_is_passed_on() -> None:
    first = behalf(scopes=("files.read", "files.write"), left_ms=5_000)
    second = first.passed_to(BEN.peer, key=ADA, scopes=("files.read",), left_ms=9_000).signed(BEN)
    assert (second.scopes, second.left_ms, [link.caller for link in second.links]) == (
        ("files.read",),
        5_000,
        [ADA.peer],
    )
    assert World().call(second) == "42"
    with pytest.raises(UsageError, match="cannot be passed on by one who"):
        second.passed_to(ADA.peer, key=BEN, scopes=("files.write",))
    with pytest.raises(UsageError, match="only the caller passes on"):
        second.passed_to(ADA.peer, key=ADA)
    with pytest.raises(UsageError, match="only the caller signs"):
        second.signed(ADA)


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        (None, "does not say on whose behalf"),
        ({"waggle/ctx": 3}, "not of its form"),
        ({"waggle/ctx": behalf().meta()["waggle/ctx"] | {"caller": "00"}}, "32 bytes"),
        ({"waggle/ctx": behalf().meta()["waggle/ctx"] | {"admin": True}}, "not of its form"),
        ({"waggle/ctx": behalf().meta()["waggle/ctx"] | {"links": [LINK] * 17}}, "passed on 17 times"),
        ({"waggle/ctx": behalf().meta()["waggle/ctx"] | {"links": [LINK | {"to": "ab"}]}}, "32 bytes"),
    ],
)
def test_a_broken_context_is_named(meta: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_on_behalf(meta)


def test_bad_set_ups_are_refused() -> None:
    with pytest.raises(UsageError, match="has no servers"):
        Broker(callers=[], principals=[Principal("a", "x", ())], permits=[], tenants={}, audit=lambda _: None)
    with pytest.raises(UsageError, match="a permit names"):
        Permit(principals=(), tools=("a",), scope="s")
    with pytest.raises(UsageError, match="name the principal"):
        OnBehalf(principal="", caller=PeerId(b"a" * 32))
    with pytest.raises(UsageError, match="scopes are sorted"):
        OnBehalf(principal="a", caller=PeerId(b"a" * 32), scopes=("b", "a"))
