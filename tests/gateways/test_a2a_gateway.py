"""A swarm as an A2A agent, judged by the SDK's own client: both bindings, streams, lists, cancelling, refusals."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast

import grpc.aio
import httpx
import pytest
from a2a.client import Client, ClientConfig, create_client
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import (
    InternalError,
    InvalidParamsError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from waggledance import FunctionPeer, Log, Swarm
from waggledance.core import Budget, Call, Key, Proposal, UsageError
from waggledance.gateways import A2A, GrpcPlace, Host, Hosted, Keys, Limits, app_of
from waggledance.gateways._a2a_ledger import Ledger
from waggledance.mesh import capability_of_card, verify_card

Answer = Callable[[str], str | Awaitable[str]]
Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
BINDINGS = ("JSONRPC", "HTTP+JSON", "GRPC")
KEY = "a-secret-of-twenty-0"
OURS = "urn:waggledance:question:1"


def four(question: str) -> str:
    return f"{question} Let me see.\nAnswer: 4"


async def never(question: str) -> str:
    await asyncio.Event().wait()
    return ""


def host(answer: Answer = four, log: Log | None = None) -> Host:
    swarm = Swarm([FunctionPeer(f"p{i}", answer) for i in range(3)], log=log)
    return Host({"default": Hosted(swarm, about="It adds."), "other": Hosted(swarm)}, log)


def app(host: Host, binding: str = "JSONRPC", **options: Any) -> Starlette:
    place = GrpcPlace("127.0.0.1:0", keys=options.get("keys")) if binding == "GRPC" else None
    return app_of(host, [A2A(host, keyed="keys" in options, grpc=place)], **options)


@asynccontextmanager
async def client(
    url: str, binding: str = "JSONRPC", *, streaming: bool = True, key: str = ""
) -> AsyncGenerator[Client]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(headers=headers, timeout=30) as http:
        config = ClientConfig(
            httpx_client=http,
            streaming=streaming,
            supported_protocol_bindings=[binding],
            grpc_channel_factory=grpc.aio.insecure_channel,
        )
        async with await create_client(url, config) as made:
            yield made


def asking(text: str = "2 + 2?", **more: Any) -> SendMessageRequest:
    message = Message(message_id="m1", role=Role.ROLE_USER, parts=[Part(text=text)], **more)
    return SendMessageRequest(message=message)


async def sent(agent: Client, request: SendMessageRequest) -> list[StreamResponse]:
    return [event async for event in agent.send_message(request)]


async def task_of(agent: Client, request: SendMessageRequest) -> Task:
    (event,) = await sent(agent, request)
    return event.task


def decision_of(task: Task) -> dict[str, Any]:
    (artifact,) = task.artifacts
    decision: dict[str, Any] = MessageToDict(artifact.parts[1].data)
    return decision


@pytest.mark.parametrize("binding", BINDINGS)
async def test_the_official_client_is_given_the_answer_and_the_decision(served: Served, binding: str) -> None:
    async with served(app(host(), binding)) as url, client(url, binding, streaming=False) as agent:
        task = await task_of(agent, asking())
        assert task.status.state == TaskState.TASK_STATE_COMPLETED
        assert task.artifacts[0].parts[0].text.endswith("Answer: 4")
        decision = decision_of(task)
        assert sorted(decision["cost"]) == ["calls", "completionTokens", "microUsd", "milliseconds", "promptTokens"]
        assert (decision["answer"], decision["status"], decision["rule"]) == ("4", "decided", "majority")
        assert decision["support"] == {"4": {"score": 3.0, "share": 1.0}}
        assert [message.parts[0].text for message in task.history] == ["2 + 2?"]


async def test_three_bindings_see_one_and_the_same_task(served: Served) -> None:
    async with (
        served(app(host(), "GRPC")) as url,
        client(url, "JSONRPC", streaming=False) as one,
        client(url, "HTTP+JSON", streaming=False) as other,
        client(url, "GRPC", streaming=False) as third,
    ):
        agents = (one, other, third)
        tasks = [await task_of(agent, asking()) for agent in agents]
        for task in tasks:
            assert [await agent.get_task(GetTaskRequest(id=task.id)) for agent in agents] == [task] * 3
        listed = [await agent.list_tasks(ListTasksRequest(include_artifacts=True)) for agent in agents]
        assert [list(page.tasks) for page in listed] == [tasks[::-1]] * 3
        assert [like(task) for task in tasks] == [like(tasks[0])] * 3


def like(task: Task) -> dict[str, Any]:
    """Return a task without what no two tasks share: ids, times and the order in which peers happened to answer."""
    told: dict[str, Any] = MessageToDict(task)
    decision = told["artifacts"][0]["parts"][1]["data"]
    for place, names in ((told, ("id", "contextId")), (told["status"], ("timestamp",)),
                         (told["history"][0], ("taskId", "contextId")), (decision["cost"], ("milliseconds",)),
                         (decision, ("id", "channel", "seconds", "used", "winner"))):  # fmt: skip
        for name in names:
            place.pop(name, None)
    return told


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_stream_begins_with_the_task_says_who_says_what_and_ends_with_the_decision(
    served: Served, binding: str
) -> None:
    async with served(app(host(), binding)) as url, client(url, binding) as agent:
        events = await sent(agent, asking())
        assert events[0].task.status.state == TaskState.TASK_STATE_WORKING
        said = [event.status_update.status.message for event in events[1:-2]]
        about = [MessageToDict(message.metadata)["urn:waggledance:said:1"] for message in said]
        assert {one["peer"] for one in about} == {"p0", "p1", "p2"}
        assert {one["key"] for one in about} == {"4"}
        assert events[-2].artifact_update.artifact.artifact_id == "decision"
        assert events[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_task_is_cancelled_once(served: Served, binding: str) -> None:
    async with served(app(host(never), binding)) as url, client(url, binding, streaming=False) as agent:
        request = asking()
        request.configuration.return_immediately = True
        task = await task_of(agent, request)
        assert task.status.state == TaskState.TASK_STATE_WORKING
        cancelled = await agent.cancel_task(CancelTaskRequest(id=task.id))
        assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
        assert await agent.get_task(GetTaskRequest(id=task.id)) == cancelled
        with pytest.raises(TaskNotCancelableError):
            await agent.cancel_task(CancelTaskRequest(id=task.id))


@pytest.mark.parametrize("binding", BINDINGS)
async def test_who_subscribes_hears_the_rest_and_leaving_stops_nothing(served: Served, binding: str) -> None:
    told = asyncio.Event()

    async def when_told(question: str) -> str:
        await told.wait()
        return "4"

    async with (
        served(app(host(when_told), binding)) as url,
        client(url, binding) as agent,
        client(url, binding) as other,
    ):
        async with aclosing(cast("AsyncGenerator[StreamResponse]", agent.send_message(asking()))) as stream:
            first = await anext(stream)
        subscribed = other.subscribe(SubscribeToTaskRequest(id=first.task.id))
        assert (await anext(subscribed)).task == first.task
        told.set()
        rest = [event async for event in subscribed]
        assert rest[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
        with pytest.raises(UnsupportedOperationError):
            await anext(other.subscribe(SubscribeToTaskRequest(id=first.task.id)))


async def test_tasks_are_listed_by_conversation_and_state_page_by_page_the_last_first(served: Served) -> None:
    async with served(app(host())) as url, client(url, "HTTP+JSON", streaming=False) as agent:
        tasks = [await task_of(agent, asking(context_id="c" if i < 3 else "")) for i in range(5)]
        ids = [task.id for task in reversed(tasks)]
        seen: list[str] = []
        token = ""
        for size in (2, 2, 1):
            page = await agent.list_tasks(ListTasksRequest(page_size=2, page_token=token))
            assert (page.page_size, page.total_size) == (size, 5)
            seen += [task.id for task in page.tasks]
            token = page.next_page_token
        assert (seen, token) == (ids, "")
        of_c = await agent.list_tasks(ListTasksRequest(context_id="c"))
        assert [task.id for task in of_c.tasks] == ids[2:]
        assert not any(task.artifacts for task in of_c.tasks)
        failed = await agent.list_tasks(ListTasksRequest(status=TaskState.TASK_STATE_FAILED))
        assert (list(failed.tasks), failed.total_size) == ([], 0)
        since = tasks[3].status.timestamp
        later = await agent.list_tasks(ListTasksRequest(status_timestamp_after=since))
        assert {tasks[3].id, tasks[4].id} <= {task.id for task in later.tasks}
        with pytest.raises(InvalidParamsError):
            await agent.list_tasks(ListTasksRequest(page_token="nonsense"))
        with pytest.raises(InvalidParamsError):
            await agent.list_tasks(ListTasksRequest(page_size=101))


async def test_a_caller_sees_only_their_own_tasks_and_those_of_the_swarm_they_ask(served: Served) -> None:
    keys = Keys({"ada": KEY, "eve": KEY[::-1]})
    async with (
        served(app(host(), keys=keys)) as url,
        client(url, streaming=False, key=KEY) as ada,
        client(url, streaming=False, key=KEY[::-1]) as eve,
        client(f"{url}/a2a/other", streaming=False, key=KEY) as elsewhere,
    ):
        task = await task_of(ada, asking())
        assert (await ada.list_tasks(ListTasksRequest())).total_size == 1
        for stranger in (eve, elsewhere):
            assert (await stranger.list_tasks(ListTasksRequest())).total_size == 0
            with pytest.raises(TaskNotFoundError):
                await stranger.get_task(GetTaskRequest(id=task.id))
            with pytest.raises(TaskNotFoundError):
                await stranger.cancel_task(CancelTaskRequest(id=task.id))
        assert (await task_of(elsewhere, asking())).status.state == TaskState.TASK_STATE_COMPLETED


async def test_the_kind_of_answer_the_seed_and_the_budget_can_be_said_in_our_extension(served: Served) -> None:
    request = asking("Which?")
    request.message.metadata.update({OURS: {
        "expects": "choice", "options": ["one", "four"], "seed": 7, "protocol": "vote", "budget": {"calls": 99},
    }})  # fmt: skip
    async with served(app(host(lambda question: "Answer: B"))) as url, client(url, streaming=False) as agent:
        task = await task_of(agent, request)
        assert decision_of(task)["answer"] == "B"
        assert decision_of(task)["cost"]["calls"] == 3


async def test_tasks_are_found_again_after_a_restart(served: Served, tmp_path: Path) -> None:
    with Log(tmp_path / "log") as log:
        async with served(app(host(log=log))) as url, client(url, streaming=False) as agent:
            task = await task_of(agent, asking())
    with Log(tmp_path / "log") as log:
        async with served(app(host(log=log))) as url, client(url, streaming=False) as agent:
            assert await agent.get_task(GetTaskRequest(id=task.id)) == task
            assert (await agent.list_tasks(ListTasksRequest())).total_size == 1


async def test_a_card_that_is_signed_is_the_keys_and_an_extended_one_is_for_callers_with_a_key(served: Served) -> None:
    signer, asked = Key(b"a" * 32), host()
    door = A2A(asked, key=signer, keyed=True, url="https://swarm.example")
    app = app_of(asked, [door], keys=Keys({"ada": KEY}))
    async with served(app) as url, httpx.AsyncClient(base_url=url) as http:
        card = await http.get("/.well-known/agent-card.json")
        assert verify_card(card.content) == signer.peer
        assert capability_of_card(card.content).where == ("https://swarm.example/", "https://swarm.example")
        unchanged = await http.get("/.well-known/agent-card.json", headers={"if-none-match": card.headers["etag"]})
        assert unchanged.status_code == 304
        assert parsedate_to_datetime(card.headers["last-modified"]) <= parsedate_to_datetime(card.headers["date"])
        assert (await http.get("/a2a/other/.well-known/agent-card.json")).json()["name"] == "other"
        assert (await http.get("/extendedAgentCard")).status_code == 401
        extended = await http.get("/extendedAgentCard", headers={"Authorization": f"Bearer {KEY}"})
        (inside,) = (e for e in extended.json()["capabilities"]["extensions"] if e["uri"] == "urn:waggledance:swarm:1")
        assert inside["params"]["peers"] == ["p0", "p1", "p2"]


# -- what is refused ----------------------------------------------------------------------------------------------


def rpc(method: str, params: Any = None, **more: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {} if params is None else params, **more})


PICTURE = {"raw": "iVBORw0KGgo=", "mediaType": "image/png"}
MESSAGE = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "2+2?"}]}


def with_message(**changed: Any) -> str:
    message = {name: value for name, value in {**MESSAGE, **changed}.items() if value is not None}
    return rpc("SendMessage", {"message": message})


BAD_REQUESTS = {
    "cut off": ('{"jsonrpc": "2.0", "method": "SendMessage"', -32700),
    "deep": ("[" * 100_000, -32700),
    "nested": (rpc("SendMessage", {"message": {"metadata": json.loads("[" * 99 + "]" * 99)}}), -32700),
    "no UTF-8": (b"\xff\xfe{}", -32700),
    "half of a character": (rpc("GetTask", {"id": "\ud83d"}), -32700),
    "no object": ("[]", -32600),
    "another JSON-RPC": (rpc("GetTask", jsonrpc="1.0"), -32600),
    "no method": ('{"jsonrpc": "2.0", "id": 1, "params": {}}', -32600),
    "an id that is none": (rpc("GetTask", id={"a": 1}), -32600),
    "unknown method": (rpc("message/send"), -32601),
    "no params": (rpc("SendMessage"), -32602),
    "params of another type": (rpc("SendMessage", ["a"]), -32602),
    "parts of another type": (with_message(parts="2+2?"), -32602),
    "no parts": (with_message(parts=[]), -32602),
    "a part of nothing": (with_message(parts=[{}]), -32602),
    "no words": (with_message(parts=[{"text": "  "}]), -32602),
    "too many words": (with_message(parts=[{"text": "a" * 50_000}]), -32602),
    "too many parts": (with_message(parts=[{"text": "a"}] * 65), -32602),
    "no id": (with_message(messageId=None), -32602),
    "no role": (with_message(role=None), -32602),
    "the agent's role": (with_message(role="ROLE_AGENT"), -32602),
    "a picture for nobody": (with_message(parts=[{"text": "?"}, PICTURE]), -32005),
    "bytes": (with_message(parts=[{"raw": "/w=="}]), -32005),
    "a question of ours that is none": (with_message(metadata={OURS: {"expects": "x"}}), -32602),
    "a choice without options": (with_message(metadata={OURS: {"expects": "choice"}}), -32602),
    "a question that has come a long way": (with_message(metadata={OURS: {"hops": 5}}), -32602),
    "an unknown protocol": (with_message(metadata={OURS: {"protocol": "x"}}), -32602),
    "unknown task": (with_message(taskId="nobody's"), -32001),
    "unknown task to get": (rpc("GetTask", {"id": "nobody's"}), -32001),
    "unknown task to cancel": (rpc("CancelTask", {"id": "nobody's"}), -32001),
    "unknown task to subscribe to": (rpc("SubscribeToTask", {"id": "nobody's"}), -32001),
    "a state that there is not": (rpc("ListTasks", {"status": "DONE"}), -32602),
    "a history shorter than none": (rpc("ListTasks", {"historyLength": -1}), -32602),
    "an extended card of who asks nobody for a key": (rpc("GetExtendedAgentCard"), -32004),
    "another tenant": (rpc("ListTasks", {"tenant": "else"}), -32602),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD_REQUESTS)
async def test_a_bad_request_is_refused_with_the_code_that_the_protocol_has_for_it(bad: str) -> None:
    body, code = BAD_REQUESTS[bad]
    transport = httpx.ASGITransport(app(host()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.post("/", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (200, code), answer.text


@pytest.mark.parametrize(("path", "status"), [("/message:send", 400), ("/tasks?status=DONE", 400), ("/tasks/x", 404)])
async def test_the_other_binding_refuses_with_http_codes(path: str, status: int) -> None:
    transport = httpx.ASGITransport(app(host()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await (http.post(path, content="{") if "message" in path else http.get(path))
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, status), answer.text


@pytest.mark.parametrize("path", ["/", "/message:send"])
async def test_a_huge_request_is_refused_as_at_every_door(path: str) -> None:
    transport = httpx.ASGITransport(app(host(), limits=Limits(body_bytes=1_000)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.post(path, content=with_message(parts=[{"text": "a" * 2_000}]))).status_code == 413


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "json"])
async def test_a_body_that_is_said_to_be_no_json_is_refused_as_of_the_wrong_type(type: str) -> None:
    transport = httpx.ASGITransport(app(host()))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers={"content-type": type}
    ) as http:
        by_rpc = await http.post("/", content=rpc("ListTasks"))
        by_path = await http.post("/message:send", content=json.dumps({"message": MESSAGE}))
    fine = type == "json"
    assert by_rpc.json().get("error", {}).get("code") == (None if fine else -32005)
    assert (by_path.status_code, by_path.json().get("error", {}).get("code")) == ((200, None) if fine else (415, 415))


@pytest.mark.parametrize(
    ("headers", "type"),
    [
        ({}, "application/a2a+json"),
        ({"content-type": "application/a2a+json"}, "application/a2a+json"),
        ({"content-type": "application/json; charset=utf-8"}, "application/json"),
        ({"content-type": "application/json", "accept": "application/a2a+json"}, "application/a2a+json"),
        ({"accept": "application/json"}, "application/json"),
    ],
)
async def test_who_speaks_plain_json_is_answered_in_it_and_all_others_in_the_protocols_own_type(
    headers: dict[str, str], type: str
) -> None:
    transport = httpx.ASGITransport(app(host()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.post("/message:send", content=json.dumps({"message": MESSAGE}), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, type)


@pytest.mark.parametrize("binding", BINDINGS)
async def test_nobody_waits_longer_for_a_task_than_the_server_lets_them_and_it_goes_on(
    served: Served, binding: str
) -> None:
    asked = host(never)
    door = A2A(asked, wait_s=0, grpc=GrpcPlace("127.0.0.1:0"))
    async with served(app_of(asked, [door])) as url, client(url, binding, streaming=False) as agent:
        task = await task_of(agent, asking())
        assert task.status.state == TaskState.TASK_STATE_WORKING
        assert (await agent.get_task(GetTaskRequest(id=task.id))).status.state == TaskState.TASK_STATE_WORKING
        assert (await agent.cancel_task(CancelTaskRequest(id=task.id))).status.state == TaskState.TASK_STATE_CANCELED


@pytest.mark.parametrize("wait_s", [-1.0, float("nan"), float("inf")])
def test_a_wait_that_is_no_time_is_refused(wait_s: float) -> None:
    with pytest.raises(UsageError, match="0 seconds or more"):
        A2A(host(), wait_s=wait_s)


@pytest.mark.parametrize(
    ("version", "refused"),
    [(None, False), ("1.0", False), ("1.0.1", False), ("", True), ("0.3", True), ("1.1", True), ("2", True)],
)
async def test_only_its_own_version_is_spoken(version: str | None, refused: bool) -> None:
    headers = {} if version is None else {"A2A-Version": version}
    transport = httpx.ASGITransport(app(host()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as http:
        rpc_answer = (await http.post("/", content=rpc("ListTasks"))).json()
        assert (rpc_answer.get("error", {}).get("code") == -32009) is refused
        assert ((await http.get("/tasks")).status_code == 400) is refused


async def test_attack_d13_a_task_takes_no_further_messages_but_its_conversation_does(served: Served) -> None:
    async with served(app(host())) as url, client(url, streaming=False) as agent:
        task = await task_of(agent, asking())
        with pytest.raises(UnsupportedOperationError, match=task.context_id):
            await task_of(agent, asking(task_id=task.id))
        with pytest.raises(InvalidParamsError):
            await task_of(agent, asking(task_id=task.id, context_id="another"))
        second = await task_of(agent, asking(context_id=task.context_id))
        assert (second.context_id, second.id != task.id) == (task.context_id, True)


async def test_a_question_that_does_not_fit_the_swarm_is_rejected_and_one_that_nobody_answers_fails(
    served: Served,
) -> None:
    def broken(question: str) -> str:
        raise ValueError("no idea")

    async with served(app(host(broken))) as url, client(url, streaming=False) as agent:
        task = await task_of(agent, asking())
        assert task.status.state == TaskState.TASK_STATE_FAILED
        assert "no idea" in task.status.message.parts[0].text
        package = asking("Which?")
        package.message.metadata.update({OURS: {"expects": "package", "options": ["a", "b"], "protocol": "vote"}})
        assert (await task_of(agent, package)).status.state == TaskState.TASK_STATE_REJECTED


async def test_a_conversation_goes_on_where_it_was_and_strangers_hear_nothing_of_it(served: Served) -> None:
    class Remembers(FunctionPeer):
        """Says what it was told had been said before."""

        def __init__(self) -> None:
            super().__init__("p", four)

        async def propose(self, call: Call) -> Proposal:
            return Proposal.of("x", " | ".join(f"{t.role}: {t.text}" for t in call.question.conversation) or "nothing")

    asked = Host({"default": Hosted(Swarm([Remembers()]))})
    keys = Keys({"ada": KEY, "eve": KEY[::-1]})
    async with (
        served(app_of(asked, [A2A(asked)], keys=keys)) as url,
        client(url, streaming=False, key=KEY) as ada,
        client(url, streaming=False, key=KEY[::-1]) as eve,
    ):
        first = await task_of(ada, asking("My name is Ada."))
        second = await task_of(ada, asking("Who am I?", context_id=first.context_id))
        assert second.artifacts[0].parts[0].text == "user: My name is Ada. | assistant: nothing"
        referred = await task_of(ada, asking("And there?", reference_task_ids=[first.id]))
        assert referred.artifacts[0].parts[0].text == "user: My name is Ada. | assistant: nothing"
        for stranger in (asking("Who?", context_id=first.context_id), asking("Who?", reference_task_ids=[first.id])):
            assert (await task_of(eve, stranger)).artifacts[0].parts[0].text == "nothing"


async def test_what_the_swarm_had_decided_when_the_process_died_is_found_in_the_log(
    served: Served, tmp_path: Path
) -> None:
    """The task's row is as it was before the end; the log has the end."""
    told = asyncio.Event()

    async def when_told(question: str) -> str:
        await told.wait()
        return "4"

    with Log(tmp_path / "log") as log:
        async with served(app(host(when_told, log))) as url, client(url, streaming=False) as agent:
            request = asking()
            request.configuration.return_immediately = True
            task = await task_of(agent, request)
            while log.path.with_name("log.a2a-wal").stat().st_size == 0 or not len(log):
                await asyncio.sleep(0.01)
            for name in ("log.a2a", "log.a2a-wal"):
                shutil.copy(tmp_path / name, tmp_path / f"died-{name}")
            told.set()
            while (await agent.get_task(GetTaskRequest(id=task.id))).status.state == TaskState.TASK_STATE_WORKING:
                await asyncio.sleep(0.01)
    for name in ("log.a2a", "log.a2a-wal"):
        shutil.copy(tmp_path / f"died-{name}", tmp_path / name)
    with Log(tmp_path / "log") as log:
        async with served(app(host(log=log))) as url, client(url, streaming=False) as agent:
            found = await agent.get_task(GetTaskRequest(id=task.id))
            assert found.status.state == TaskState.TASK_STATE_COMPLETED
            assert decision_of(found)["answer"] == "4"


loose = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["ROLE_USER", "2+2?", "TASK_STATE_WORKING", "choice", "http://127.0.0.1/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["message", "messageId", "role", "parts", "text", "data", "raw", "url", "metadata", "id",
                         "configuration", "historyLength", "pageSize", "status", "tenant", OURS, "expects"]), inner,
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    params=loose, method=st.sampled_from(["SendMessage", "SendStreamingMessage", "GetTask", "ListTasks", "CancelTask"])
)
@settings(max_examples=40)
async def test_whatever_is_sent_is_answered_or_refused_and_never_an_error_of_ours(params: Any, method: str) -> None:
    transport = httpx.ASGITransport(app(host()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.post("/", content=rpc(method, params))
        assert answer.status_code == 200
        assert "-32603" not in answer.text
        assert (await http.post("/message:send", content=json.dumps(params))).status_code < 500


async def test_a_caller_cannot_spend_more_than_the_swarm_allows_but_less(served: Served) -> None:
    swarm = Swarm([FunctionPeer(f"p{i}", four) for i in range(3)])
    asked = Host({"default": Hosted(swarm, budget=Budget(calls=4))})
    async with served(app_of(asked, [A2A(asked)])) as url, client(url, streaming=False) as agent:
        for calls, spent in ((1_000_000, 4), (2, 2)):
            request = asking()
            request.message.metadata.update({OURS: {"budget": {"calls": calls}}})
            assert decision_of(await task_of(agent, request))["cost"]["calls"] == spent


async def test_a_task_that_cannot_be_written_down_is_not_begun(served: Served, tmp_path: Path) -> None:
    asked = host(never)
    door = A2A(asked, tasks=tmp_path / "tasks")
    async with served(app_of(asked, [door])) as url, client(url, streaming=False) as agent:
        with sqlite3.connect(tmp_path / "tasks") as other:
            other.execute("DROP TABLE tasks")
        with pytest.raises(InternalError, match="cannot be read or written"):
            await task_of(agent, asking())
        while asked.running():
            await asyncio.sleep(0.01)
        other.close()
        door._work.ledger.close()
        door._work.ledger = Ledger(None)
