"""Two swarms that meet through A2A only: one asks, the other decides, and the asker checks the other's certificate."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from waggledance import FunctionPeer, Swarm
from waggledance.consensus import Certificate, verify_certificate
from waggledance.core import Decision, Exchange, Key, Member, RunFailed
from waggledance.gateways import A2A, A2APeer, Host, Hosted, app_of
from waggledance.gateways import _a2a_remote as remote
from waggledance.mesh import Mesh
from waggledance.protocols import Debate, Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

QUESTION = "2 + 2?"


def five(question: str) -> str:
    return "5"


def instead_of_sockets(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    def transport(**_: object) -> httpx.ASGITransport:
        return httpx.ASGITransport(app)

    monkeypatch.setattr(remote.httpx, "AsyncHTTPTransport", transport)


def ask_through(app: Starlette, peer: A2APeer, monkeypatch: pytest.MonkeyPatch) -> Swarm:
    """Return a swarm that reaches the app without a socket, so that time can be virtual."""
    instead_of_sockets(app, monkeypatch)
    return Swarm([peer, FunctionPeer("near", five)], protocol=Vote(), weights={"far": 3})


def test_the_asker_checks_that_the_other_swarms_members_signed_what_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> tuple[Decision, str]:
        async with SimulatedMesh(4, seed=1) as mesh:
            network = Mesh(mesh.nodes["asker"], certify=True, wait_s=600)
            members = [member for member in mesh.genesis.members if member.weight]
            host = Host({"default": Hosted(Swarm(network.peers(members), network=network, protocol=Debate(rounds=1)))})
            app = app_of(host, [A2A(host)])
            async with app.router.lifespan_context(app):
                far = A2APeer("far", "http://localhost", members=members, streaming=False)
                events = [e async for e in ask_through(app, far, monkeypatch).watch(QUESTION, closely=True)]
        (asked,) = (e for e in events if isinstance(e, Exchange))
        assert isinstance(events[-1], Decision)
        return events[-1], asked.answered

    decision, answered = on_virtual_time(main())
    assert decision.status == "decided"
    assert decision.silent == ()
    assert '\\"acks\\"' in answered  # the certificate is kept beside the log


def certified() -> tuple[str, list[Member], str]:
    """Return the certificate of a question, who had a vote, and the answer."""

    async def main() -> tuple[str, list[Member], str]:
        async with SimulatedMesh(4, seed=1) as mesh:
            decision = await mesh.ask(QUESTION, certify=True)
            return decision.certificate, [m for m in mesh.genesis.members if m.weight], str(decision.key)

    return on_virtual_time(main())


CERTIFICATE, MEMBERS, ANSWER = certified()


def telling(decision: dict[str, Any]) -> Starlette:
    """A swarm that says it decided so."""

    async def card(request: Request) -> Response:
        interface = {"url": "http://localhost/", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        extension = {"uri": "urn:waggledance:question:1"}
        return JSONResponse(
            {"name": "far", "supportedInterfaces": [interface], "capabilities": {"extensions": [extension]}}
        )

    async def answer(_: Request) -> Response:
        artifact = {
            "artifactId": "decision", "parts": [{"text": str(decision["answer"])}, {"data": decision}],
            "extensions": ["urn:waggledance:decision:1"],
        }  # fmt: skip
        task = {"id": "t", "status": {"state": "TASK_STATE_COMPLETED"}, "artifacts": [artifact]}
        return JSONResponse({"jsonrpc": "2.0", "id": 1, "result": {"task": task}})

    return Starlette(routes=[Route("/.well-known/agent-card.json", card), Route("/", answer, methods=["POST"])])


async def answer_of(
    monkeypatch: pytest.MonkeyPatch, decision: dict[str, Any], members: list[Member], question: str = QUESTION
) -> Decision:
    far = A2APeer("far", "http://localhost", members=members)
    instead_of_sockets(telling(decision), monkeypatch)
    return await Swarm([far], protocol=Vote()).ask(question)


async def test_a_certificate_of_the_question_and_the_answer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verify_certificate(Certificate.from_json(CERTIFICATE), MEMBERS).answer == ANSWER
    told = {"answer": ANSWER, "certificate": CERTIFICATE}
    assert (await answer_of(monkeypatch, told, MEMBERS)).key == ANSWER


@pytest.mark.parametrize(
    ("changed", "members", "question", "why"),
    [
        ({"certificate": None}, MEMBERS, QUESTION, "without a certificate"),
        ({"certificate": "{}"}, MEMBERS, QUESTION, "not a certificate"),
        (
            {"certificate": CERTIFICATE.replace(f'"answer": "{ANSWER}"', '"answer": "other"')},
            MEMBERS,
            QUESTION,
            "was signed",
        ),
        ({"answer": "other"}, MEMBERS, QUESTION, "its certificate"),
        ({}, MEMBERS, "3 + 3?", "another question"),
        ({}, MEMBERS[:3], QUESTION, "another set of members"),
        ({}, [Member(Key(b"e" * 32).peer, "eve")], QUESTION, "another set of members"),
    ],
)
async def test_one_that_proves_anything_else_does_not(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], members: list[Member], question: str, why: str
) -> None:
    told = {"answer": ANSWER, "certificate": CERTIFICATE, **changed}
    with pytest.raises(RunFailed, match=why):
        await answer_of(monkeypatch, told, members, question)
