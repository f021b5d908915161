"""A checkout becomes a cart of the same total, to the cent, or none at all; and both travel in messages of A2A."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Key, MessageId, UsageError
from waggledance.gateways import (
    Ap2Cart,
    Ap2Intent,
    Ap2Payment,
    Neutral,
    Piece,
    UcpCheckout,
    canonical_json,
    cart_of,
    commerce_in,
    commerce_piece,
    dialect,
    signed_cart,
    signed_payment,
)
from waggledance.gateways._ap2_cart import decimal_of
from waggledance.gateways._ap2_objects import CartContents
from waggledance.gateways._jcs import read_json

SHOP = Key(b"s" * 32)
NOW_MS = 1_790_000_000_000
SOON = "2026-09-21T15:00:00Z"


def checkout(prices: list[int], *, currency: str = "USD", tax: int = 0, off: int = 0, **more: Any) -> dict[str, Any]:
    subtotal = sum(prices)
    other = [{"type": "tax", "amount": tax}, *([{"type": "discount", "amount": -off}] if off else [])]
    said: dict[str, Any] = {
        "ucp": {"version": "2026-04-08", "payment_handlers": {}},
        "id": "chk_1",
        "status": "ready_for_complete",
        "currency": currency,
        "line_items": [
            {
                "id": f"li_{i}", "item": {"id": f"sku_{i}", "title": "T", "price": price}, "quantity": 1,
                "totals": [{"type": "subtotal", "amount": price}],
            }
            for i, price in enumerate(prices)
        ],
        "totals": [{"type": "subtotal", "amount": subtotal}, *other, {"type": "total", "amount": subtotal + tax - off}],
        "links": [],
        "expires_at": SOON,
    }  # fmt: skip
    return said | more


def cart(said: dict[str, Any], **more: Any) -> bytes:
    how: dict[str, Any] = {"merchant_name": "Shop", "methods": ["CARD"], **more}
    return cart_of(json.dumps(said).encode(), **how)


@given(
    st.lists(st.integers(0, 10**14), min_size=1, max_size=4),
    st.sampled_from(["USD", "JPY", "KWD", "CLF"]),
    st.integers(0, 10**6),
)
@settings(max_examples=60)
def test_the_cart_costs_what_the_checkout_costs_and_is_the_sum_of_its_items(
    prices: list[int], currency: str, tax: int
) -> None:
    read = read_json(cart(checkout(prices, currency=currency, tax=tax)), CartContents, "cart")
    details = read.payment_request.details
    assert details.total.amount.value == decimal_of(sum(prices) + tax, currency)
    assert sum((item.amount.value for item in details.display_items), Decimal(0)) == details.total.amount.value
    assert {item.amount.currency for item in details.display_items} == {currency}


def test_currencies_have_as_many_digits_behind_the_point_as_they_have() -> None:
    assert [str(decimal_of(1_234, currency)) for currency in ("USD", "JPY", "KWD", "CLF")] == [
        "12.34", "1234", "1.234", "0.1234",
    ]  # fmt: skip


def test_lines_are_labelled_by_what_is_bought_and_costs_by_their_kind() -> None:
    read = read_json(cart(checkout([1_000, 250], tax=100, off=50), refund_days=14), CartContents, "cart")
    items = read.payment_request.details.display_items
    assert [(item.label, str(item.amount)) for item in items] == [
        ("sku_0", "10 USD"), ("sku_1", "2.5 USD"), ("tax", "1 USD"), ("discount", "-0.5 USD"),
    ]  # fmt: skip
    assert {item.refund_period for item in items} == {14}
    assert read.user_cart_confirmation_required


@pytest.mark.parametrize(
    ("said", "how"),
    [
        (checkout([10], totals=[{"type": "subtotal", "amount": 10}, {"type": "total", "amount": 9}]), {}),
        (checkout([10], totals=[{"type": "subtotal", "amount": 9}, {"type": "total", "amount": 9}]), {}),
        (checkout([10**15]), {}),
        (checkout([10], expires_at=None), {}),
        (checkout([10]), {"methods": []}),
        (checkout([10]), {"merchant_name": ""}),
        (checkout([10]), {"refund_days": -1}),
    ],
)
def test_a_checkout_that_does_not_add_up_or_says_too_little_is_no_cart(
    said: dict[str, Any], how: dict[str, Any]
) -> None:
    with pytest.raises(UsageError):
        cart(said, **how)


def bodies() -> list[Ap2Intent | Ap2Cart | Ap2Payment | UcpCheckout]:
    offered = canonical_json(json.dumps(checkout([1_000])).encode())
    signed = signed_cart(cart(checkout([1_000])), SHOP, audience="p", jti="j", now_ms=NOW_MS)
    total = json.loads(signed)["contents"]["payment_request"]["details"]["total"]
    payment = {
        "payment_mandate_id": "pm", "payment_details_id": "chk_1", "payment_details_total": total,
        "payment_response": {"request_id": "chk_1", "method_name": "CARD"}, "merchant_agent": "Shop", "timestamp": SOON,
    }  # fmt: skip
    paid = signed_payment(json.dumps(payment).encode(), signed, SHOP, audience="Shop", nonce="n", now_ms=NOW_MS)
    wanted = canonical_json(json.dumps({"natural_language_description": "shoes", "intent_expiry": SOON}).encode())
    some = MessageId(bytes(32))
    return [
        Ap2Intent(principal=SHOP.peer, mandate=wanted),
        Ap2Cart(principal=SHOP.peer, intent=some, mandate=signed),
        Ap2Payment(principal=SHOP.peer, cart=some, mandate=paid),
        UcpCheckout(checkout=offered),
    ]


def test_mandates_and_checkouts_travel_in_a_message_of_a2a_to_the_byte() -> None:
    said = Neutral(role="assistant", pieces=(Piece(text="Here you are."), *map(commerce_piece, bodies())), id="m")
    raw, lost = dialect("a2a/1.0").write(said)
    assert lost == ()
    found = commerce_in(dialect("a2a/1.0").read(raw).pieces)
    assert [key for key, _ in found] == [
        "ap2.mandates.IntentMandate", "ap2.mandates.CartMandate", "ap2.mandates.PaymentMandate", "a2a.ucp.checkout",
    ]  # fmt: skip
    carried = [body.checkout if isinstance(body, UcpCheckout) else body.mandate for body in bodies()]
    assert [raw for _, raw in found] == carried


@pytest.mark.parametrize("data", ["[]", "1", '{"risk_data":"x"}', '{"ap2.mandates.Other":{}}'])
def test_data_that_is_no_mandate_is_passed_over(data: str) -> None:
    assert commerce_in([Piece(data=data), Piece(text="hi")]) == []


@pytest.mark.parametrize("key", ["ap2.mandates.IntentMandate", "ap2.mandates.PaymentMandate", "a2a.ucp.checkout"])
def test_what_is_said_under_a_mandate_s_key_and_is_none_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match=key):
        commerce_in([Piece(data=json.dumps({key: {}}))])
