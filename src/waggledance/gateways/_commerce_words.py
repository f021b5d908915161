"""Mandates and checkouts in words, for people who read a log: what is wanted, offered, agreed to, for how much."""

from __future__ import annotations

from waggledance.core import Body, PeerFault, Unknown
from waggledance.core._message import decode_body
from waggledance.gateways._ap2_cart import decimal_of
from waggledance.gateways._ap2_mandates import Ap2Cart, Ap2Intent, Ap2Payment
from waggledance.gateways._ucp_catalog import UcpCatalog
from waggledance.gateways._ucp_checkout import UcpCheckout


def commerce_words(body: Body) -> str:
    """Return what a mandate, a checkout or a catalogue says; nothing of any other body.

    Words are the author's: show them as such. Whether a mandate holds is another question; see `check_mandates`.

    Args:
        body: as it was read from a log, also one whose kind was not known then.
    """
    if isinstance(body, Unknown):
        try:
            body = decode_body(body.kind_name, body.raw)
        except PeerFault:
            return ""
    if isinstance(body, Ap2Intent):
        return f"wants: {body.read.natural_language_description}"
    if isinstance(body, Ap2Cart):
        contents = body.read.contents
        return f"offers cart {contents.id} of {contents.merchant_name}: {contents.payment_request.details.total.amount}"
    if isinstance(body, Ap2Payment):
        said = body.read.payment_mandate_contents
        return f"agrees to pay {said.payment_details_total.amount} to {said.merchant_agent}"
    if isinstance(body, UcpCheckout):
        checkout = body.read
        lines, total = (
            len(checkout.line_items),
            f"{decimal_of(checkout.total, checkout.currency):f} {checkout.currency}",
        )
        return f"checkout {checkout.id}: {lines} {'line' if lines == 1 else 'lines'}, {total}, {checkout.status}"
    if isinstance(body, UcpCatalog):
        products = len(body.read.products)
        return f"catalogue of {products} {'product' if products == 1 else 'products'}"
    return ""
