"""A server with a name of its own, and callers who come in by theirs: beside keys, instead of keys, and not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from waggledance import FunctionPeer, Swarm
from waggledance.core import Key, LoopClock
from waggledance.gateways import (
    A2A,
    DidDoor,
    Host,
    Hosted,
    Keys,
    Limits,
    OpenAIDoor,
    Strangers,
    WbaDid,
    app_of,
    did_document,
    signed_header,
)
from waggledance.gateways._anp_document import signing_keys

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
ALICE, BEN, US = Key(b"a" * 32), Key(b"b" * 32), Key(b"u" * 32)
NAMES = {WbaDid("bees.example", None, ("alice",)): ALICE, WbaDid("ben.example"): BEN}
DID, OTHER = NAMES
ADA = "a-secret-of-twenty-0"
QUESTION = {"model": "waggle/default", "messages": [{"role": "user", "content": "How much is 17 - 8?"}]}
_nonces = count()


async def served_documents(did: WbaDid) -> bytes:
    return did_document(NAMES[did].peer, did)


def app(*, keys: Keys | None = None, allow: tuple[WbaDid, ...] = (DID,), limits: Limits | None = None) -> Starlette:
    swarm = Swarm([FunctionPeer(f"p{i}", lambda _: "9") for i in range(3)])
    host = Host({"default": Hosted(swarm)})
    doors = [OpenAIDoor(host), DidDoor(US.peer, WbaDid("swarm.example", None, ("bees",)))]
    strangers = Strangers([str(did) for did in allow], ["swarm.example"], served_documents)
    return app_of(host, doors, keys=keys, strangers=strangers, limits=limits)


def signed(did: WbaDid = DID, *, key: Key | None = None, service: str = "swarm.example") -> dict[str, str]:
    now_ms = LoopClock().wall_ms() + 1_000  # in whole seconds, and not before the server began
    said = signed_header(key or NAMES[did], did, service, nonce=f"n{next(_nonces)}", now_ms=now_ms)
    return {"authorization": said}


async def ask(url: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        return await http.post(f"{url}/v1/chat/completions", json=QUESTION, headers=headers)


@pytest.mark.parametrize("keys", [None, Keys({"ada": ADA})], ids=["without keys", "beside keys"])
async def test_a_stranger_on_the_list_asks_and_gets_the_swarm_s_answer(served: Served, keys: Keys | None) -> None:
    async with served(app(keys=keys)) as url:
        told = await ask(url, signed())
        assert told.status_code == 200
        assert told.json()["choices"][0]["message"]["content"] == "9"


async def test_keys_still_open_where_strangers_come_in_too(served: Served) -> None:
    async with served(app(keys=Keys({"ada": ADA}))) as url:
        assert (await ask(url, {"authorization": f"Bearer {ADA}"})).status_code == 200
        assert (await ask(url, {"authorization": "Bearer wrong"})).headers["www-authenticate"] == "Bearer"


REFUSED: dict[str, tuple[Callable[[], dict[str, str]], int, str]] = {
    "nothing": (dict, 401, "invalid_request"),
    "a key, where there are none": (lambda: {"authorization": f"Bearer {ADA}"}, 401, "invalid_request"),
    "not on the list": (lambda: signed(OTHER), 403, "forbidden_did"),
    "another's key": (lambda: signed(key=BEN), 401, "invalid_signature"),
    "signed for others": (lambda: signed(service="other.example"), 401, "invalid_signature"),
    "half a header": (lambda: {"authorization": 'DIDWba did="did:wba:a.b"'}, 401, "invalid_request"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_attack_d13_a_stranger_who_cannot_show_a_name_on_the_list_is_told_why(served: Served, what: str) -> None:
    made, status, code = REFUSED[what]
    async with served(app()) as url:
        told = await ask(url, made())
    error: dict[str, Any] = told.json()["error"]
    assert (told.status_code, error["code"]) == (status, code)
    if status == 401:
        assert told.headers["www-authenticate"].startswith("DIDWba")


async def test_attack_d13_the_same_header_does_not_ask_twice(served: Served) -> None:
    async with served(app()) as url:
        header = signed()
        told = [await ask(url, header) for _ in range(2)]
    assert [one.status_code for one in told] == [200, 401]
    assert 'error="invalid_nonce"' in told[1].headers["www-authenticate"]


async def test_each_stranger_has_a_pace_of_its_own(served: Served) -> None:
    async with served(app(allow=(DID, OTHER), limits=Limits(a_minute=1))) as url:
        told = [(await ask(url, signed(did))).status_code for did in (DID, DID, OTHER)]
    assert told == [200, 429, 200]


async def test_a_card_says_by_what_callers_show_who_they_are(served: Served) -> None:
    host = Host({"default": Hosted(Swarm([FunctionPeer("p", lambda _: "9")]))})
    for keyed, named, schemes in (
        (True, True, {"Bearer", "DIDWba"}),
        (False, True, {"DIDWba"}),
        (True, False, {"Bearer"}),
    ):
        async with served(app_of(host, [A2A(host, keyed=keyed, named=named)])) as url, httpx.AsyncClient() as http:
            card: dict[str, Any] = (await http.get(f"{url}/.well-known/agent-card.json")).json()
        assert {one["httpAuthSecurityScheme"]["scheme"] for one in card["securitySchemes"].values()} == schemes
        assert len(card["securityRequirements"]) == len(schemes), "each is enough"
        assert card["capabilities"]["extendedAgentCard"]


async def test_anybody_sees_the_server_s_own_document_and_the_key_in_it(served: Served) -> None:
    async with served(app()) as url, httpx.AsyncClient() as http:
        told = await http.get(f"{url}/bees/did.json")
    assert told.status_code == 200
    assert signing_keys(told.content, WbaDid("swarm.example", None, ("bees",))) == {"key-1": US.peer}
