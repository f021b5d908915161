"""Mandates and checkouts in messages of A2A: each is an entry of a data part, under a key that its extension names.

    ap2.mandates.IntentMandate, ap2.mandates.CartMandate, ap2.mandates.PaymentMandate, a2a.ucp.checkout

Through the dialect ``a2a/1.0`` they go out and come in as `Piece`s. What comes in is a claim of who sent it: it becomes
a message when its principal says it.

Source: "A2A Extension for AP2" v0.1; Universal Commerce Protocol, checkout A2A binding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from waggledance.core import UsageError
from waggledance.gateways._ap2_mandates import Ap2Cart, Ap2Intent, Ap2Payment
from waggledance.gateways._ap2_objects import CartMandate, IntentMandate, PaymentMandate
from waggledance.gateways._dialect import Piece
from waggledance.gateways._jcs import canonical_json, read_json
from waggledance.gateways._ucp_checkout import Checkout, UcpCheckout

AP2_EXTENSION = "https://github.com/google-agentic-commerce/ap2/tree/v0.1"
"""The extension's URI, for a message's `extensions` and an agent's card."""

CommerceKey = Literal[
    "ap2.mandates.IntentMandate", "ap2.mandates.CartMandate", "ap2.mandates.PaymentMandate", "a2a.ucp.checkout"
]
_FORMS: Mapping[CommerceKey, type[IntentMandate | CartMandate | PaymentMandate | Checkout]] = {
    "ap2.mandates.IntentMandate": IntentMandate,
    "ap2.mandates.CartMandate": CartMandate,
    "ap2.mandates.PaymentMandate": PaymentMandate,
    "a2a.ucp.checkout": Checkout,
}


def commerce_piece(body: Ap2Intent | Ap2Cart | Ap2Payment | UcpCheckout) -> Piece:
    """Return a mandate or a checkout as a piece with data."""
    if isinstance(body, UcpCheckout):
        return Piece(data=_entry("a2a.ucp.checkout", body.checkout))
    if isinstance(body, Ap2Intent):
        return Piece(data=_entry("ap2.mandates.IntentMandate", body.mandate))
    cart = isinstance(body, Ap2Cart)
    return Piece(data=_entry("ap2.mandates.CartMandate" if cart else "ap2.mandates.PaymentMandate", body.mandate))


def commerce_in(pieces: Iterable[Piece]) -> list[tuple[CommerceKey, bytes]]:
    """Return the mandates and checkouts in a message's pieces, in their order, each in canonical JSON.

    Other pieces, and other entries of a piece, are passed over.

    Raises:
        UsageError: one is not of the form that its key says.
    """
    found: list[tuple[CommerceKey, bytes]] = []
    for piece in pieces:
        entries = _entries(piece)
        for key, form in _FORMS.items():
            if key in entries:
                read_json(bytes(entries[key]), form, key)
                found.append((key, canonical_json(bytes(entries[key]))))
    return found


def _entry(key: CommerceKey, raw: bytes) -> str:
    return msgspec.json.encode({key: msgspec.Raw(raw)}).decode()


def _entries(piece: Piece) -> dict[str, msgspec.Raw]:
    if piece.data is None:
        return {}
    try:
        return msgspec.json.decode(piece.data, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return {}  # JSON, but no object
    except (msgspec.DecodeError, RecursionError) as why:
        raise UsageError(f"a piece's data is JSON: {why}") from why
