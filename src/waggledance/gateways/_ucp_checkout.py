"""The Universal Commerce Protocol's checkouts as messages: what would be bought, at what price, at which state.

Amounts are integers in the currency's minor unit (cents). The whole object travels in canonical JSON; what is read here
is what a swarm needs to compare checkouts and to agree on one. Nothing here completes a checkout.

Source: Universal Commerce Protocol, `schemas/shopping/checkout.json`, `types/line_item.json`, `types/item.json`,
`common/types/totals.json` (August 2026), and the invariants of ``totals[]`` in the checkout specification.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

import msgspec

from waggledance.core import Body, UsageError
from waggledance.gateways._ap2_objects import milliseconds
from waggledance.gateways._jcs import check_canonical, read_json

MAX_AMOUNT = 2**53 - 1
_CURRENCY = re.compile(r"[A-Z]{3}")
_NEGATIVE = frozenset({"discount", "items_discount"})
_POSITIVE = frozenset({"subtotal", "fulfillment", "tax", "fee"})
_KNOWN = _NEGATIVE | _POSITIVE | {"total"}

MinorUnits = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]
SignedMinorUnits = Annotated[int, msgspec.Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]


class UcpTotal(msgspec.Struct, frozen=True):
    """One line of what a checkout costs.

    Raises:
        UsageError: a discount adds, or a price, tax or fee takes away.
    """

    type: str
    """``"subtotal"``, ``"discount"``, ``"items_discount"``, ``"fulfillment"``, ``"tax"``, ``"fee"``, ``"total"``, or a
    merchant's own."""
    amount: SignedMinorUnits
    display_text: str = ""

    def __post_init__(self) -> None:
        if (self.type in _NEGATIVE and self.amount >= 0) or (self.type in _POSITIVE and self.amount < 0):
            raise UsageError(f"a {self.type} of {self.amount} has the wrong sign")


class UcpItem(msgspec.Struct, frozen=True):
    """A product as it stands in a checkout."""

    id: str
    title: str
    price: MinorUnits


class UcpLineItem(msgspec.Struct, frozen=True):
    """So many of a product."""

    id: str
    item: UcpItem
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
    totals: tuple[UcpTotal, ...]

    @property
    def subtotal(self) -> int:
        """What the line costs before discounts, in minor units.

        Raises:
            UsageError: it does not say so once.
        """
        return _only(self.totals, "subtotal", f"line {self.id!r}")


class Version(msgspec.Struct, frozen=True):
    """Of the protocol."""

    version: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Link(msgspec.Struct, frozen=True):
    """To a merchant's terms."""

    type: str
    url: str


class Checkout(msgspec.Struct, frozen=True):
    """A checkout.

    Raises:
        UsageError: it has not one subtotal and one total, a total of a merchant's own without words, or no currency.
    """

    ucp: Version
    id: str
    status: Literal[
        "incomplete", "requires_escalation", "ready_for_complete", "complete_in_progress", "completed", "canceled"
    ]
    currency: str
    line_items: tuple[UcpLineItem, ...]
    totals: tuple[UcpTotal, ...]
    links: tuple[Link, ...]
    expires_at: str | None = None

    def __post_init__(self) -> None:
        if _CURRENCY.fullmatch(self.currency) is None:
            raise UsageError(f"a currency is three capital letters, as in EUR; got {self.currency!r:.20}")
        for type in ("subtotal", "total"):
            _only(self.totals, type, "a checkout")
        if any(total.type not in _KNOWN and not total.display_text for total in self.totals):
            raise UsageError("a total of a kind that not everybody knows says in words what it is")
        if self.expires_at is not None:
            milliseconds(self.expires_at)

    @property
    def total(self) -> int:
        """What is to be paid, in minor units."""
        return _only(self.totals, "total", "a checkout")

    @property
    def adds_up(self) -> bool:
        """Whether the total is the sum of the rest; one that does not must not be completed without a person."""
        return sum(total.amount for total in self.totals if total.type != "total") == self.total


class UcpCheckout(Body, frozen=True, gc=False):
    """A checkout, as its author has it from a merchant or offers it as one."""

    kind: ClassVar[str] = "ucp-checkout/1"
    checkout: bytes
    """Canonical JSON; see `canonical_json`."""

    def __post_init__(self) -> None:
        check_canonical(self.checkout, "a checkout")
        _ = self.read

    @property
    def read(self) -> Checkout:
        """The checkout."""
        return read_json(self.checkout, Checkout, "checkout")


def _only(totals: tuple[UcpTotal, ...], type: str, where: str) -> int:
    found = [total.amount for total in totals if total.type == type]
    if len(found) != 1:
        raise UsageError(f"{where} has one {type}, got {len(found)}")
    return found[0]
