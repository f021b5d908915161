"""JSON in its one canonical form, so that what was signed and what is hashed are the same bytes everywhere.

Source: RFC 8785, JSON Canonicalization Scheme, through `rfc8785`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, TypeVar

import msgspec
import rfc8785

from waggledance.core import UsageError
from waggledance.gateways._anp_did import b64url

MAX_JSON_BYTES = 60 * 1024
"""So much fits into one message, with what is said about it."""
T = TypeVar("T")


def canonical_json(raw: bytes) -> bytes:
    """Return a JSON object in canonical form.

    Raises:
        UsageError: it is no JSON object, has numbers that are no doubles, or is over 60 KiB.

    >>> canonical_json(b'{"b": 1.50, "a": [1e2]}')
    b'{"a":[100],"b":1.5}'
    """
    if len(raw) > MAX_JSON_BYTES:
        raise UsageError(f"an object of {len(raw):,} bytes; the limit is {MAX_JSON_BYTES:,}")
    try:
        plain: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
        return rfc8785.dumps(plain)
    except (msgspec.DecodeError, rfc8785.CanonicalizationError, RecursionError, UnicodeError) as why:
        raise UsageError(f"no JSON object: {why}; got {raw!r:.80}") from why


def check_canonical(raw: bytes, what: str) -> None:
    """Refuse JSON that is not in canonical form: there would be two hashes of one thing.

    Raises:
        UsageError: it is no JSON object, or in another form.
    """
    if canonical_json(raw) != raw:
        raise UsageError(f"{what} is carried in canonical form: use canonical_json(...)")


def read_json(raw: bytes, form: type[T], what: str) -> T:
    """Return JSON in a form, numbers exactly as they are written.

    Raises:
        UsageError: it is not of the form; says where.
    """
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as why:
        raise UsageError(f"no {what}: {why}; got {raw!r:.80}") from why


def hash_of(canonical: bytes) -> str:
    """Return the SHA-256 of canonical JSON, in base64url."""
    return b64url(sha256(canonical).digest())
