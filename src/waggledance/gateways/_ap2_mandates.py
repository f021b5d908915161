"""Mandates as messages of a channel, and which of them hold: nothing pays, it is only known who has agreed to what.

A mandate is carried in canonical JSON by its principal and by nobody else: the intent and the payment by who wants and
pays, the cart by its merchant. Which mandates hold is a function of the set of messages and a time: each is checked
against the one it rests on, payment on cart, cart on intent.

Source: Agent Payments Protocol (AP2) v0.1; the reasons are the words of the Universal Commerce Protocol's AP2 extension
(`ap2_mandate.json`, `error_code`), with ``not_principal`` and ``repeated`` of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, TypeVar, cast

import msgspec

from waggledance.core import Body, Message, MessageId, PeerFault, PeerId, Unknown
from waggledance.core._message import decode_body
from waggledance.gateways._ap2_objects import (
    COST_LINES,
    CartContents,
    CartMandate,
    IntentMandate,
    PaymentMandate,
    milliseconds,
)
from waggledance.gateways._ap2_signatures import check_cart_signature, check_payment_signature
from waggledance.gateways._jcs import check_canonical, read_json

Reason = Literal[
    "", "mandate_required", "mandate_invalid_signature", "mandate_expired", "mandate_scope_mismatch",
    "merchant_authorization_invalid", "merchant_authorization_missing", "not_principal", "repeated",
]  # fmt: skip


class Ap2Intent(Body, frozen=True, gc=False):
    """What its author wants bought: an `IntentMandate`."""

    kind: ClassVar[str] = "ap2-intent/1"
    principal: PeerId
    """Whose money it is about; only the principal's own message counts."""
    mandate: bytes
    """Canonical JSON; see `canonical_json`."""

    def __post_init__(self) -> None:
        check_canonical(self.mandate, "an intent mandate")
        _ = self.read

    @property
    def read(self) -> IntentMandate:
        """The mandate."""
        return read_json(self.mandate, IntentMandate, "intent mandate")


class Ap2Cart(Body, frozen=True, gc=False):
    """A cart that a merchant offers for an intent: a `CartMandate`."""

    kind: ClassVar[str] = "ap2-cart/1"
    principal: PeerId
    """The merchant."""
    intent: MessageId
    mandate: bytes

    def __post_init__(self) -> None:
        check_canonical(self.mandate, "a cart mandate")
        _ = self.read

    @property
    def read(self) -> CartMandate:
        """The mandate."""
        return read_json(self.mandate, CartMandate, "cart mandate")


class Ap2Payment(Body, frozen=True, gc=False):
    """The payer's yes to a cart: a `PaymentMandate`."""

    kind: ClassVar[str] = "ap2-payment/1"
    principal: PeerId
    """The payer, who must be the intent's principal."""
    cart: MessageId
    mandate: bytes

    def __post_init__(self) -> None:
        check_canonical(self.mandate, "a payment mandate")
        _ = self.read

    @property
    def read(self) -> PaymentMandate:
        """The mandate."""
        return read_json(self.mandate, PaymentMandate, "payment mandate")


Mandate = Ap2Intent | Ap2Cart | Ap2Payment
M = TypeVar("M", Ap2Intent, Ap2Cart, Ap2Payment)


class MandateCheck(msgspec.Struct, frozen=True):
    """Whether a mandate holds."""

    message: Message[Any]
    refused: Reason = ""
    """Empty when it holds."""
    why: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was given by its principal, is in time, and fits what it rests on."""
        return not self.refused


def check_mandates(
    messages: Iterable[Message[Any]], *, at_ms: int, merchants: Mapping[str, PeerId] | None = None
) -> dict[MessageId, MandateCheck]:
    """Return of each mandate in a set of messages whether it holds; blind to the messages' order.

    Of several payments of one cart that hold, the one with the smallest id counts and the others are ``repeated``.

    Args:
        messages: any messages; those that are no mandates are passed over.
        at_ms: the time that mandates must not have expired at, milliseconds since 1970.
        merchants: by which key each merchant's name goes; when None a merchant is who says so, and known by its key.
    """
    known = sorted(filter(None, map(_known, messages)))
    checks: dict[MessageId, MandateCheck] = {}
    paid: set[MessageId] = set()

    def check(form: type[M], rule: Callable[[Message[M]], None]) -> None:
        for message in known:
            if isinstance(message.body, form):
                checks[message.id] = _checked(cast("Message[M]", message), rule)

    def resting(message: Message[Ap2Payment]) -> None:
        _payment(message, checks, at_ms)
        if message.body.cart in paid:
            raise PeerFault("repeated", "the cart has been agreed to before")
        paid.add(message.body.cart)

    check(Ap2Intent, lambda message: _intent(message, at_ms))
    check(Ap2Cart, lambda message: _cart(message, checks, at_ms, merchants))
    check(Ap2Payment, resting)
    return checks


def _known(message: Message[Any]) -> Message[Any] | None:
    """Return a message that is a mandate, also where it was read before this module was; None where it is none."""
    body = message.body
    if isinstance(body, Unknown) and body.kind_name in (Ap2Intent.kind, Ap2Cart.kind, Ap2Payment.kind):
        try:
            return msgspec.structs.replace(message, body=decode_body(body.kind_name, body.raw))
        except PeerFault:
            return None
    return message if isinstance(body, Mandate) else None


def _checked(message: Message[M], rule: Callable[[Message[M]], None]) -> MandateCheck:
    try:
        _by_principal(message)
        rule(message)
    except PeerFault as why:
        return MandateCheck(message, cast("Reason", why.reason), why.detail)
    return MandateCheck(message)


def _by_principal(message: Message[M]) -> None:
    if message.author != message.body.principal:
        raise PeerFault("not_principal", f"{message.author.hex()} says it for {message.body.principal.hex()}")


def _intent(message: Message[Ap2Intent], at_ms: int) -> None:
    if at_ms >= milliseconds(message.body.read.intent_expiry):
        raise PeerFault("mandate_expired", "the intent holds no longer")


def _cart(
    message: Message[Ap2Cart],
    checks: dict[MessageId, MandateCheck],
    at_ms: int,
    merchants: Mapping[str, PeerId] | None,
) -> None:
    body, cart = message.body, message.body.read
    intent = _held(checks, body.intent, Ap2Intent).read
    if cart.merchant_authorization is None:
        raise PeerFault("merchant_authorization_missing", "its merchant has not signed the cart")
    check_cart_signature(body.mandate, cart.merchant_authorization, body.principal, at_ms)
    contents = cart.contents
    if merchants is not None and merchants.get(contents.merchant_name) != body.principal:
        raise PeerFault("not_principal", f"{contents.merchant_name!r} does not go by the key {body.principal.hex()}")
    if at_ms >= milliseconds(contents.cart_expiry):
        raise PeerFault("mandate_expired", "the cart is offered no longer")
    _in_scope(contents, intent)


def _in_scope(contents: CartContents, intent: IntentMandate) -> None:
    details = contents.payment_request.details
    items = details.display_items
    if intent.merchants is not None and contents.merchant_name not in intent.merchants:
        raise PeerFault("mandate_scope_mismatch", f"the intent does not name the merchant {contents.merchant_name!r}")
    labels = {item.label for item in items} - COST_LINES
    if intent.skus is not None and not labels <= set(intent.skus):
        raise PeerFault("mandate_scope_mismatch", "the cart has an item whose label is none of the intent's SKUs")
    if intent.requires_refundability and any(item.refund_period <= 0 for item in items):
        raise PeerFault("mandate_scope_mismatch", "the cart has an item that cannot be given back")
    if any(item.amount.currency != details.total.amount.currency for item in items) or details.total.amount.value < 0:
        raise PeerFault("mandate_scope_mismatch", "the cart's total is negative, or of another currency than an item")


def _payment(message: Message[Ap2Payment], checks: dict[MessageId, MandateCheck], at_ms: int) -> None:
    body, payment = message.body, message.body.read
    carried = _held(checks, body.cart, Ap2Cart)
    intent = _held(checks, carried.intent, Ap2Intent)
    if body.principal != intent.principal:
        raise PeerFault("not_principal", "it is paid by another than the one who wanted it")
    said, request = payment.payment_mandate_contents, carried.read.contents.payment_request
    asked = request.details
    if (said.payment_details_id, said.payment_response.request_id) != (asked.id, asked.id):
        raise PeerFault(
            "mandate_scope_mismatch", f"it pays {said.payment_details_id!r}, and the cart asks {asked.id!r}"
        )
    if said.payment_details_total.amount != asked.total.amount:
        raise PeerFault(
            "mandate_scope_mismatch", f"it pays {said.payment_details_total.amount} of {asked.total.amount}"
        )
    if said.payment_response.method_name not in {method.supported_methods for method in request.method_data}:
        raise PeerFault("mandate_scope_mismatch", f"the merchant takes no {said.payment_response.method_name!r}")
    merchant = {carried.principal.hex(), carried.read.contents.merchant_name}
    if said.merchant_agent not in merchant:
        raise PeerFault("mandate_scope_mismatch", f"it pays {said.merchant_agent!r}, whose cart it is not")
    if payment.user_authorization is None:
        raise PeerFault("mandate_required", "the payer has not signed")
    claims = check_payment_signature(body.mandate, carried.mandate, payment.user_authorization, body.principal, at_ms)
    if claims.aud not in merchant:
        raise PeerFault("mandate_invalid_signature", f"the payer has signed for {claims.aud[:80]!r}")


def _held(checks: dict[MessageId, MandateCheck], id: MessageId, form: type[M]) -> M:
    """Return the mandate that another rests on."""
    check = checks.get(id)
    if check is None or not isinstance(check.message.body, form):
        raise PeerFault("mandate_required", f"what it rests on, {form.kind}, is not here")
    if not check.holds:
        raise PeerFault("mandate_required", f"what it rests on does not hold: {check.why}")
    return check.message.body
