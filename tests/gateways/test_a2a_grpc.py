"""A2A by gRPC: the same guard before it as before the other bindings, one port for all swarms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import grpc.aio
import httpx
import pytest
from a2a.client import Client, ClientCallContext, ClientConfig, create_client
from a2a.client.errors import A2AClientError
from a2a.types import (
    AgentCard,
    GetExtendedAgentCardRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    Task,
    TaskState,
    a2a_pb2_grpc,
)
from a2a.utils.errors import InvalidParamsError, TaskNotFoundError
from google.protobuf.json_format import ParseDict
from starlette.applications import Starlette

from waggledance import FunctionPeer, Swarm
from waggledance.core import Key, LoopClock, RunFailed, UsageError
from waggledance.gateways import (
    A2A,
    GrpcPlace,
    Host,
    Hosted,
    Keys,
    Limits,
    Strangers,
    WbaDid,
    _a2a_grpc,
    app_of,
    did_document,
    signed_header,
)
from waggledance.gateways._limits import Pace

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
KEY = "a-secret-of-twenty-0"
HERE = "127.0.0.1:0"


def four(_: str) -> str:
    return "Answer: 4"


def host(answer: Any = four) -> Host:
    swarm = Swarm([FunctionPeer(f"p{i}", answer) for i in range(3)])
    return Host({"default": Hosted(swarm), "other": Hosted(swarm)})


@asynccontextmanager
async def agent(url: str, key: str = "") -> AsyncGenerator[tuple[Client, ClientCallContext]]:
    """Give a client that speaks gRPC, and what it says beside each call."""
    said = ClientCallContext(service_parameters={"Authorization": f"Bearer {key}"} if key else {})
    async with httpx.AsyncClient(timeout=30) as http:
        config = ClientConfig(
            httpx_client=http,
            streaming=False,
            supported_protocol_bindings=["GRPC"],
            grpc_channel_factory=grpc.aio.insecure_channel,
        )
        async with await create_client(url, config) as made:
            yield made, said


def asking(text: str = "2 + 2?", tenant: str = "") -> SendMessageRequest:
    message = Message(message_id="m1", role=Role.ROLE_USER, parts=[Part(text=text)])
    return SendMessageRequest(message=message, tenant=tenant)


async def task_of(client: Client, said: ClientCallContext, request: SendMessageRequest) -> Task:
    (event,) = [event async for event in client.send_message(request, context=said)]
    return event.task


@asynccontextmanager
async def stub(place: GrpcPlace) -> AsyncGenerator[Any]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{place.port}") as channel:
        made: Any = a2a_pb2_grpc
        yield made.A2AServiceStub(channel)


async def card_of(url: str) -> AgentCard:
    async with httpx.AsyncClient() as http:
        return ParseDict((await http.get(f"{url}/.well-known/agent-card.json")).json(), AgentCard())


async def test_a_key_is_asked_for_and_tasks_are_their_callers_own(served: Served) -> None:
    keys, asked = Keys({"ada": KEY, "eve": KEY[::-1]}), host()
    door = A2A(asked, keyed=True, grpc=GrpcPlace(HERE, keys=keys))
    async with (
        served(app_of(asked, [door], keys=keys)) as url,
        agent(url, KEY) as (ada, as_ada),
        agent(url, KEY[::-1]) as (eve, as_eve),
        agent(url) as (nobody, without),
    ):
        task = await task_of(ada, as_ada, asking())
        assert await ada.get_task(GetTaskRequest(id=task.id), context=as_ada) == task
        with pytest.raises(TaskNotFoundError):
            await eve.get_task(GetTaskRequest(id=task.id), context=as_eve)
        with pytest.raises(A2AClientError, match=r"UNAUTHENTICATED.*authorization: Bearer KEY"):
            await task_of(nobody, without, asking())
        with pytest.raises(A2AClientError, match="UNAUTHENTICATED"):
            await nobody.list_tasks(ListTasksRequest(), context=without)
        async with httpx.AsyncClient(headers={"x-api-key": KEY}) as http:
            by_http = await http.get(f"{url}/tasks/{task.id}")
        assert by_http.json()["id"] == task.id


DID = WbaDid("bees.example", None, ("alice",))
ALICE = Key(b"a" * 32)


def signed(nonce: str, *, key: Key = ALICE) -> tuple[tuple[str, str], ...]:
    now_ms = LoopClock().wall_ms() + 1_000  # in whole seconds, and not before the server began
    return (("authorization", signed_header(key, DID, "swarm.example", nonce=nonce, now_ms=now_ms)),)


async def test_a_caller_known_by_a_name_on_the_web_comes_in_once_by_each_header_and_nobody_else_does(
    served: Served,
) -> None:
    async def document(did: WbaDid) -> bytes:
        return did_document(ALICE.peer, did)

    asked, strangers = host(), Strangers([str(DID)], ["swarm.example"], document)
    place = GrpcPlace(HERE, strangers=strangers)
    async with served(app_of(asked, [A2A(asked, grpc=place)], strangers=strangers)), stub(place) as service:
        got = await service.SendMessage(asking(), metadata=signed("n1"))
        found = await service.GetTask(GetTaskRequest(id=got.task.id), metadata=signed("n2"))
        assert found == got.task
        for metadata in ((), signed("n1"), signed("n3", key=Key(b"e" * 32)), (("x-api-key", KEY),)):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await service.GetTask(GetTaskRequest(id=got.task.id), metadata=metadata)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_two_callers_at_once_are_not_taken_for_each_other(served: Served) -> None:
    keys, asked = Keys({"ada": KEY, "eve": KEY[::-1]}), host()
    place = GrpcPlace(HERE, keys=keys)
    async with served(app_of(asked, [A2A(asked, grpc=place)], keys=keys)), stub(place) as service:
        callers = [(("x-api-key", KEY if i % 2 else KEY[::-1]),) for i in range(8)]
        told = await asyncio.gather(*(service.SendMessage(asking(), metadata=said) for said in callers))
        for i, said in enumerate(callers[:2]):
            listed = {task.id for task in (await service.ListTasks(ListTasksRequest(), metadata=said)).tasks}
            assert listed == {one.task.id for one in told[i::2]}


async def test_the_card_says_where_and_which_swarm_and_an_unknown_one_is_refused(served: Served) -> None:
    asked, place = host(), GrpcPlace(HERE)
    async with served(app_of(asked, [A2A(asked, grpc=place)])) as url, agent(f"{url}/a2a/other") as (other, said):
        interfaces = [(one.protocol_binding, one.tenant) for one in (await card_of(url)).supported_interfaces]
        assert interfaces == [("JSONRPC", ""), ("HTTP+JSON", ""), ("GRPC", "default")]
        assert (await card_of(url)).supported_interfaces[2].url == f"127.0.0.1:{place.port}"
        task = await task_of(other, said, asking())
        async with stub(place) as service:
            assert (await service.ListTasks(ListTasksRequest())).total_size == 0
            (found,) = (await service.ListTasks(ListTasksRequest(tenant="other"))).tasks
            assert found.id == task.id
        with pytest.raises(InvalidParamsError, match=r"no swarm 'third'.*'default', 'other'"):
            await task_of(other, said, asking(tenant="third"))


async def test_who_asks_too_often_by_one_binding_is_refused_by_the_other(served: Served) -> None:
    asked, pace, limits = host(), Pace(3), Limits(a_minute=3)
    door = A2A(asked, grpc=GrpcPlace(HERE, limits=limits, pace=pace))
    async with served(app_of(asked, [door], limits=limits, pace=pace)) as url, agent(url) as (client, said):
        await client.list_tasks(ListTasksRequest(), context=said)
        async with httpx.AsyncClient() as http:
            assert [(await http.get(f"{url}/tasks")).status_code for _ in range(3)] == [200, 200, 429]
        with pytest.raises(A2AClientError, match=r"RESOURCE_EXHAUSTED.*ask again in \d+ s"):
            await client.list_tasks(ListTasksRequest(), context=said)


@pytest.mark.parametrize(
    ("request_", "metadata", "code"),
    [
        (asking("a" * 3_000), (), "RESOURCE_EXHAUSTED"),
        (asking("a" * 3_000), (("a2a-version", "1.0"),), "RESOURCE_EXHAUSTED"),
        (asking(), (("a2a-version", "0.3"),), "FAILED_PRECONDITION"),
        (asking(), (("a2a-version", ""),), "FAILED_PRECONDITION"),
        (asking(" "), (), "INVALID_ARGUMENT"),
        (SendMessageRequest(), (), "INVALID_ARGUMENT"),
    ],
)
async def test_what_is_too_large_or_of_another_version_is_refused(
    served: Served, request_: SendMessageRequest, metadata: Any, code: str
) -> None:
    asked, place = host(), GrpcPlace(HERE, limits=Limits(body_bytes=2_000))
    async with served(app_of(asked, [A2A(asked, grpc=place)])), stub(place) as service:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await service.SendMessage(request_, metadata=metadata)
        assert refused.value.code().name == code
        assert (await service.SendMessage(asking())).task.status.state == TaskState.TASK_STATE_COMPLETED


@pytest.mark.parametrize("raw", [b"\xff" * 50, b"\x0a\x04abc", bytes(1_000)])
@pytest.mark.parametrize("method", ["SendMessage", "SendStreamingMessage", "GetTask"])
async def test_what_is_no_message_is_the_caller_s_mistake_and_the_next_call_is_answered(
    served: Served, raw: bytes, method: str
) -> None:
    asked, place = host(), GrpcPlace(HERE)
    async with served(app_of(asked, [A2A(asked, grpc=place)])), stub(place) as service:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{place.port}") as channel:
            call = cast("Any", channel).unary_unary(f"/lf.a2a.v1.A2AService/{method}")
            with pytest.raises(grpc.aio.AioRpcError, match="no message of this method") as refused:
                await call(raw)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert (await service.SendMessage(asking())).task.status.state == TaskState.TASK_STATE_COMPLETED


async def test_a_bug_is_told_by_its_class_and_no_more(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked, place = host(), GrpcPlace(HERE)

    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr(asked, "start", breaks)
    async with served(app_of(asked, [A2A(asked, grpc=place)])), stub(place) as service:
        calls: list[Any] = [service.SendMessage(asking()), service.SendStreamingMessage(asking()).read()]
        for call in calls:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call
            assert refused.value.code() == grpc.StatusCode.INTERNAL
            assert refused.value.details() == "an error of ours (ZeroDivisionError); the server's log says where"
    assert "a secret of ours" in caplog.text


async def test_a_server_that_stops_takes_no_new_question_and_streams_reach_their_end(served: Served) -> None:
    told = asyncio.Event()

    async def when_told(_: str) -> str:
        await told.wait()
        return "4"

    asked, place = host(when_told), GrpcPlace(HERE)
    async with served(app_of(asked, [A2A(asked, grpc=place)])), stub(place) as service:
        stream = aiter(service.SendStreamingMessage(asking()))
        first = await anext(stream)
        draining = asyncio.create_task(asked.drain(20.0))
        while not asked.draining:
            await asyncio.sleep(0)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await service.SendMessage(asking())
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        assert (await service.GetTask(GetTaskRequest(id=first.task.id))).status.state == TaskState.TASK_STATE_WORKING
        told.set()
        rest = [event async for event in stream]
        await draining
    assert rest[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED


async def test_an_extended_card_by_grpc_names_the_swarm_and_only_the_way_that_is_known(served: Served) -> None:
    keys, asked = Keys({"ada": KEY}), host()
    for url, ways in (("", ["GRPC"]), ("https://bees.example", ["JSONRPC", "HTTP+JSON", "GRPC"])):
        place = GrpcPlace(HERE, keys=keys)
        door = A2A(asked, url=url, keyed=True, grpc=place)
        async with served(app_of(asked, [door], keys=keys)), stub(place) as service:
            got = await service.GetExtendedAgentCard(
                GetExtendedAgentCardRequest(tenant="other"), metadata=(("x-api-key", KEY),)
            )
        assert [one.protocol_binding for one in got.supported_interfaces] == ways
        assert got.name == "other"
        assert [one.url for one in got.supported_interfaces][:-1] in ([], [f"{url}/a2a/other/", f"{url}/a2a/other"])
        assert got.supported_interfaces[-1].url == f"{'bees.example' if url else '127.0.0.1'}:{place.port}"


@pytest.mark.parametrize("where", ["", "50051", ":50051", "127.0.0.1", "a:b", "u@h:1", "h:1/x", "h:70000", "[::1:1"])
async def test_a_place_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(UsageError, match=r"HOST:PORT.*127\.0\.0\.1:50051"):
        GrpcPlace(where)


async def test_a_port_that_is_taken_is_refused_at_once() -> None:
    first = GrpcPlace(HERE)
    with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1"):
        GrpcPlace(f"127.0.0.1:{first.port}")
    await first.close()


async def test_without_grpc_installed_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> object:
        return None if name == "grpc" else object()

    monkeypatch.setattr(_a2a_grpc, "find_spec", lacking)
    with pytest.raises(RunFailed, match=r"\[grpc\]"):
        GrpcPlace(HERE)
