"""A checkout that a swarm has agreed on as the cart of a mandate: the same lines and the same total, to the cent.

Source: Universal Commerce Protocol, `checkout.json`; AP2 v0.1, `CartContents`; ISO 4217 for minor units.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

import rfc8785

from waggledance.core import UsageError
from waggledance.gateways._ap2_objects import MAX_DIGITS
from waggledance.gateways._jcs import read_json
from waggledance.gateways._ucp_checkout import Checkout

_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"
"""Currencies that have not two digits behind the point; ISO 4217."""


def cart_of(
    checkout: bytes, *, merchant_name: str, methods: Collection[str], refund_days: int = 30, expires_at: str = ""
) -> bytes:
    """Return a checkout as AP2's `CartContents`, in canonical JSON.

    Each line becomes an item, labelled by the product's id, at the line's subtotal; discounts, tax, shipping and fees
    become items of their own, labelled by their type. The payer confirms the cart.

    Args:
        checkout: a UCP checkout, as JSON.
        merchant_name: who offers it.
        methods: ways to pay that the merchant takes, such as ``"CARD"``; at least one.
        refund_days: within how many days items can be given back, ≥ 0.
        expires_at: until when the cart is offered, ISO 8601; the checkout's own time when empty.

    Raises:
        UsageError: its total is not the sum of the rest, its lines not the subtotal, an amount has too many digits, or
            nothing says how to pay or until when.
    """
    read = read_json(checkout, Checkout, "checkout")
    if not read.adds_up or sum(line.subtotal for line in read.line_items) != _amount(read, "subtotal"):
        raise UsageError(f"checkout {read.id!r} does not add up: it needs a person, and is no cart for a mandate")
    until = expires_at or read.expires_at
    if not (until and methods and merchant_name) or refund_days < 0:
        raise UsageError(
            "a cart says who offers it, until when, how it can be paid, and 0 or more days to give it back"
        )
    items = [_item(line.item.id, line.subtotal, read.currency, refund_days) for line in read.line_items]
    more = [total for total in read.totals if total.type not in ("subtotal", "total")]
    items += [_item(total.type, total.amount, read.currency, refund_days) for total in more]
    cart: dict[str, Any] = {
        "id": read.id,
        "user_cart_confirmation_required": True,
        "payment_request": {
            "method_data": [{"supported_methods": method} for method in sorted(methods)],
            "details": {
                "id": read.id,
                "display_items": items,
                "total": _item("Total", read.total, read.currency, refund_days),
            },
        },
        "cart_expiry": until,
        "merchant_name": merchant_name,
    }
    return rfc8785.dumps(cart)


def decimal_of(minor: int, currency: str) -> Decimal:
    """Return an amount in minor units as one in whole units.

    >>> str(decimal_of(27_999, "USD")), str(decimal_of(500, "JPY")), str(decimal_of(1_234, "KWD"))
    ('279.99', '500', '1.234')
    """
    lists = {_NO_DIGITS: 0, _THREE_DIGITS: 3, _FOUR_DIGITS: 4}
    digits = next((digits for names, digits in lists.items() if currency in names.split()), 2)
    return Decimal(minor).scaleb(-digits)


def _amount(checkout: Checkout, type: str) -> int:
    return sum(total.amount for total in checkout.totals if total.type == type)


def _item(label: str, minor: int, currency: str, refund_days: int) -> dict[str, Any]:
    if len(str(abs(minor))) > MAX_DIGITS:
        raise UsageError(f"an amount has at most {MAX_DIGITS} digits, got {minor}")
    value = float(decimal_of(minor, currency))  # JSON's number: 15 digits are the same there and back
    return {"label": label, "amount": {"currency": currency, "value": value}, "refund_period": refund_days}
