"""The signatures inside mandates: the merchant's over a cart, the payer's over cart and payment.

Both are JWTs under EdDSA (RFC 8037) whose key id is the signer's id in hexadecimal:

    merchant_authorization  {iss, sub: cart id, aud, iat, exp, jti, cart_hash}
    user_authorization      {iss, aud, nonce, iat, exp, transaction_data: [hash of the cart mandate, of the payment]}

Hashes are SHA-256 of the canonical JSON, so what was signed cannot be another cart, another total or another payment.

Source: AP2 v0.1, `CartMandate.merchant_authorization`, `PaymentMandate.user_authorization`; RFC 7515 (JWS), RFC 7519.
The payer signs directly, as who is known by key; a credential that somebody issued to it (SD-JWT-VC) is not read.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from typing import Any

import msgspec
import rfc8785

from waggledance.core import Key, MessageId, PeerFault, PeerId, UsageError, signature_holds
from waggledance.gateways._anp_did import b64url
from waggledance.gateways._ap2_objects import CartContents, PaymentMandateContents, contents_of
from waggledance.gateways._jcs import canonical_json, hash_of, read_json

SKEW_S = 60
"""How far ahead a signer's clock may be."""


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature inside a mandate says."""

    iss: str
    aud: str
    iat: int
    exp: int
    cart_hash: str = ""
    transaction_data: tuple[str, ...] = ()


def signed_cart(contents: bytes, key: Key, *, audience: str, jti: str, now_ms: int, for_s: int = 900) -> bytes:
    """Return a `CartMandate`: a cart with its merchant's signature, in canonical form.

    Args:
        contents: the `CartContents`, as JSON.
        key: the merchant's.
        audience: for whom it is meant, such as a payment processor's name.
        jti: drawn for this signature alone.
        now_ms: the time, milliseconds since 1970.
        for_s: how long it holds, in seconds, ≥ 1; 5 to 15 minutes are usual.

    Raises:
        UsageError: it is no cart, or would hold for no time.
    """
    contents = canonical_json(contents)
    cart = read_json(contents, CartContents, "cart")
    more = {"sub": cart.id, "jti": jti, "cart_hash": hash_of(contents)}
    token = _token(key, more, audience=audience, now_ms=now_ms, for_s=for_s)
    return _with(contents, "contents", "merchant_authorization", token)


def signed_payment(
    contents: bytes, cart: bytes, key: Key, *, audience: str, nonce: str, now_ms: int, for_s: int = 900
) -> bytes:
    """Return a `PaymentMandate`: a payment with the payer's signature over it and its cart, in canonical form.

    Args:
        contents: the `PaymentMandateContents`, as JSON.
        cart: the `CartMandate` that is paid, as it was carried.
        key: the payer's.
        audience: for whom it is meant: the merchant.
        nonce: drawn for this signature alone.
        now_ms: the time, milliseconds since 1970.
        for_s: how long it holds, in seconds, ≥ 1.

    Raises:
        UsageError: it is no payment, or would hold for no time.
    """
    contents = canonical_json(contents)
    read_json(contents, PaymentMandateContents, "payment")
    more: dict[str, Any] = {"nonce": nonce, "transaction_data": [hash_of(canonical_json(cart)), hash_of(contents)]}
    token = _token(key, more, audience=audience, now_ms=now_ms, for_s=for_s)
    return _with(contents, "payment_mandate_contents", "user_authorization", token)


def check_cart_signature(mandate: bytes, token: str, merchant: PeerId, at_ms: int) -> None:
    """Refuse a cart that its merchant has not signed as it is.

    Raises:
        PeerFault: ``merchant_authorization_invalid``, or ``mandate_expired``.
    """
    claims = _claims(token, merchant, at_ms, "merchant_authorization_invalid")
    if claims.cart_hash != hash_of(contents_of(mandate)):
        raise PeerFault("merchant_authorization_invalid", "the merchant's signature is over another cart")


def check_payment_signature(mandate: bytes, cart: bytes, token: str, payer: PeerId, at_ms: int) -> Claims:
    """Refuse a payment that its payer has not signed as it is, for this cart.

    Returns:
        What the signature says, for whom it is meant among it.

    Raises:
        PeerFault: ``mandate_invalid_signature``, or ``mandate_expired``.
    """
    claims = _claims(token, payer, at_ms, "mandate_invalid_signature")
    if claims.transaction_data != (hash_of(cart), hash_of(contents_of(mandate))):
        raise PeerFault("mandate_invalid_signature", "the payer's signature is over another cart or payment")
    return claims


def _with(contents: bytes, name: str, signature: str, token: str) -> bytes:
    return rfc8785.dumps({name: msgspec.json.decode(contents), signature: token})


def _token(key: Key, more: dict[str, Any], *, audience: str, now_ms: int, for_s: int) -> str:
    if for_s < 1:
        raise UsageError(f"a signature holds for a second or more, got {for_s}")
    at_s, signer = now_ms // 1000, key.peer.hex()
    claims: dict[str, Any] = {"iss": signer, "aud": audience, "iat": at_s, "exp": at_s + for_s, **more}
    header = {"alg": "EdDSA", "kid": signer, "typ": "JWT"}
    said = ".".join(b64url(rfc8785.dumps(dict(part))) for part in (header, claims))
    return f"{said}.{b64url(key.sign(MessageId(said.encode())))}"


def _claims(token: str, signer: PeerId, at_ms: int, reason: str) -> Claims:
    said, _, written = token.rpartition(".")
    head, _, body = said.partition(".")
    try:
        header = msgspec.json.decode(_bytes(head), type=_Header)
        claims = msgspec.json.decode(_bytes(body), type=Claims)
        signature = _bytes(written)
    except (msgspec.DecodeError, NoBase64, ValueError, RecursionError) as why:
        raise PeerFault(reason, f"no signed token: {why}") from why
    if header.alg != "EdDSA" or header.crit is not msgspec.UNSET:
        raise PeerFault(reason, f"signatures are EdDSA without critical extensions, got {header.alg[:20]!r}")
    if header.kid != signer.hex() or claims.iss != signer.hex():
        raise PeerFault(reason, f"the token says that {claims.iss[:80]!r} signs, and {signer.hex()} is to")
    if not signature_holds(signer, MessageId(said.encode()), signature):
        raise PeerFault(reason, f"the signature is not {signer.hex()}'s")
    if at_ms >= claims.exp * 1000:
        raise PeerFault("mandate_expired", "the signature holds no longer")
    if claims.iat > at_ms // 1000 + SKEW_S:
        raise PeerFault(reason, "the signature is from the future")
    return claims


def _bytes(written: str) -> bytes:
    raw = urlsafe_b64decode(written + "=" * (-len(written) % 4))
    if b64url(raw) != written:
        raise ValueError("not in base64url")
    return raw
