"""Who comes in by name: the owner of an allowed name, once a nonce, on time, for us; everybody else is told why not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Key, PeerFault, UsageError
from waggledance.gateways import Stranger, Strangers, WbaDid, did_document, signed_header
from waggledance.gateways import _anp_strangers as strangers_file
from waggledance.gateways._anp_documents import NoDocument
from waggledance.gateways._anp_header import read_header

ALICE, MALLORY = Key(b"a" * 32), Key(b"m" * 32)
DID = WbaDid("bees.example", None, ("alice",))
US = "swarm.example"
NOW_MS = 1_790_000_000_000


class SetClock:
    """A clock that is set by hand."""

    def __init__(self, wall_ms: int = NOW_MS - 300_000) -> None:
        self.at_ms = wall_ms

    def now(self) -> float:
        return self.at_ms / 1000

    def wall_ms(self) -> int:
        return self.at_ms


class Web:
    """Documents by name, and which of them were asked for."""

    def __init__(self, **documents: bytes) -> None:
        self.documents = documents or {str(DID): did_document(ALICE.peer, DID)}
        self.asked: list[str] = []

    async def __call__(self, did: WbaDid) -> bytes:
        self.asked.append(str(did))
        await asyncio.sleep(0)
        if str(did) not in self.documents:
            raise NoDocument(str(did), "answers 404")
        return self.documents[str(did)]


class Gate:
    """Strangers with a clock and a web."""

    def __init__(self, web: Web | None = None, *names: WbaDid) -> None:
        self.clock, self.web = SetClock(), web or Web()
        self.strangers = Strangers([str(did) for did in names or (DID,)], [US], self.web, clock=self.clock)
        self.clock.at_ms = NOW_MS

    async def holder(self, header: str) -> str:
        return await self.strangers.holder(header)

    async def refusal(self, header: str) -> Stranger:
        with pytest.raises(Stranger) as caught:
            await self.holder(header)
        return caught.value


def header(key: Key = ALICE, did: WbaDid = DID, service: str = US, nonce: str = "n1", now_ms: int = NOW_MS) -> str:
    return signed_header(key, did, service, nonce=nonce, now_ms=now_ms)


async def test_the_owner_of_an_allowed_name_comes_in_once_for_each_nonce() -> None:
    gate = Gate()
    assert await gate.holder(header()) == str(DID)
    assert await gate.holder(header(nonce="n2")) == str(DID)


async def test_attack_d13_a_replayed_header_is_refused() -> None:
    gate = Gate()
    await gate.holder(header())
    assert (await gate.refusal(header())).error == "invalid_nonce"
    gate.clock.at_ms += 60_000
    assert (await gate.refusal(header())).error == "invalid_nonce", "remembered for as long as its time would do"


async def test_attack_d13_a_header_that_is_sent_twice_at_once_comes_in_once() -> None:
    gate = Gate()
    both = await asyncio.gather(gate.holder(header()), gate.holder(header()), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["Stranger", "str"]


@pytest.mark.parametrize("off_ms", [-61_000, 61_000, -86_400_000, 86_400_000])
async def test_attack_d13_a_clock_that_is_off_by_more_than_a_minute_is_refused(off_ms: int) -> None:
    gate = Gate()
    refused = await gate.refusal(header(now_ms=NOW_MS + off_ms))
    assert refused.error == "invalid_timestamp"
    assert f"{abs(off_ms) // 1000} s" in str(refused)
    assert gate.web.asked == []


@pytest.mark.parametrize("off_ms", [-60_000, 60_000])
async def test_a_clock_that_is_off_by_a_minute_will_do(off_ms: int) -> None:
    assert await Gate().holder(header(now_ms=NOW_MS + off_ms)) == str(DID)


async def test_attack_d13_a_header_signed_for_another_service_is_refused() -> None:
    assert (await Gate().refusal(header(service="other.example"))).error == "invalid_signature"


async def test_attack_d13_a_header_signed_before_the_server_began_is_refused_for_its_nonces_are_forgotten() -> None:
    gate = Gate()
    assert await gate.holder(header()) == str(DID)
    again = Strangers([str(DID)], [US], gate.web, clock=SetClock(NOW_MS + 2_000))
    with pytest.raises(Stranger, match="before this server began"):
        await again.holder(header())


async def test_a_header_signed_by_another_key_is_refused_and_uses_up_no_nonce() -> None:
    gate = Gate()
    assert (await gate.refusal(header(key=MALLORY))).error == "invalid_signature"
    assert await gate.holder(header()) == str(DID)


@pytest.mark.parametrize("field", ["nonce", "timestamp", "verification_method", "signature", "did"])
async def test_a_header_of_which_any_field_is_altered_is_refused(field: str) -> None:
    gate = Gate(None, DID, WbaDid("bees.example", None, ("alicf",)))
    value = getattr(read_header(header()), field if field != "verification_method" else "method")
    text = str(value) if field != "signature" else header().partition('signature="')[2][:-1]
    other = {"timestamp": text.replace("Z", "+00:00"), "signature": ("B" if text[0] == "A" else "A") + text[1:]}.get(
        field, text[:-1] + chr(ord(text[-1]) + 1)
    )
    altered = header().replace(f'{field}="{text}"', f'{field}="{other}"')
    assert altered != header()
    assert (await gate.refusal(altered)).status == 401


async def test_a_name_that_is_not_allowed_is_never_looked_up() -> None:
    gate = Gate()
    mallory = WbaDid("mallory.example")
    refused = await gate.refusal(header(key=MALLORY, did=mallory))
    assert (refused.error, refused.status, gate.web.asked) == ("forbidden_did", 403, [])


async def test_a_name_without_a_document_or_with_a_key_of_small_order_is_refused() -> None:
    assert (await Gate(Web(none=b"")).refusal(header())).error == "invalid_did"
    small = did_document(type(ALICE.peer)(bytes([1]) + bytes(31)), DID)
    gate = Gate(Web(**{str(DID): small}))
    assert (await gate.refusal(header())).error == "invalid_verification_method"


async def test_a_name_whose_document_is_another_name_s_is_refused_with_words_that_fit_a_header() -> None:
    gate = Gate(Web(**{str(DID): did_document(ALICE.peer, DID).replace(b"bees.example", "bi\N{HONEYBEE}es".encode())}))
    refused = await gate.refusal(header())
    assert refused.error == "invalid_did"
    assert refused.challenge(gate.strangers.realm).isascii()


async def test_a_name_that_asks_without_end_is_told_to_wait_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers_file, "MAX_NONCES", 3)
    ben = WbaDid("ben.example")
    gate = Gate(Web(**{str(DID): did_document(ALICE.peer, DID), str(ben): did_document(MALLORY.peer, ben)}), DID, ben)
    for i in range(3):
        await gate.holder(header(nonce=f"n{i}"))
    assert "ask again" in str(await gate.refusal(header(nonce="n3")))
    assert await gate.holder(header(key=MALLORY, did=ben)) == str(ben)
    gate.clock.at_ms += 60_001
    assert await gate.holder(header(nonce="n3", now_ms=NOW_MS + 60_000)) == str(DID)


WELL = header()


@pytest.mark.parametrize(
    "said",
    [
        "", "DIDWba", "DIDWba ", "Bearer abc", WELL.replace("DIDWba", "DIDWbb"), WELL + f', did="{DID}"',
        WELL + ', x="y"', WELL.replace('v="1.0"', 'v="2.0"'), WELL.replace('nonce="n1", ', ""), WELL.replace("n1", ""),
        WELL.replace("n1", "n" * 129), WELL.replace("n1", "n 1"), WELL.replace('signature="', 'signature="!'),
        WELL.replace('"n1"', "n1"), WELL.replace(str(DID), "did:web:a.b"), WELL.replace("2026", "02026"),
        WELL.replace("T", "T99:"), WELL[:-2] + '"', WELL[:-2] + chr(ord(WELL[-2]) + 1) + '"',
        "DIDWba " + "x" * 3_000, WELL.replace("-09-", "-13-"),
    ],
)  # fmt: skip
def test_what_is_no_header_is_refused(said: str) -> None:
    with pytest.raises(PeerFault):
        read_header(said)


@given(st.text(max_size=60), st.integers(0, len(WELL)))
@settings(max_examples=100)
def test_no_text_breaks_the_reader(noise: str, at: int) -> None:
    for said in (f"DIDWba {noise}", WELL[:at] + noise + WELL[at:]):
        try:
            read_header(said)
        except PeerFault:
            continue


def test_a_header_is_read_as_it_was_written() -> None:
    assert str(read_header(WELL)) == WELL
    said = read_header(WELL)
    assert said.holds(ALICE.peer, US)
    assert not said.holds(ALICE.peer, "other.example")
    assert not said.holds(MALLORY.peer, US)


@pytest.mark.parametrize(
    "made", [{"nonce": ""}, {"nonce": 'a"b'}, {"nonce": "a b"}, {"nonce": "n" * 129}, {"service": ""}]
)
def test_a_header_that_nobody_could_read_is_not_written(made: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        header(**made)


@pytest.mark.parametrize(("allow", "services"), [([], [US]), (["x"], [US]), ([str(DID)], []), ([str(DID)], [""])])
def test_strangers_need_names_and_a_domain_of_ours(allow: list[str], services: list[str]) -> None:
    with pytest.raises(UsageError):
        Strangers(allow, services, Web())
