"""Checkouts and catalogues of UCP: what official types take we take, amounts are integers, sums are looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ucp_sdk.models.schemas.shopping.catalog_search import SearchResponse
from ucp_sdk.models.schemas.shopping.checkout import Checkout as OfficialCheckout

from waggledance.core import UsageError
from waggledance.gateways import UcpCatalog, UcpCheckout, canonical_json

amounts = st.integers(0, 2**53 - 1)
minus = st.integers(-(2**53 - 1), -1)


@st.composite
def checkouts(draw: st.DrawFn) -> dict[str, Any]:
    lines = draw(st.lists(st.tuples(st.text(max_size=8), amounts, st.integers(1, 9)), min_size=1, max_size=3))
    more = draw(st.lists(st.tuples(st.sampled_from(["tax", "fee", "fulfillment"]), amounts), max_size=2))
    less = draw(st.lists(st.tuples(st.sampled_from(["discount", "items_discount"]), minus), max_size=1))
    return {
        "ucp": {"version": "2026-04-08", "payment_handlers": {}},
        "id": draw(st.text(max_size=8)),
        "status": draw(st.sampled_from(["incomplete", "ready_for_complete", "completed"])),
        "currency": draw(st.sampled_from(["USD", "EUR", "JPY"])),
        "line_items": [
            {
                "id": f"li_{i}", "item": {"id": f"p{i}", "title": title, "price": price}, "quantity": quantity,
                "totals": [{"type": "subtotal", "amount": price}, {"type": "total", "amount": price}],
            }
            for i, (title, price, quantity) in enumerate(lines)
        ],
        "totals": [
            {"type": "subtotal", "amount": draw(amounts)},
            *({"type": type, "amount": amount} for type, amount in (*more, *less)),
            {"type": "total", "amount": draw(amounts)},
        ],
        "links": [{"type": "terms_of_service", "url": "https://shop.example/terms"}],
        "merchant.example.loyalty": {"points": 12},
    }  # fmt: skip


@given(checkouts())
@settings(max_examples=40)
def test_what_we_carry_is_what_the_official_types_read_with_every_field_and_amount(said: dict[str, Any]) -> None:
    body = UcpCheckout(checkout=canonical_json(json.dumps(said).encode()))
    theirs = OfficialCheckout.model_validate_json(body.checkout).model_dump(mode="json", exclude_unset=True)
    ours = body.read
    assert json.loads(body.checkout) == said, "nothing is lost, known or not"
    assert [item["item"]["price"] for item in theirs["line_items"]] == [line.item.price for line in ours.line_items]
    assert [total["amount"] for total in theirs["totals"]] == [total.amount for total in ours.totals]
    assert ours.adds_up == (sum(t["amount"] for t in said["totals"][:-1]) == said["totals"][-1]["amount"])


WELL: dict[str, Any] = {
    "ucp": {"version": "2026-04-08", "payment_handlers": {}},
    "id": "chk_1",
    "status": "ready_for_complete",
    "currency": "USD",
    "line_items": [],
    "totals": [{"type": "subtotal", "amount": 10}, {"type": "total", "amount": 10}],
    "links": [],
}
SUBTOTAL, TOTAL = WELL["totals"]

BAD: dict[str, dict[str, Any]] = {
    "a total that is no integer": {"totals": [SUBTOTAL, {"type": "total", "amount": 10.5}]},
    "a total in words": {"totals": [SUBTOTAL, {"type": "total", "amount": "10"}]},
    "no total": {"totals": [SUBTOTAL]},
    "two totals": {"totals": [SUBTOTAL, TOTAL, TOTAL]},
    "no subtotal": {"totals": [TOTAL]},
    "a discount that adds": {"totals": [SUBTOTAL, TOTAL, {"type": "discount", "amount": 1}]},
    "a tax that takes away": {"totals": [SUBTOTAL, TOTAL, {"type": "tax", "amount": -1}]},
    "a kind of total that nobody knows, without words": {"totals": [SUBTOTAL, TOTAL, {"type": "tip", "amount": 1}]},
    "a status that is none": {"status": "paid"},
    "a currency that is none": {"currency": "usd"},
    "no version": {"ucp": {}},
    "a version that is none": {"ucp": {"version": "1.0"}},
    "a time without a zone": {"expires_at": "2026-09-21T14:00:00"},
    "none of a product": {
        "line_items": [{"id": "l", "item": {"id": "p", "title": "t", "price": 1}, "quantity": 0, "totals": []}]
    },
    "a price below nothing": {
        "line_items": [{"id": "l", "item": {"id": "p", "title": "t", "price": -1}, "quantity": 1, "totals": []}]
    },
}


@pytest.mark.parametrize("bad", BAD)
def test_a_checkout_that_makes_no_sense_is_no_message(bad: str) -> None:
    assert UcpCheckout(checkout=canonical_json(json.dumps(WELL).encode())).read.total == 10
    with pytest.raises(UsageError):
        UcpCheckout(checkout=canonical_json(json.dumps(WELL | BAD[bad]).encode()))


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"a":NaN}', b'{"a":1e999}', b'{"a":9007199254740993}', b"\xff"])
def test_what_has_no_canonical_form_is_refused(raw: bytes) -> None:
    with pytest.raises(UsageError):
        canonical_json(raw)


@pytest.mark.parametrize("raw", [b'{"a":' * 50_000, b'{"a":"' + b"x" * 70_000 + b'"}'])
def test_what_is_deep_or_large_is_refused(raw: bytes) -> None:
    with pytest.raises(UsageError):
        canonical_json(raw)


def test_one_object_has_one_form_whatever_way_it_is_written() -> None:
    written = json.dumps(WELL, indent=2).encode()
    assert canonical_json(written) == canonical_json(json.dumps(dict(reversed(WELL.items()))).encode())
    with pytest.raises(UsageError, match="canonical"):
        UcpCheckout(checkout=written)
    with pytest.raises(UsageError, match="canonical"):
        UcpCheckout(checkout=b'{"id":"a",' + canonical_json(written)[1:])  # a key there twice


def catalog(**variant: Any) -> bytes:
    price = {"amount": 12_000, "currency": "USD"}
    one = {"id": "v1", "title": "Red / 9", "description": {"plain": "Red."}, "price": price}
    product = {
        "id": "p1", "title": "Shoes", "description": {"plain": "High."}, "price_range": {"min": price, "max": price},
        "variants": [one | variant],
    }  # fmt: skip
    return canonical_json(json.dumps({"ucp": {"version": "2026-04-08"}, "products": [product]}).encode())


def test_a_catalogue_is_read_as_the_official_types_read_it() -> None:
    body = UcpCatalog(catalog=catalog())
    theirs = SearchResponse.model_validate_json(body.catalog).model_dump(mode="json", exclude_unset=True)
    (product,) = body.read.products
    assert theirs["products"][0]["variants"][0]["price"] == {"amount": 12_000, "currency": "USD"}
    assert (product.variants[0].price.amount, product.variants[0].price.currency) == (12_000, "USD")


@pytest.mark.parametrize(
    "variant", [{"price": {"amount": 1.5, "currency": "USD"}}, {"price": {"amount": 1}}, {"id": None}]
)
def test_a_catalogue_that_makes_no_sense_is_no_message(variant: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        UcpCatalog(catalog=catalog(**variant))
