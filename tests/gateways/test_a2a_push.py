"""Notifications reach a webhook in order, with its credentials, and go nowhere that they may not."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import Client, ClientConfig, create_client
from a2a.types import (
    AuthenticationInfo,
    DeleteTaskPushNotificationConfigRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import InvalidParamsError, TaskNotFoundError
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from waggledance import FunctionPeer, Swarm
from waggledance.core import UsageError
from waggledance.gateways import A2A, Host, Hosted, Webhooks, app_of
from waggledance.gateways._a2a_webhook import Refused, parts_of


class Hook:
    """A webhook that keeps what it hears."""

    def __init__(self, *statuses: int) -> None:
        self.heard: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.tries = 0
        self._statuses = list(statuses)
        self._news = asyncio.Event()

    def app(self) -> Starlette:
        return Starlette(
            routes=[Route("/hook", self._hear, methods=["POST"]), Route("/away", self._away, methods=["POST"])]
        )

    async def _hear(self, request: Request) -> Response:
        self.tries += 1
        status = self._statuses.pop(0) if self._statuses else 204
        if status == 204:
            self.heard.append((dict(request.headers), json.loads(await request.body())))
            self._news.set()
        return Response(status_code=status)

    async def _away(self, _: Request) -> Response:
        self.tries += 1
        return RedirectResponse("/hook", 307)

    async def until(self, state: str) -> list[dict[str, Any]]:
        """Return what was heard, when the task's end was."""
        while not any(
            e.get("statusUpdate", e.get("task", {})).get("status", {}).get("state") == state for _, e in self.heard
        ):
            self._news.clear()
            await self._news.wait()
        return [event for _, event in self.heard]


def four(question: str) -> str:
    return "4"


LOOPBACK = Webhooks(loopback=True)


def app(answer: Any = four, webhooks: Webhooks = LOOPBACK) -> Starlette:
    host = Host({"default": Hosted(Swarm([FunctionPeer("ada", answer)]))})
    return app_of(host, [A2A(host, webhooks=webhooks)])


@asynccontextmanager
async def client(url: str) -> AsyncGenerator[Client]:
    async with httpx.AsyncClient(timeout=30) as http:
        config = ClientConfig(httpx_client=http, streaming=False, supported_protocol_bindings=["HTTP+JSON"])
        async with await create_client(url, config) as made:
            yield made


def asking() -> SendMessageRequest:
    return SendMessageRequest(message=Message(message_id="m", role=Role.ROLE_USER, parts=[Part(text="2+2?")]))


async def begun(agent: Client) -> str:
    request = asking()
    request.configuration.return_immediately = True
    (event,) = [event async for event in agent.send_message(request)]
    return event.task.id


async def test_a_webhook_hears_what_a_stream_would_in_order_and_with_its_credentials(served: Any) -> None:
    hook = Hook()
    async with served(hook.app()) as there, served(app()) as url, client(url) as agent:
        request = asking()
        request.configuration.task_push_notification_config.CopyFrom(TaskPushNotificationConfig(
            id="mine", url=f"{there}/hook", token="t0ken",
            authentication=AuthenticationInfo(scheme="Bearer", credentials="secret"),
        ))  # fmt: skip
        (event,) = [event async for event in agent.send_message(request)]
        heard = await hook.until("TASK_STATE_COMPLETED")
        assert [next(iter(update)) for update in heard][:2] == ["task", "statusUpdate"]
        assert [next(iter(update)) for update in heard][-2:] == ["artifactUpdate", "statusUpdate"]
        assert heard[0]["task"]["id"] == event.task.id
        headers = hook.heard[0][0]
        assert (headers["authorization"], headers["x-a2a-notification-token"]) == ("Bearer secret", "t0ken")
        assert headers["content-type"] == "application/json"


async def test_webhooks_are_made_read_listed_and_deleted_and_one_that_is_deleted_hears_no_more(served: Any) -> None:
    told = asyncio.Event()

    async def when_told(question: str) -> str:
        await told.wait()
        return "4"

    gone, kept = Hook(), Hook()
    async with (
        served(gone.app()) as away,
        served(kept.app()) as there,
        served(app(when_told)) as url,
        client(url) as agent,
    ):
        task = await begun(agent)
        made = await agent.create_task_push_notification_config(
            TaskPushNotificationConfig(task_id=task, url=f"{away}/hook")
        )
        other = await agent.create_task_push_notification_config(
            TaskPushNotificationConfig(task_id=task, id="b", url=f"{there}/hook")
        )
        await gone.until("TASK_STATE_WORKING")
        asked = GetTaskPushNotificationConfigRequest(task_id=task, id=made.id)
        assert await agent.get_task_push_notification_config(asked) == made
        listed = await agent.list_task_push_notification_configs(ListTaskPushNotificationConfigsRequest(task_id=task))
        assert sorted(config.id for config in listed.configs) == sorted([made.id, other.id])
        for _ in range(2):  # deleting twice is deleting once
            await agent.delete_task_push_notification_config(
                DeleteTaskPushNotificationConfigRequest(task_id=task, id=made.id)
            )
        with pytest.raises(TaskNotFoundError):
            await agent.get_task_push_notification_config(asked)
        told.set()
        await kept.until("TASK_STATE_COMPLETED")
        assert len(gone.heard) == 1


async def test_a_task_that_has_ended_is_told_once_and_one_of_nobody_never(served: Any) -> None:
    hook = Hook()
    async with served(hook.app()) as there, served(app()) as url, client(url) as agent:
        (event,) = [event async for event in agent.send_message(asking())]
        config = TaskPushNotificationConfig(task_id=event.task.id, url=f"{there}/hook")
        await agent.create_task_push_notification_config(config)
        (heard,) = await hook.until("TASK_STATE_COMPLETED")
        assert heard["task"]["artifacts"]
        with pytest.raises(TaskNotFoundError):
            await agent.create_task_push_notification_config(
                TaskPushNotificationConfig(task_id="nobody's", url=f"{there}/hook")
            )


async def test_a_notification_that_fails_is_sent_again_and_a_redirect_is_not_followed(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waggledance.gateways._a2a_push.PAUSES_S", (0.0, 0.0))
    shaky, moved = Hook(500, 503), Hook()
    async with (
        served(shaky.app()) as there,
        served(moved.app()) as elsewhere,
        served(app()) as url,
        client(url) as agent,
    ):
        (event,) = [event async for event in agent.send_message(asking())]
        for address in (f"{elsewhere}/away", f"{there}/hook"):
            await agent.create_task_push_notification_config(
                TaskPushNotificationConfig(task_id=event.task.id, url=address)
            )
        await shaky.until("TASK_STATE_COMPLETED")
        assert shaky.tries == 3
    assert (moved.heard, moved.tries) == ([], 3)


async def test_attack_d12_a_name_that_points_elsewhere_when_it_is_sent_to_gains_nothing(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is public while it is looked at, and this machine's when it is connected to."""
    hook, asked = Hook(), 0

    async def looked_up(host: str, port: int) -> list[str]:
        nonlocal asked
        asked += 1
        return ["93.184.216.34"] if asked == 1 else ["127.0.0.1"]

    monkeypatch.setattr("waggledance.gateways._a2a_webhook._looked_up", looked_up)
    async with served(hook.app()) as there, served(app(webhooks=Webhooks())) as url, client(url) as agent:
        (event,) = [event async for event in agent.send_message(asking())]
        port = there.rpartition(":")[2]
        await agent.create_task_push_notification_config(
            TaskPushNotificationConfig(task_id=event.task.id, url=f"http://rebind.example:{port}/hook")
        )
        while asked < 2:
            await asyncio.sleep(0)
    assert (hook.tries, asked) == (0, 2)


FORBIDDEN = (
    *("http://127.0.0.1/", "http://localhost:8080/x", "http://2130706433/", "http://0.0.0.0/", "http://[::1]/"),
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/"),
    *("http://100.64.0.1/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/", "http://[2002:7f00:1::]/"),
    *("http://[fe80::1]/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[fd00::1]/"),
)
MALFORMED = (
    *("", "ftp://example.com/", "file:///etc/passwd", "http://", "http://a b/", "http://user:pass@example.com/"),
    *("http://example.com:99999/", "http://exämple.com/", "http://example.com/\r\nX: y", "http://a\\b/", "//x/"),
    "http://example.com/" + "a" * 3_000,
)


@pytest.mark.parametrize("url", FORBIDDEN)
async def test_attack_d12_no_notification_goes_to_this_machine_or_a_private_network(url: str) -> None:
    with pytest.raises(Refused, match="not a public address"):
        await Webhooks().check(url)


@pytest.mark.parametrize("url", MALFORMED)
async def test_what_is_no_address_is_none(url: str) -> None:
    with pytest.raises(Refused):
        await Webhooks().check(url)


async def test_only_what_is_on_the_list_is_allowed_when_there_is_one() -> None:
    listed = Webhooks(allow=("10.1.0.0/16", "localhost"))
    for url in ("http://10.1.2.3/", "http://localhost:9/"):
        await listed.check(url)
    for url in ("http://10.2.0.1/", "http://93.184.216.34/", "http://127.0.0.1/", "http://unheard-of.invalid/"):
        with pytest.raises(Refused):
            await listed.check(url)
    await Webhooks(loopback=True).check("http://127.0.0.1/")
    with pytest.raises(Refused):
        await Webhooks(loopback=True).check("http://10.0.0.1/")


@pytest.mark.parametrize("entry", ["http://x", "10.0.0.0/99", "", "a b", "x:1"])
def test_what_is_no_name_or_network_cannot_be_listed(entry: str) -> None:
    with pytest.raises(UsageError):
        Webhooks(allow=(entry,))


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    for url in (text, f"http://{text}"):
        try:
            host, port = parts_of(url)
        except Refused:
            continue
        assert host
        assert 0 < port < 65_536


@pytest.mark.parametrize(
    "config",
    [
        {"url": "http://127.0.0.1:1/"},
        {"url": "http://93.184.216.34/", "token": "a\r\nX-Evil: 1"},
        {"url": "http://93.184.216.34/", "id": "a" * 300},
        {},
    ],
)
async def test_a_webhook_that_may_not_be_told_is_refused_before_anything_begins(config: dict[str, str]) -> None:
    transport = httpx.ASGITransport(app(webhooks=Webhooks()))
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "2+2?"}]}
    asked = {"message": message, "configuration": {"taskPushNotificationConfig": config}}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.post("/message:send", json=asked)
        assert answer.status_code == 400, answer.text
        assert (await http.get("/tasks")).json()["totalSize"] == 0


async def test_a_task_has_so_many_webhooks_and_no_more(served: Any) -> None:
    hook = Hook()
    async with served(hook.app()) as there, served(app()) as url, client(url) as agent:
        (event,) = [event async for event in agent.send_message(asking())]
        for i in range(8):
            await agent.create_task_push_notification_config(
                TaskPushNotificationConfig(task_id=event.task.id, id=str(i), url=f"{there}/hook")
            )
        with pytest.raises(InvalidParamsError, match="at most 8"):
            await agent.create_task_push_notification_config(
                TaskPushNotificationConfig(task_id=event.task.id, url=f"{there}/hook")
            )
        assert event.task.status.state == TaskState.TASK_STATE_COMPLETED


async def test_a_task_that_nobody_lived_to_end_is_ended_after_a_restart_and_its_webhook_told(
    served: Any, tmp_path: Path
) -> None:
    """The process dies: its ledger is left as it was while the swarm was at work."""
    hook = Hook()

    async def never(question: str) -> str:
        await asyncio.Event().wait()
        return ""

    def app_with(answer: Any, file: Path) -> Starlette:
        host = Host({"default": Hosted(Swarm([FunctionPeer("ada", answer)]))})
        return app_of(host, [A2A(host, webhooks=LOOPBACK, tasks=file)])

    async with served(hook.app()) as there:
        async with served(app_with(never, tmp_path / "a")) as url, client(url) as agent:
            task = await begun(agent)
            await agent.create_task_push_notification_config(
                TaskPushNotificationConfig(task_id=task, url=f"{there}/hook")
            )
            await hook.until("TASK_STATE_WORKING")
            for name in ("a", "a-wal"):
                shutil.copy(tmp_path / name, tmp_path / name.replace("a", "b", 1))
        async with served(app_with(four, tmp_path / "b")) as url, client(url) as agent:
            ended = await agent.get_task(GetTaskRequest(id=task))
            assert ended.status.state == TaskState.TASK_STATE_FAILED
            assert "restarted" in ended.status.message.parts[0].text
            while not any("restarted" in json.dumps(event) for _, event in hook.heard):
                await asyncio.sleep(0.01)
