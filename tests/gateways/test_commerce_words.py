"""What a log tells of mandates and carts is what they say, in one line, with nothing in it that a terminal obeys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from waggledance import Log
from waggledance.cli._app import app
from waggledance.core import Body, Channel, Key, MessageId, Proposal, Unknown, encode, swarm_id
from waggledance.gateways import (
    Ap2Cart,
    Ap2Intent,
    Ap2Payment,
    UcpCatalog,
    UcpCheckout,
    canonical_json,
    cart_of,
    commerce_words,
    signed_cart,
    signed_payment,
)

SHOP = Key(b"s" * 32)
NOW_MS, SOON = 1_790_000_000_000, "2026-09-21T15:00:00Z"
TOTALS = [{"type": "subtotal", "amount": 12_999}, {"type": "total", "amount": 12_999}]
LINE = {"id": "l", "item": {"id": "shoe", "title": "Shoes", "price": 12_999}, "quantity": 1, "totals": TOTALS}
CHECKOUT = canonical_json(
    json.dumps(
        {
            "ucp": {"version": "2026-04-08"}, "id": "chk_1", "status": "ready_for_complete", "currency": "USD",
            "line_items": [LINE], "totals": TOTALS, "links": [], "expires_at": SOON,
        }
    ).encode()
)  # fmt: skip
CART = signed_cart(
    cart_of(CHECKOUT, merchant_name="Shoe Shop", methods=["CARD"]), SHOP, audience="p", jti="j", now_ms=NOW_MS
)
PAYMENT = {
    "payment_mandate_id": "pm", "payment_details_id": "chk_1", "merchant_agent": "Shoe Shop", "timestamp": SOON,
    "payment_details_total": {"label": "Total", "amount": {"currency": "USD", "value": 129.99}},
    "payment_response": {"request_id": "chk_1", "method_name": "CARD"},
}  # fmt: skip
SOME = MessageId(bytes(32))


def intent(words: str = "red shoes") -> Ap2Intent:
    said = json.dumps({"natural_language_description": words, "intent_expiry": SOON}).encode()
    return Ap2Intent(principal=SHOP.peer, mandate=canonical_json(said))


PAID = signed_payment(json.dumps(PAYMENT).encode(), CART, SHOP, audience="Shoe Shop", nonce="n", now_ms=NOW_MS)
WORDS: dict[str, Body] = {
    "wants: red shoes": intent(),
    "offers cart chk_1 of Shoe Shop: 129.99 USD": Ap2Cart(principal=SHOP.peer, intent=SOME, mandate=CART),
    "agrees to pay 129.99 USD to Shoe Shop": Ap2Payment(principal=SHOP.peer, cart=SOME, mandate=PAID),
    "checkout chk_1: 1 line, 129.99 USD, ready_for_complete": UcpCheckout(checkout=CHECKOUT),
    "catalogue of 0 products": UcpCatalog(catalog=b'{"products":[],"ucp":{"version":"2026-04-08"}}'),
    "": Proposal(key="9"),
}


@pytest.mark.parametrize("words", WORDS)
def test_a_mandate_or_a_checkout_is_told_in_its_own_words_and_amounts(words: str) -> None:
    assert commerce_words(WORDS[words]) == words


def test_what_only_looks_like_a_mandate_has_no_words() -> None:
    assert commerce_words(Unknown(kind_name="ap2-intent/1", raw=b"\x80")) == ""
    assert commerce_words(Unknown(kind_name="ap2-intent/9", raw=b"\x80")) == ""


def test_the_log_shows_mandates_on_a_line_each_whatever_is_in_them(tmp_path: Path) -> None:
    channel = Channel(swarm_id("shop"), "c")
    channel.publish(SHOP.peer, intent("shoes\n\x1b[31mrm -rf"), [], NOW_MS)
    channel.publish(SHOP.peer, Ap2Cart(principal=SHOP.peer, intent=SOME, mandate=CART), [], NOW_MS)
    file = tmp_path / "log.db"
    with Log(file) as log:
        for message in channel.messages():
            log.append(message, encode(message))
    told = CliRunner().invoke(app, ["log", "show", "c", "--log", str(file)]).output
    assert "wants: shoes" in told
    assert "offers cart chk_1 of Shoe Shop: 129.99 USD" in told
    assert "\x1b" not in told
    assert "\nrm" not in told
