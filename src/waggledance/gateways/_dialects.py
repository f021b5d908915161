"""The dialects that there are, by their ids, and translation from one to another through the neutral form."""

from __future__ import annotations

from collections.abc import Mapping

from waggledance.core import UnknownName
from waggledance.gateways._dialect import Dialect, Translation
from waggledance.gateways._dialect_a2a import A2ADialect
from waggledance.gateways._dialect_acp import ACPDialect
from waggledance.gateways._dialect_mcp import MCPDialect
from waggledance.gateways._dialect_openai import OpenAIChatDialect
from waggledance.gateways._dialect_plain import PlainDialect

_ALL: tuple[Dialect, ...] = (A2ADialect(), ACPDialect(), MCPDialect(), OpenAIChatDialect(), PlainDialect())
DIALECTS: Mapping[str, Dialect] = {dialect.id: dialect for dialect in _ALL}
"""By id, version included: an id that is not here is refused, never guessed."""


def dialect(id: str) -> Dialect:
    """Return a dialect by its id, such as ``"mcp/2026-07-28"``.

    Raises:
        UnknownName: there is none of that name and version; says the nearest.
    """
    if id not in DIALECTS:
        raise UnknownName("dialect", id, DIALECTS)
    return DIALECTS[id]


def translate(raw: bytes, source: str, target: str) -> Translation:
    """Return a message in another dialect, with what it was made from and what was lost.

    Args:
        raw: the message as it came.
        source: the dialect that it is in.
        target: the dialect that is wanted.

    Raises:
        UnknownName: a dialect is not known.
        DialectError: the message is not of its dialect.

    >>> translate(b"What is 2 + 2?", "plain/1", "openai-chat/1").raw
    b'{"role":"user","content":"What is 2 + 2?"}'
    """
    to = dialect(target)
    made, lost = to.write(dialect(source).read(raw))
    return Translation(raw=made, losses=lost, dialect=target, source=raw, source_dialect=source)
