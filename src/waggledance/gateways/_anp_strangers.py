"""Strangers who may come in by their name on the web instead of by an API key.

In this order: the header's form, whether its name is allowed, its time, whether its nonce was used, and only then the
document and the signature. So nobody makes us connect anywhere by a name that is not on the list, and a nonce is used
up by nobody but the name's owner.

Source: Agent Network Protocol, chapter 03 §3.2 (verification), §3.2.4 (errors). Beyond it: a header that was signed
before this verifier began is refused, because the nonces of then are forgotten; no bearer token is given out, each
request is signed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from waggledance.core import Clock, LoopClock, PeerFault, RunFailed, UsageError
from waggledance.gateways._anp_did import WbaDid
from waggledance.gateways._anp_document import signing_keys
from waggledance.gateways._anp_documents import Documents, NoDocument
from waggledance.gateways._anp_header import SCHEME, WbaHeader, read_header

WINDOW_MS = 60_000
"""How far a stranger's clock may be off, and so how long a nonce is remembered."""
MAX_NONCES = 10_000
"""Of one name at a time: so many requests in two minutes."""

Error = Literal[
    "invalid_request", "invalid_nonce", "invalid_timestamp", "invalid_did", "invalid_signature",
    "invalid_verification_method", "forbidden_did",
]  # fmt: skip
"""The words of the specification."""


class Stranger(RunFailed):
    """Somebody who is not let in."""

    def __init__(self, error: Error, why: str) -> None:
        super().__init__(error, why)
        self.error: Error = error
        self.why = why

    def __str__(self) -> str:
        return self.why

    @property
    def status(self) -> int:
        """The HTTP status: 403 for who may not, 401 for who has not shown who it is."""
        return 403 if self.error == "forbidden_did" else 401

    def challenge(self, realm: str) -> str:
        """Return the value of the ``WWW-Authenticate`` header."""
        why = self.why.translate(_QUOTED).encode("ascii", "replace").decode()
        return f'{SCHEME} realm="{realm}", error="{self.error}", error_description="{why}"'


_QUOTED = {ord('"'): "'", ord("\\"): "/", **dict.fromkeys((*range(32), 127), " ")}


class Strangers:
    """Who may come in by name.

    Args:
        allow: their `did:wba` names; at least one.
        services: the domains that we go by: a header has to be signed for one of them; at least one.
        documents: gets a name's document, as `WebDocuments` does.
        clock: the time that headers' times are compared with.

    Raises:
        UsageError: nobody is allowed, a name is none, or it is not said by which domain we go.
    """

    def __init__(
        self, allow: Collection[str], services: Collection[str], documents: Documents, *, clock: Clock | None = None
    ) -> None:
        self._allowed = frozenset(map(WbaDid.read, allow))
        self._services = tuple(dict.fromkeys(service.lower() for service in services))
        if not self._allowed:
            raise UsageError("nobody is let in by name: give at least one did:wba, or none of this")
        if not self._services or not all(self._services):
            raise UsageError("strangers sign for the domain that they ask: say by which we go, as in swarm.example")
        self._documents = documents
        self._clock: Clock = clock or LoopClock()
        self._since_ms = self._clock.wall_ms()
        self._used: dict[WbaDid, dict[str, int]] = {did: {} for did in self._allowed}

    @property
    def realm(self) -> str:
        """The first of the domains that we go by."""
        return self._services[0]

    async def holder(self, header: str) -> str:
        """Return the name of who signed a header.

        Args:
            header: the value of ``Authorization``.

        Raises:
            Stranger: it is not to be let in; says why.
        """
        try:
            said = read_header(header)
        except PeerFault as why:
            raise Stranger("invalid_request", why.detail) from why
        if said.did not in self._allowed:
            raise Stranger("forbidden_did", f"{said.did} is not among those who may come in")
        self._check_time(said)
        self._check_nonce(said)
        await self._check_signature(said)
        self._check_nonce(said)  # the same header may have come twice while the document was fetched
        self._used[said.did][said.nonce] = said.at_ms + WINDOW_MS
        return str(said.did)

    def _check_time(self, said: WbaHeader) -> None:
        off_ms = said.at_ms - self._clock.wall_ms()
        if abs(off_ms) > WINDOW_MS:
            raise Stranger(
                "invalid_timestamp",
                f"the header's time is {abs(off_ms) // 1000} s {'ahead of' if off_ms > 0 else 'behind'} ours; "
                f"{WINDOW_MS // 1000} s are allowed: set the clock, and sign anew",
            )
        if said.at_ms + 999 < self._since_ms:  # times are said in whole seconds
            raise Stranger("invalid_timestamp", "the header was signed before this server began: sign anew")

    def _check_nonce(self, said: WbaHeader) -> None:
        used, now_ms = self._used[said.did], self._clock.wall_ms()
        if used.get(said.nonce, -1) >= now_ms:
            raise Stranger("invalid_nonce", "the nonce has been used before: draw one for each request")
        if len(used) >= MAX_NONCES:
            self._used[said.did] = used = {nonce: until for nonce, until in used.items() if until >= now_ms}
        if len(used) >= MAX_NONCES:
            raise Stranger("invalid_nonce", "too many signed requests of this name: ask again in a minute")

    async def _check_signature(self, said: WbaHeader) -> None:
        try:
            keys = signing_keys(await self._documents(said.did), said.did)
        except NoDocument as why:
            raise Stranger("invalid_did", str(why)) from why
        except PeerFault as why:
            raise Stranger("invalid_did", why.detail) from why
        key = keys.get(said.method)
        if key is None:
            raise Stranger(
                "invalid_verification_method",
                f"the document of {said.did} has no Ed25519 key {said.method!r} to sign requests with",
            )
        if not any(said.holds(key, service) for service in self._services):
            raise Stranger(
                "invalid_signature",
                f"the signature is not by {said.did}#{said.method} for {' or '.join(self._services)}",
            )
