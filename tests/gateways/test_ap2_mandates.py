"""Mandates hold when their principals gave them, in time, for what they rest on; in any order; and through a log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import msgpack, structs

from waggledance import FunctionPeer, Log, Question, Swarm
from waggledance.core import (
    Body,
    Channel,
    Key,
    Message,
    MessageId,
    Unknown,
    UsageError,
    encode,
    frame,
    open_frame,
    swarm_id,
)
from waggledance.gateways import (
    Ap2Cart,
    Ap2Intent,
    Ap2Payment,
    UcpCheckout,
    canonical_json,
    cart_of,
    check_mandates,
    signed_cart,
    signed_payment,
)
from waggledance.gateways._anp_did import b64url

PAYER, SHOP, MALLORY = Key(b"p" * 32), Key(b"s" * 32), Key(b"m" * 32)
NOW_MS = 1_790_000_000_000
SOON, PAST = "2026-09-21T15:00:00Z", "2026-09-21T14:00:00Z"
INTENT = {
    "natural_language_description": "High top, old school, red basketball shoes",
    "intent_expiry": SOON,
    "user_cart_confirmation_required": True,
    "merchants": ["Shoe Shop"],
    "skus": None,
    "requires_refundability": True,
}


def checkout(total: int = 12_999, *, shop: str = "chk_1") -> bytes:
    return json.dumps(
        {
            "ucp": {"version": "2026-04-08", "payment_handlers": {}},
            "id": shop,
            "status": "ready_for_complete",
            "currency": "USD",
            "line_items": [
                {
                    "id": "li_1",
                    "item": {"id": "shoe_red_9", "title": "Red shoes", "price": total - 999},
                    "quantity": 1,
                    "totals": [{"type": "subtotal", "amount": total - 999}, {"type": "total", "amount": total - 999}],
                }
            ],
            "totals": [
                {"type": "subtotal", "amount": total - 999},
                {"type": "fulfillment", "amount": 999},
                {"type": "total", "amount": total},
            ],
            "links": [{"type": "terms_of_service", "url": "https://shop.example/terms"}],
            "expires_at": SOON,
        }
    ).encode()


def contents(**more: Any) -> bytes:
    cart: dict[str, Any] = json.loads(cart_of(checkout(), merchant_name="Shoe Shop", methods=["CARD"]))
    return json.dumps(cart | more).encode()


def payment_of(cart: bytes, **more: Any) -> bytes:
    details = json.loads(cart)["contents"]["payment_request"]["details"]
    said = {
        "payment_mandate_id": "pm_1",
        "payment_details_id": details["id"],
        "payment_details_total": details["total"],
        "payment_response": {"request_id": details["id"], "method_name": "CARD"},
        "merchant_agent": "Shoe Shop",
        "timestamp": "2026-09-21T14:13:20Z",
    }
    return json.dumps(said | more).encode()


class Told:
    """A channel in which an intent, a cart and a payment are said; each by default as it should be."""

    def __init__(
        self,
        *,
        intent: dict[str, Any] | None = None,
        by: Key = PAYER,
        cart: bytes | None = None,
        merchant: Key = SHOP,
        payment: dict[str, Any] | None = None,
        payer: Key = PAYER,
        audience: str = "Shoe Shop",
        at_ms: int = NOW_MS,
    ) -> None:
        self.channel = Channel(swarm_id("shop"), "c")
        wanted = Ap2Intent(principal=PAYER.peer, mandate=canonical_json(json.dumps(INTENT | (intent or {})).encode()))
        self.intent = self.say(by, wanted)
        signed = signed_cart(cart or contents(), merchant, audience="processor", jti="j1", now_ms=at_ms)
        self.cart = self.say(merchant, Ap2Cart(principal=merchant.peer, intent=self.intent.id, mandate=signed))
        agreed = signed_payment(
            payment_of(signed, **(payment or {})), signed, payer, audience=audience, nonce="n1", now_ms=at_ms
        )
        self.payment = self.say(payer, Ap2Payment(principal=payer.peer, cart=self.cart.id, mandate=agreed))

    def say(self, key: Key, body: Any) -> Message[Any]:
        return self.channel.publish(key.peer, body, list(self.channel.messages()), NOW_MS)

    def refusals(self, at_ms: int = NOW_MS, **more: Any) -> list[str]:
        checks = check_mandates(self.channel.messages(), at_ms=at_ms, **more)
        return [checks[message.id].refused for message in (self.intent, self.cart, self.payment)]


def test_a_payment_that_its_payer_signed_for_a_cart_that_its_merchant_signed_holds() -> None:
    assert Told().refusals() == ["", "", ""]
    assert Told(intent={"merchants": None, "skus": ["shoe_red_9"]}).refusals() == ["", "", ""], "shipping is no product"


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"by": MALLORY}, ["not_principal", "mandate_required", "mandate_required"]),
        ({"payer": MALLORY}, ["", "", "not_principal"]),
        ({"intent": {"intent_expiry": PAST}}, ["mandate_expired", "mandate_required", "mandate_required"]),
        ({"intent": {"merchants": ["Another"]}}, ["", "mandate_scope_mismatch", "mandate_required"]),
        ({"intent": {"skus": ["shoe_blue_9"]}}, ["", "mandate_scope_mismatch", "mandate_required"]),
        ({"cart": contents(cart_expiry=PAST)}, ["", "mandate_expired", "mandate_required"]),
        ({"at_ms": NOW_MS - 901_000}, ["", "mandate_expired", "mandate_required"]),
        ({"at_ms": NOW_MS + 62_000}, ["", "merchant_authorization_invalid", "mandate_required"]),
        ({"audience": "Another"}, ["", "", "mandate_invalid_signature"]),
    ],
)  # fmt: skip
def test_a_mandate_that_is_not_its_principals_late_or_of_something_else_does_not_hold(
    said: dict[str, Any], refused: list[str]
) -> None:
    assert Told(**said).refusals() == refused


@pytest.mark.parametrize(
    "payment",
    [
        {"payment_details_id": "another"},
        {"payment_response": {"request_id": "x", "method_name": "CARD"}},
        {"payment_response": {"request_id": "chk_1", "method_name": "IOU"}},
        {"merchant_agent": "Another"},
        {"payment_details_total": {"label": "Total", "amount": {"currency": "USD", "value": 129.98}}},
        {"payment_details_total": {"label": "Total", "amount": {"currency": "EUR", "value": 129.99}}},
    ],
)
def test_a_payment_of_anything_but_the_cart_does_not_hold(payment: dict[str, Any]) -> None:
    assert Told(payment=payment).refusals() == ["", "", "mandate_scope_mismatch"]


def test_an_item_that_cannot_be_given_back_does_not_fit_an_intent_that_asks_for_it() -> None:
    cart = cart_of(checkout(), merchant_name="Shoe Shop", methods=["CARD"], refund_days=0)
    assert Told(cart=cart).refusals()[1] == "mandate_scope_mismatch"
    assert Told(cart=cart, intent={"requires_refundability": False}).refusals() == ["", "", ""]


def test_attack_d13_a_merchant_is_known_by_its_key_where_names_have_keys() -> None:
    assert Told().refusals(merchants={"Shoe Shop": SHOP.peer}) == ["", "", ""]
    assert Told(merchant=MALLORY).refusals(merchants={"Shoe Shop": SHOP.peer})[1] == "not_principal"
    assert Told().refusals(merchants={})[1] == "not_principal"


def swapped(mandate: bytes, **changes: Any) -> bytes:
    said = json.loads(mandate)
    said.update(changes)
    return canonical_json(json.dumps(said).encode())


def test_attack_d13_a_signature_does_not_hold_for_another_cart_payment_or_signer() -> None:
    told = Told()
    cart: dict[str, Any] = json.loads(told.cart.body.mandate)
    cart["contents"]["payment_request"]["details"]["total"]["amount"]["value"] = 1
    dearer = canonical_json(json.dumps(cart).encode())
    payment: dict[str, Any] = json.loads(told.payment.body.mandate)
    payment["payment_mandate_contents"]["timestamp"] = "2026-09-21T14:13:21Z"
    late = canonical_json(json.dumps(payment).encode())
    by_mallory = signed_cart(contents(), MALLORY, audience="processor", jti="j", now_ms=NOW_MS)
    carried: bytes = told.cart.body.mandate
    stolen = signed_payment(
        payment_of(carried), carried, MALLORY, audience="Shoe Shop", nonce="n", now_ms=NOW_MS
    )  # fmt: skip
    wrong = {
        told.say(SHOP, Ap2Cart(principal=SHOP.peer, intent=told.intent.id, mandate=m)).id: reason
        for m, reason in (
            (dearer, "merchant_authorization_invalid"),
            (by_mallory, "merchant_authorization_invalid"),
            (swapped(told.cart.body.mandate, merchant_authorization=None), "merchant_authorization_missing"),
        )
    } | {
        told.say(PAYER, Ap2Payment(principal=PAYER.peer, cart=told.cart.id, mandate=m)).id: reason
        for m, reason in (
            (late, "mandate_invalid_signature"),
            (stolen, "mandate_invalid_signature"),
            (swapped(told.payment.body.mandate, user_authorization=None), "mandate_required"),
        )
    }
    checks = check_mandates(told.channel.messages(), at_ms=NOW_MS)
    assert {id: checks[id].refused for id in wrong} == wrong
    assert told.refusals() == ["", "", ""], "what is said beside it changes nothing"


NO_ALGORITHM = "eyJhbGciOiJub25lIn0"


@pytest.mark.parametrize(
    "token", ["{h}.{b}.", "{h}.{b}.{s}A", "{h}.{b}", "", "ä.b.c", "{h}.{b}.{small}", "{none}.{b}.{s}"]
)
def test_attack_d13_a_token_that_is_altered_or_unsigned_is_refused(token: str) -> None:
    told = Told()
    carried: bytes = told.cart.body.mandate
    head, body, signature = json.loads(carried)["merchant_authorization"].split(".")
    said = token.format(h=head, b=body, s=signature, none=NO_ALGORITHM, small="A" * 86)
    mandate = swapped(carried, merchant_authorization=said)
    cart = told.say(SHOP, Ap2Cart(principal=SHOP.peer, intent=told.intent.id, mandate=mandate))
    assert check_mandates(told.channel.messages(), at_ms=NOW_MS)[cart.id].refused == "merchant_authorization_invalid"


@pytest.mark.parametrize("header", [{"alg": "HS256"}, {"alg": "EdDSA", "crit": ["exp"]}, {"kid": "00" * 32}])
@pytest.mark.parametrize("who", [SHOP, MALLORY])
def test_attack_d13_a_token_under_another_algorithm_or_in_another_s_name_is_refused(
    header: dict[str, Any], who: Key
) -> None:
    told = Told()
    carried: bytes = told.cart.body.mandate
    _, body, _ = json.loads(carried)["merchant_authorization"].split(".")
    head = b64url(json.dumps({"alg": "EdDSA", "kid": SHOP.peer.hex(), **header}).encode())
    signature = b64url(who.sign(MessageId(f"{head}.{body}".encode())))
    mandate = swapped(carried, merchant_authorization=f"{head}.{body}.{signature}")
    cart = told.say(SHOP, Ap2Cart(principal=SHOP.peer, intent=told.intent.id, mandate=mandate))
    assert check_mandates(told.channel.messages(), at_ms=NOW_MS)[cart.id].refused == "merchant_authorization_invalid"


def test_of_two_payments_of_one_cart_the_same_one_counts_for_everybody() -> None:
    told = Told()
    agreed = signed_payment(
        payment_of(told.cart.body.mandate), told.cart.body.mandate, PAYER, audience=SHOP.peer.hex(), nonce="n2",
        now_ms=NOW_MS,
    )  # fmt: skip
    again = told.say(PAYER, Ap2Payment(principal=PAYER.peer, cart=told.cart.id, mandate=agreed))
    first, second = sorted([told.payment.id, again.id])
    for seed in range(5):
        messages = list(told.channel.messages())
        Random(seed).shuffle(messages)
        checks = check_mandates(messages, at_ms=NOW_MS)
        assert (checks[first].refused, checks[second].refused) == ("", "repeated")


def test_a_mandate_whose_ground_is_missing_or_something_else_does_not_hold() -> None:
    told = Told()
    some = [m for m in told.channel.messages() if m.id != told.intent.id]
    checks = check_mandates(some, at_ms=NOW_MS)
    assert [checks[m.id].refused for m in (told.cart, told.payment)] == ["mandate_required"] * 2
    on_nothing = told.say(
        PAYER, Ap2Payment(principal=PAYER.peer, cart=told.intent.id, mandate=told.payment.body.mandate)
    )
    assert check_mandates(told.channel.messages(), at_ms=NOW_MS)[on_nothing.id].refused == "mandate_required"
    assert check_mandates([], at_ms=NOW_MS) == {}


def test_mandates_that_were_read_before_their_kinds_were_known_are_checked_all_the_same() -> None:
    told = Told()
    unread = [
        structs.replace(message, body=Unknown(kind_name=message.kind, raw=msgpack.decode(encode(message))["bo"]))
        for message in told.channel.messages()
    ]
    junk = structs.replace(told.intent, id=MessageId(bytes(32)), body=Unknown(kind_name=Ap2Intent.kind, raw=b"\x80"))
    checks = check_mandates([*unread, junk], at_ms=NOW_MS)
    assert [check.refused for check in checks.values()] == [""] * 3


def intent(**more: str) -> Body:
    return Ap2Intent(principal=PAYER.peer, mandate=canonical_json(json.dumps(INTENT | more).encode()))


BAD: dict[str, Callable[[], Body]] = {
    "no JSON": lambda: Ap2Intent(principal=PAYER.peer, mandate=b"{"),
    "no object": lambda: Ap2Intent(principal=PAYER.peer, mandate=b"[]"),
    "another object": lambda: Ap2Intent(principal=PAYER.peer, mandate=b"{}"),
    "not canonical": lambda: Ap2Intent(principal=PAYER.peer, mandate=json.dumps(INTENT).encode()),
    "no time": lambda: intent(intent_expiry="soon"),
    "no zone": lambda: intent(intent_expiry=SOON[:-1]),
    "a cart for an intent": lambda: Ap2Intent(principal=PAYER.peer, mandate=Told().cart.body.mandate),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_mandate_is_no_message(bad: str) -> None:
    with pytest.raises(UsageError):
        BAD[bad]()


@pytest.mark.parametrize(
    "amount",
    [
        {"currency": "usd", "value": 1}, {"currency": "USD", "value": 1e16}, {"currency": "USD", "value": "NaN"},
        {"currency": "USD", "value": "Infinity"}, {"currency": "USD", "value": "1e99"}, {"currency": "USD"},
        {"currency": "USD", "value": 0.1234567890123456}, {"currency": "USD", "value": None},
    ],
)  # fmt: skip
def test_what_is_no_sum_of_money_is_refused(amount: dict[str, Any]) -> None:
    cart = json.loads(contents())
    cart["payment_request"]["details"]["total"]["amount"] = amount
    with pytest.raises(UsageError):
        signed_cart(json.dumps(cart).encode(), SHOP, audience="p", jti="j", now_ms=NOW_MS)


def test_a_signature_for_no_time_is_not_made() -> None:
    with pytest.raises(UsageError, match="a second or more"):
        signed_cart(contents(), SHOP, audience="p", jti="j", now_ms=NOW_MS, for_s=0)


async def test_a_swarm_agrees_on_a_cart_and_the_mandate_is_carried_signed_and_checked_from_the_log(
    tmp_path: Path,
) -> None:
    offers = [checkout(total, shop=f"chk_{i}") for i, total in enumerate((14_999, 12_999, 13_999))]
    bodies = [UcpCheckout(checkout=canonical_json(offer)) for offer in offers]
    prices = [body.read.total for body in bodies]
    peers = [FunctionPeer(name, lambda _: "ABC"[prices.index(min(prices))]) for name in ("ada", "ben", "cleo")]
    question = Question(text="Which cart?", expects="choice", options=tuple(body.read.id for body in bodies))
    chosen = (await Swarm(peers).ask(question)).key
    assert chosen == "B"

    agreed = cart_of(offers["ABC".index(chosen)], merchant_name="Shoe Shop", methods=["CARD"])
    told = Told(cart=agreed)
    keys = {key.peer: key for key in (PAYER, SHOP)}
    frames = [frame(keys[message.author].signed(message)) for message in told.channel.messages()]
    with Log(tmp_path / "log.db") as log:
        for sent in frames:
            message = open_frame(sent)
            log.append(message, encode(message))
        checks = check_mandates(log.read("c"), at_ms=NOW_MS)
    assert [check.refused for check in checks.values()] == ["", "", ""]
    (payment,) = (check.message.body for check in checks.values() if isinstance(check.message.body, Ap2Payment))
    assert str(payment.read.payment_mandate_contents.payment_details_total.amount) == "129.99 USD"
