"""The Agent Payments Protocol's three mandates as they stand in JSON: what is wanted, a cart, and the payer's yes.

Amounts are decimal numbers, never floats. What is not looked at here (addresses, data of payment methods) stays in the
JSON as it came. The shapes and names are the specification's.

Source: Agent Payments Protocol (AP2) v0.1 (September 2025): `IntentMandate`, `CartMandate`, `PaymentMandate`; W3C
Payment Request API, `PaymentItem`, `PaymentCurrencyAmount`. Version 0.2 (April 2026) is another set of objects, bound
by SD-JWTs under ES256, which a peer's Ed25519 key cannot make.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from waggledance.core import UsageError
from waggledance.gateways._jcs import read_json

MAX_DIGITS = 15
"""Of an amount: so many come through every JSON reader unharmed."""
COST_LINES = frozenset({"discount", "items_discount", "fulfillment", "tax", "fee"})
"""Labels of items that are no products."""
_CURRENCY = re.compile(r"[A-Z]{3}")


class Amount(msgspec.Struct, frozen=True):
    """A sum of money.

    Raises:
        UsageError: the currency is no ISO 4217 code, or the value no number of at most 15 digits.
    """

    currency: str
    """Three capital letters, ISO 4217."""
    value: Decimal
    """In whole units of the currency, such as ``Decimal("279.99")``."""

    def __post_init__(self) -> None:
        if _CURRENCY.fullmatch(self.currency) is None:
            raise UsageError(f"a currency is three capital letters, as in EUR; got {self.currency!r:.20}")
        digits = self.value.as_tuple()
        if not self.value.is_finite() or len(digits.digits) > MAX_DIGITS or abs(int(digits.exponent)) > MAX_DIGITS:
            raise UsageError(f"an amount has at most {MAX_DIGITS} digits, got {self.value}")

    def __str__(self) -> str:
        return f"{self.value:f} {self.currency}"


class PaymentItem(msgspec.Struct, frozen=True):
    """A line of a cart, or its total."""

    label: str
    amount: Amount
    pending: bool | None = None
    refund_period: int = 30
    """Days within which it can be given back."""


class PaymentMethod(msgspec.Struct, frozen=True):
    """A way to pay that a merchant takes."""

    supported_methods: str


class PaymentDetails(msgspec.Struct, frozen=True):
    """What is to be paid."""

    id: str
    display_items: tuple[PaymentItem, ...]
    total: PaymentItem


class PaymentRequest(msgspec.Struct, frozen=True):
    """What a merchant asks for."""

    method_data: tuple[PaymentMethod, ...]
    details: PaymentDetails


class IntentMandate(msgspec.Struct, frozen=True):
    """What somebody wants bought."""

    natural_language_description: str
    intent_expiry: str
    user_cart_confirmation_required: bool = True
    merchants: tuple[str, ...] | None = None
    """By name; any when None."""
    skus: tuple[str, ...] | None = None
    """Items are among these by their labels, `COST_LINES` apart; any when None."""
    requires_refundability: bool | None = False

    def __post_init__(self) -> None:
        milliseconds(self.intent_expiry)


class CartContents(msgspec.Struct, frozen=True):
    """A cart."""

    id: str
    user_cart_confirmation_required: bool
    payment_request: PaymentRequest
    cart_expiry: str
    merchant_name: str

    def __post_init__(self) -> None:
        milliseconds(self.cart_expiry)


class CartMandate(msgspec.Struct, frozen=True):
    """A cart with its merchant's signature."""

    contents: CartContents
    merchant_authorization: str | None = None


class PaymentResponse(msgspec.Struct, frozen=True):
    """How the payer has chosen to pay."""

    request_id: str
    method_name: str


class PaymentMandateContents(msgspec.Struct, frozen=True):
    """What is to be paid, to whom and how."""

    payment_mandate_id: str
    payment_details_id: str
    payment_details_total: PaymentItem
    payment_response: PaymentResponse
    merchant_agent: str
    timestamp: str

    def __post_init__(self) -> None:
        milliseconds(self.timestamp)


class PaymentMandate(msgspec.Struct, frozen=True):
    """A payment with the payer's signature over it and its cart."""

    payment_mandate_contents: PaymentMandateContents
    user_authorization: str | None = None


class Parts(msgspec.Struct, frozen=True):
    """What of a mandate is hashed, exactly as it stands there."""

    contents: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    payment_mandate_contents: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def contents_of(mandate: bytes) -> bytes:
    """Return the contents of a cart or payment mandate in canonical form, as they stand in it.

    Raises:
        UsageError: it has none.
    """
    parts = read_json(mandate, Parts, "mandate")
    for part in (parts.contents, parts.payment_mandate_contents):
        if part is not msgspec.UNSET:
            return bytes(part)
    raise UsageError("a mandate without contents")


def milliseconds(time: str) -> int:
    """Return an ISO 8601 time in milliseconds since 1970.

    Raises:
        UsageError: it is none, or does not say its offset from UTC.

    >>> milliseconds("2025-09-16T15:00:00Z")
    1758034800000
    """
    try:
        at = datetime.fromisoformat(time)
    except ValueError as why:
        raise UsageError(f"a time is written as in 2026-01-31T12:00:00Z, got {time!r:.60}") from why
    if at.tzinfo is None:
        raise UsageError(f"a time says its offset from UTC, as in 2026-01-31T12:00:00Z; got {time!r:.60}")
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
