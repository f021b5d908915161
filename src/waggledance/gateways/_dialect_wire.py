"""What dialects in JSON share: reading bytes into a form, and giving every failure its reason."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from waggledance.core import UsageError
from waggledance.gateways._dialect import MAX_MESSAGE_BYTES, DialectError

T = TypeVar("T")


def read_as(form: type[T], raw: bytes, dialect: str) -> T:
    """Return foreign bytes in a form.

    Raises:
        DialectError: ``oversize`` or ``malformed``.
    """
    check_size(raw, dialect)
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UsageError, RecursionError, UnicodeDecodeError) as why:
        raise DialectError("malformed", f"no message of {dialect}: {why}") from why


def check_size(raw: bytes, dialect: str) -> None:
    """Refuse a message that is too large to be looked at."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise DialectError(
            "oversize", f"a message of {dialect} of {len(raw):,} bytes; the limit is {MAX_MESSAGE_BYTES:,}"
        )


def object_of(raw: msgspec.Raw | msgspec.UnsetType, dialect: str) -> str:
    """Return a JSON object as it came; nothing where there is none.

    Raises:
        DialectError: it is JSON of another kind.
    """
    if raw is msgspec.UNSET:
        return ""
    text = text_of(raw)
    if text == "null":
        return ""
    if not text.startswith("{"):
        raise DialectError("malformed", f"in {dialect} what is said about a message is an object, got {text[:40]}")
    return text


def text_of(raw: msgspec.Raw) -> str:
    """Return JSON exactly as it came, without spaces around it."""
    return bytes(raw).decode().strip(" \t\r\n")


def raw_of(json: str) -> msgspec.Raw | msgspec.UnsetType:
    """Return JSON to be written as it is; nothing where it is empty."""
    return msgspec.Raw(json.encode()) if json else msgspec.UNSET
