"""The Universal Commerce Protocol's search results as messages: which products there are, and for how much.

Source: Universal Commerce Protocol, `schemas/shopping/catalog_search.json`, `types/product.json`, `types/variant.json`,
`common/types/price.json` (August 2026).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from waggledance.core import Body
from waggledance.gateways._jcs import check_canonical, read_json
from waggledance.gateways._ucp_checkout import MinorUnits, Version


class UcpPrice(msgspec.Struct, frozen=True):
    """A price with its currency."""

    amount: MinorUnits
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


class UcpVariant(msgspec.Struct, frozen=True):
    """A product as it can be bought: its id is an item's in a checkout."""

    id: str
    title: str
    price: UcpPrice


class UcpProduct(msgspec.Struct, frozen=True):
    """A product."""

    id: str
    title: str
    variants: Annotated[tuple[UcpVariant, ...], msgspec.Meta(min_length=1)]


class Catalog(msgspec.Struct, frozen=True):
    """What a search has found."""

    ucp: Version
    products: tuple[UcpProduct, ...]


class UcpCatalog(Body, frozen=True, gc=False):
    """A search's result, as its author has it from a merchant or gives it as one."""

    kind: ClassVar[str] = "ucp-catalog/1"
    catalog: bytes
    """Canonical JSON; see `canonical_json`."""

    def __post_init__(self) -> None:
        check_canonical(self.catalog, "a catalogue")
        _ = self.read

    @property
    def read(self) -> Catalog:
        """The catalogue."""
        return read_json(self.catalog, Catalog, "catalogue")
