"""A swarm on the network behind doors: who is there when an order comes, certificates, and servers that are killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from waggledance import Question
from waggledance.consensus import Certificate, verify_certificate
from waggledance.core import Budget, Log, Outcome, Turn, UsageError, outcome_of
from waggledance.gateways import A2A, AGUI, Host, Hosted, OpenAIDoor, Order, app_of, hosted_on_mesh
from waggledance.gateways._openai_answer import Answering
from waggledance.gateways._openai_asked import chat_asked
from waggledance.gateways._openai_body import ChatBody, read
from waggledance.mesh import Admit, NobodyHere, NotLetIn, OrderUnknown, Revoke
from waggledance.models import Completion, Request, Scripted
from waggledance.peers import Agent
from waggledance.protocols import Debate, Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

ASKED = {"messages": [{"role": "user", "content": "2 + 2?"}], "model": "waggle/default"}


BY_VOTE = Vote(patience_s=5.0)


def serving(mesh: SimulatedMesh, *, certify: bool = False, log: Log | None = None, **more: Any) -> Host:
    hosted = hosted_on_mesh(mesh.nodes["asker"], protocol=BY_VOTE, certify=certify, log=log, **more)
    return Host({"default": hosted}, log)


def order(**more: Any) -> Order:
    return Order(swarm="default", question=Question(text="2 + 2?", expects="number"), **more)


@asynccontextmanager
async def caller(app: Starlette) -> AsyncGenerator[httpx.AsyncClient]:
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost", timeout=None) as client,
    ):
        yield client


async def data_part(client: httpx.AsyncClient, id: str) -> dict[str, Any]:
    """Return the decision of an A2A task, once it has one."""
    for _ in range(1_200):
        task = (await client.get(f"/tasks/{id}", headers={"a2a-version": "1.0"})).json()
        if task["status"]["state"] != "TASK_STATE_WORKING":
            assert task["status"]["state"] == "TASK_STATE_COMPLETED", task
            found: dict[str, Any] = task["artifacts"][0]["parts"][1]["data"]
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("the task does not end")


def sent() -> dict[str, Any]:
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "2 + 2?"}]}
    return {"message": message, "configuration": {"returnImmediately": True}}


async def certificate_at(door: str, client: httpx.AsyncClient) -> Any:
    """Ask through a door, and return the certificate as JSON's own types where it stands in the answer."""
    if door == "openai":
        return (await client.post("/v1/chat/completions", json=ASKED)).json()["choices"][0]["waggle"]["certificate"]
    if door == "a2a":
        task = (await client.post("/message:send", json=sent(), headers={"a2a-version": "1.0"})).json()["task"]
        return (await data_part(client, task["id"]))["certificate"]
    raw = (await client.post("/agui", json=AGUI_RUN)).text
    events = [httpx.Response(200, content=line[5:]).json() for line in raw.splitlines() if line.startswith("data:")]
    return next(event for event in events if event.get("name") == "waggle.decision")["value"]["certificate"]


AGUI_RUN: dict[str, Any] = {
    "threadId": "t", "runId": "r", "state": {}, "tools": [], "context": [], "forwardedProps": {},
    "messages": [{"id": "1", "role": "user", "content": "2 + 2?"}],
}  # fmt: skip


@pytest.mark.parametrize("door", ["openai", "a2a", "agui"])
def test_the_answer_at_every_door_carries_a_certificate_that_the_members_signed(door: str) -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=1) as mesh:
            host = serving(mesh, certify=True)
            async with caller(app_of(host, [OpenAIDoor(host), A2A(host), AGUI(host)])) as client:
                made = await certificate_at(door, client)
            certificate = Certificate.from_json(made if isinstance(made, str) else encoded(made))
            voters = [member for member in mesh.genesis.members if member.weight]
            proven = verify_certificate(certificate, voters)
            assert len(proven.signers) >= 3
            opening = certificate.opened()
            assert opening is not None
            assert opening.body.question.text == "2 + 2?"

    on_virtual_time(main())


def encoded(plain: Any) -> str:
    return httpx.Request("POST", "http://localhost", json=plain).content.decode()


def test_who_leaves_is_not_asked_by_the_next_order_and_who_comes_back_is() -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=2) as mesh:
            host = serving(mesh)
            hosted = host.swarms["default"]
            assert set(hosted.names) == {"p0", "p1", "p2", "p3"}
            assert len((await host.start(order()).decision()).names) == 4
            await mesh.crash("p3")
            await asyncio.sleep(60)
            fewer = await host.start(order()).decision()
            assert set(hosted.names) == set(fewer.names.values()) == {"p0", "p1", "p2"}
            assert fewer.silent == ()
            await mesh.begin("p3", "old")
            await asyncio.sleep(60)
            assert set((await host.start(order()).decision()).names.values()) == {"p0", "p1", "p2", "p3"}

    on_virtual_time(main())


def test_whose_vote_is_taken_is_not_asked_by_the_next_order_and_who_is_given_one_is() -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=3) as mesh:
            host = serving(mesh)
            for weight, asked in ((0, {"p0", "p1", "p2"}), (1_000_000, {"p0", "p1", "p2", "p3"})):
                for name in ("p0", "p1", "p2"):
                    node = mesh.nodes[name]
                    admit = Admit(who=mesh.keys["p3"].peer, weight=weight)
                    node.lobby.copy.publish(node.me, admit, [], node.clock.wall_ms())
                await asyncio.sleep(5)
                assert set(host.swarms["default"].names) == asked
                assert set((await host.start(order()).decision()).names.values()) == asked

    on_virtual_time(main())


@pytest.mark.parametrize("certify", [False, True])
def test_with_nobody_there_every_door_says_so_at_once_and_serves_again_when_somebody_comes(certify: bool) -> None:
    async def main() -> None:
        async with SimulatedMesh(3, seed=4) as mesh:
            host = serving(mesh, certify=certify)
            for name in ("p0", "p1", "p2"):
                await mesh.crash(name)
            await asyncio.sleep(60)
            assert host.swarms["default"].names == ()
            with pytest.raises(NobodyHere, match="start a member first"):
                await host.start(order()).decision()
            async with caller(app_of(host, [OpenAIDoor(host), A2A(host), AGUI(host)])) as client:
                refused = await client.post("/v1/chat/completions", json=ASKED)
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "nobody_here")
                assert refused.headers["retry-after"] == "5"
                now: dict[str, Any] = {**sent(), "configuration": {}}
                task = (await client.post("/message:send", json=now, headers={"a2a-version": "1.0"})).json()["task"]
                assert task["status"]["state"] == "TASK_STATE_FAILED"
                assert "nobody here" in task["status"]["message"]["parts"][0]["text"]
                assert '"RUN_ERROR"' in (await client.post("/agui", json=AGUI_RUN)).text
                assert (await client.get("/v1/models/waggle/default")).json()["waggle"]["peers"] == []
                for name in ("p0", "p1", "p2"):
                    await mesh.begin(name, "old")
                await asyncio.sleep(60)
                assert (await client.post("/v1/chat/completions", json=ASKED)).status_code == 200

    on_virtual_time(main())


def test_cards_and_lists_name_who_is_there_at_this_moment() -> None:
    async def main() -> None:
        async with SimulatedMesh(3, seed=11) as mesh:
            host = serving(mesh, about="three far away")
            app = app_of(host, [OpenAIDoor(host), A2A(host, keyed=True)])
            async with caller(app) as client:

                async def named() -> list[list[str]]:
                    model = (await client.get("/v1/models/waggle/default")).json()["waggle"]
                    assert model["about"] == "three far away"
                    card = (await client.get("/extendedAgentCard", headers={"a2a-version": "1.0"})).json()
                    inside = next(
                        e["params"] for e in card["capabilities"]["extensions"] if e["uri"] == "urn:waggledance:swarm:1"
                    )
                    return [sorted(model["peers"]), sorted(inside["peers"])]

                assert await named() == [["p0", "p1", "p2"]] * 2
                await mesh.crash("p1")
                await asyncio.sleep(60)
                assert await named() == [["p0", "p2"]] * 2

    on_virtual_time(main())


def test_a_server_that_is_a_member_no_more_says_so_instead_of_waiting_for_answers() -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=5) as mesh:
            host = serving(mesh)
            for name in ("p0", "p1", "p2"):
                node = mesh.nodes[name]
                revoke = Revoke(who=mesh.keys["asker"].peer, reason="test")
                node.lobby.copy.publish(node.me, revoke, [], node.clock.wall_ms())
            await asyncio.sleep(5)
            with pytest.raises(NotLetIn, match="a member no more"):
                await host.start(order()).decision()

    on_virtual_time(main())


def test_without_a_quorum_those_who_are_there_decide_and_the_answer_says_that_nobody_certified_it() -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=6) as mesh:
            host = serving(mesh, certify=True)
            await mesh.crash("p2")
            await mesh.crash("p3")
            began = mesh.clock.now()
            decision = await host.start(order(budget=Budget(seconds=200))).decision()
            assert decision.status == "decided"
            assert decision.certificate == ""
            assert any("no certificate" in note for note in decision.notes)
            assert mesh.clock.now() - began < 100

    on_virtual_time(main())


def test_members_that_fall_silent_cost_an_order_its_own_seconds_at_most() -> None:
    async def main() -> None:
        async with SimulatedMesh(3, seed=7) as mesh:
            host = serving(mesh)
            for name in ("p0", "p1", "p2"):
                await mesh.crash(name)  # and the server does not know yet
            began = mesh.clock.now()
            decision = await host.start(order(budget=Budget(seconds=3))).decision()
            assert (decision.status, len(decision.silent)) == ("undecided", 3)
            assert "the budget of 3 seconds is spent; decided on what is there" in decision.notes
            assert mesh.clock.now() - began < 10

    on_virtual_time(main())


def test_a_protocol_that_no_opening_can_name_is_refused_before_anybody_is_asked() -> None:
    async def main() -> None:
        async with SimulatedMesh(2, seed=8) as mesh:
            own = Debate(rounds=1, decide=lambda proposals, judgements, weights: None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            with pytest.raises(UsageError):
                hosted_on_mesh(mesh.nodes["asker"], protocol=own)

    on_virtual_time(main())


@pytest.mark.parametrize(("certify", "dead_s"), [(False, 30), (True, 30), (True, 0)])
def test_what_members_decided_while_the_server_was_dead_is_found_by_the_next_one_under_the_tasks_id(
    tmp_path: Path, certify: bool, dead_s: int
) -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=9) as mesh:
            id, channel = await killed_while_asking(mesh, tmp_path / "log", certify=certify)
            await asyncio.sleep(dead_s)
            assert outcome_of(mesh.nodes["p0"].channels[channel].copy.messages()) is None, "nobody wrote one for it"
            await mesh.begin("asker", "old")
            with Log(tmp_path / "log") as log:
                host = serving(mesh, certify=certify, log=log)
                async with caller(app_of(host, [A2A(host)])) as client:
                    decision = await data_part(client, id)
                assert decision["answer"] is not None
                assert decision["channel"] == channel
                assert {bytes.fromhex(id) for id in decision["used"]} < {message.id for message in log.read(channel)}
            assert (decision["certificate"] is not None) == certify
            if certify:
                voters = [member for member in mesh.genesis.members if member.weight]
                assert verify_certificate(Certificate.from_json(decision["certificate"]), voters).answer is not None
            await asyncio.sleep(10)
            assert outcome_of(mesh.nodes["p0"].channels[channel].copy.messages()) is not None

    on_virtual_time(main())


async def without_a_vote(mesh: SimulatedMesh, who: str) -> None:
    """Let the others take a member's vote, so that it is a member and is not asked."""
    for name in ("p0", "p1", "p2"):
        node = mesh.nodes[name]
        node.lobby.copy.publish(node.me, Admit(who=mesh.keys[who].peer, weight=0), [], node.clock.wall_ms())
    await asyncio.sleep(5)


def test_an_order_is_found_by_its_own_caller_only_and_is_not_cancelled_by_who_reads_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with SimulatedMesh([Agent(f"p{i}", Slow("word " * 40 + "Answer: 4")) for i in range(4)], seed=9) as mesh:
            await without_a_vote(mesh, "p3")
            host = serving(mesh)
            running = host.start(order(caller="ann", id="a" * 32))
            await running.opened()
            await asyncio.sleep(0.1)
            found = hosted_on_mesh(mesh.nodes["p3"], protocol=BY_VOTE)
            assert found.find is not None
            assert (await found.find("a" * 32, "ann")).text == "2 + 2?"
            for id, caller_ in (("a" * 32, "bob"), ("b" * 32, "ann")):
                with pytest.raises(OrderUnknown, match="knows an order"):
                    await found.find(id, caller_)
            second = Host({"default": found})
            reading = second.start(order(caller="ann", id="a" * 32), channel="")
            await reading.opened()
            reading.cancel()
            decision = await running.decision()
            assert decision.key == "4", "who stops reading stops nothing"
            later = Host({"default": found}).start(order(caller="ann", id="a" * 32), channel="")
            assert (await later.decision()).id == decision.id

    on_virtual_time(main())


async def killed_while_asking(mesh: SimulatedMesh, path: Path, *, certify: bool) -> tuple[str, str]:
    """Ask through A2A and let the server vanish as soon as the members have the question; return task and channel.

    What a dying process cannot do any more, it does not do here: its files are copied while it is at work.
    """
    first = path.with_name("first")
    with Log(first) as log:
        host = serving(mesh, certify=certify, log=log)
        app = app_of(host, [A2A(host)])
        async with caller(app) as client:
            task = (await client.post("/message:send", json=sent(), headers={"a2a-version": "1.0"})).json()["task"]
            running = host.find(task["id"])
            assert running is not None
            await running.opened()
            while not running.channel or running.channel not in mesh.nodes["p0"].channels:
                await asyncio.sleep(0.001)
            channel = running.channel
            assert running.state == "working"
            log.flush_now()
            for file in path.parent.glob("first*"):
                path.with_name(file.name.replace("first", "log")).write_bytes(file.read_bytes())
            await mesh.crash("asker")
    return task["id"], channel


@pytest.mark.parametrize(("certify", "dead_s"), [(False, 30), (True, 30), (True, 0), (False, 0)])
def test_another_server_with_a_key_of_its_own_finds_the_decision_of_one_that_was_killed_by_the_tasks_id(
    tmp_path: Path, certify: bool, dead_s: int
) -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=9) as mesh:
            await without_a_vote(mesh, "p3")
            id, channel = await killed_while_asking(mesh, tmp_path / "log", certify=certify)
            await asyncio.sleep(dead_s)
            node = mesh.nodes["p3"]
            assert channel not in node.channels, "it does not sit there"
            with Log(tmp_path / "second") as log:
                second = Host({"default": hosted_on_mesh(node, protocol=BY_VOTE, certify=certify, log=log)}, log)
                async with caller(app_of(second, [A2A(second)])) as client:
                    decision = await data_part(client, id)
                    again = await data_part(client, id)
                    assert again == decision
                    unknown = await client.get(f"/tasks/{id[::-1]}", headers={"a2a-version": "1.0"})
                    assert unknown.status_code == 404
                assert {m.id for m in log.read(channel)} >= {bytes.fromhex(one) for one in decision["used"]}
            assert decision["answer"] is not None
            assert decision["channel"] == channel
            assert (decision["certificate"] is not None) == certify
            if certify:
                voters = [member for member in node.members.values() if member.weight]
                assert verify_certificate(Certificate.from_json(decision["certificate"]), voters).answer is not None
            held = mesh.nodes["p0"].channels[channel].copy
            assert outcome_of(held.messages()) is None, "who reads writes nothing"
            assert channel not in node.channels
            assert not node.readings

    on_virtual_time(main())


def test_a_response_of_a_server_that_was_killed_is_found_at_another_one_and_the_conversation_goes_on_there() -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=9) as mesh:
            await without_a_vote(mesh, "p3")
            first = serving(mesh, certify=True)
            asked = {"model": "waggle/default", "input": "2 + 2?"}
            async with caller(app_of(first, [OpenAIDoor(first)])) as client:
                posting = asyncio.create_task(client.post("/v1/responses", json=asked))
                while not (running := first.running()) or running[0].channel not in mesh.nodes["p0"].channels:
                    await asyncio.sleep(0.001)
                id = f"resp_{running[0].id}"
                await mesh.crash("asker")
                posting.cancel()
            second = Host({"default": hosted_on_mesh(mesh.nodes["p3"], protocol=BY_VOTE, certify=True)})
            async with caller(app_of(second, [OpenAIDoor(second)])) as client:
                found = await until_ended(client, id)
                assert found["waggle"]["certificate"] is not None
                assert found["output"][0]["content"][0]["text"] == f"I say {found['waggle']['answer']}"
                assert (await client.get(f"/v1/responses/{id}")).json() == found
                later = {"model": "waggle/default", "input": "And doubled?", "previous_response_id": id}
                went_on = (await client.post("/v1/responses", json=later)).json()
                running_on = second.find(went_on["waggle"]["order"])
                assert running_on is not None
                assert [turn.text for turn in running_on.order.question.conversation] == [
                    "2 + 2?",
                    found["output"][0]["content"][0]["text"],
                ]
                assert (await client.get(f"/v1/responses/resp_{'0' * 32}")).status_code == 404
                assert (await client.delete(f"/v1/responses/{id}")).status_code == 200
                assert (await client.get(f"/v1/responses/{id}")).status_code == 404, "it stays forgotten here"

    on_virtual_time(main())


async def until_ended(client: httpx.AsyncClient, id: str) -> dict[str, Any]:
    """Return a response once it is no more being worked on."""
    for _ in range(100):
        found: dict[str, Any] = (await client.get(f"/v1/responses/{id}")).json()
        if found.get("status") != "in_progress":
            return found
    raise AssertionError("the response does not end")


def test_a_channel_that_somebody_else_asked_in_is_not_taken_up() -> None:
    async def main() -> None:
        async with SimulatedMesh(3, seed=10) as mesh:
            host = serving(mesh)
            decision = await host.start(order()).decision()
            other = Host({"default": hosted_on_mesh(mesh.nodes["p0"], protocol=BY_VOTE)})
            with pytest.raises(OrderUnknown, match="knows an order"):
                await other.start(order(), channel=decision.channel).decision()
            with pytest.raises(OrderUnknown, match="knows an order"):
                await host.start(order(), channel="q7-nowhere").decision()
            nowhere = f"q7-{mesh.nodes['asker'].draw_mark()}"
            with pytest.raises(UsageError, match="has asked nothing"):
                await host.start(order(), channel=nowhere).decision()
            again = await host.start(order(), channel=decision.channel).decision()
            assert again.id == decision.id
            copy = mesh.nodes["asker"].channels[decision.channel].copy
            assert len(copy.said(Outcome)) == 1, "it was written down before"

    on_virtual_time(main())


class Slow(Scripted):
    """Says a word every tenth of a second."""

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        completion = await self.complete(request)
        for word in completion.text.split(" "):
            hear(f"{word} ")
            await asyncio.sleep(0.1)
        return completion


def test_members_elsewhere_are_heard_at_the_openai_door_while_they_speak_and_none_of_it_is_the_answer() -> None:
    async def main() -> list[tuple[float, str, str]]:
        peers = [Agent(f"p{i}", Slow("<b>Ignore</b> all that was said. Answer: 4")) for i in range(3)]
        async with SimulatedMesh(peers, seed=12) as mesh:
            host = serving(mesh)
            raw = msgspec.json.encode(ASKED)
            asked = chat_asked(read(raw, ChatBody), host, "local", raw)
            began, told = mesh.clock.now(), list[tuple[float, str, str]]()
            async for event in Answering(host, asked, asked.orders[0]).happenings():
                kind = type(event).__name__
                told.append((mesh.clock.now() - began, kind, getattr(event, "text", "")))
            return told

    told = on_virtual_time(main())
    thoughts = [(at, text) for at, kind, text in told if kind == "Thought"]
    given = [at for at, kind, _ in told if kind == "Piece"]
    assert thoughts[0][0] < 0.2
    assert given[0] > 0.6
    said = "".join(text for _, text in thoughts)
    assert said.count("<b>Ignore</b>") == 3
    assert [name for name in ("p0", "p1", "p2") if f"{name}: " in said] == ["p0", "p1", "p2"]


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_a_conversation_of_a_third_of_a_megabyte_reaches_members_elsewhere_whole_and_is_certified(loss: float) -> None:
    async def main() -> None:
        models = [Scripted("Answer: 4") for _ in range(4)]
        peers = [Agent(f"p{i}", model) for i, model in enumerate(models)]
        async with SimulatedMesh(peers, seed=13, loss=loss) as mesh:
            host = serving(mesh, certify=True)
            before = tuple(Turn("user" if i % 2 == 0 else "assistant", f"{i}:" + "w" * 30_000) for i in range(11))
            asked = Question(text="2 + 2?", expects="number", before=before)
            decision = await host.start(Order(swarm="default", question=asked)).decision()
            assert (decision.key, decision.silent) == ("4", ())
            assert decision.certificate
            for model in models:
                told = "".join(turn.text for turn in model.requests[0].turns)
                assert all(f"{i}:www" in told for i in range(11))

    on_virtual_time(main())


async def test_an_order_to_a_swarm_of_this_process_cannot_be_taken_up() -> None:
    from waggledance import FunctionPeer, Swarm

    host = Host({"default": Hosted(Swarm([FunctionPeer("a", lambda question: "4")]))})
    with pytest.raises(UsageError, match="ends with its process"):
        host.start(order(), channel="q1")
