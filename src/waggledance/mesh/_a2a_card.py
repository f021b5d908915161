"""A2A cards: a capability record as other agents' software reads it, signed with the peer's own key; and back.

    name, description, version = str(ver), skills one to one, interfaces from `where`; all the rest, and the peer's id,
    under the extension ``urn:waggledance:capability:1``

A card is signed as a JWS (EdDSA over the card's RFC 8785 form) whose key id is the peer's id in hex. The key is the
name: a card that says it is of one peer and is signed by another is refused, and a link to a key (``jku``) is never
followed. Keys of small order are refused before the signature is looked at, because the library that checks it accepts
a forgery for them.

A foreign card becomes a claim of the gateway that read it: its texts are cut to our limits and are data.

Source: Agent2Agent protocol 1.0 (agent cards, §8.4 signatures), through `a2a-sdk` 1.3; extra ``a2a``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import msgspec

from waggledance.core import (
    Key,
    MessageId,
    PeerFault,
    PeerId,
    RunFailed,
    UsageError,
    is_public_key,
    well_formed,
    with_extra,
)
from waggledance.mesh._capability import (
    MAX_EXAMPLE_CHARS,
    MAX_ITEMS,
    MAX_NAME_CHARS,
    MAX_SKILLS,
    MAX_TEXT_CHARS,
    Capability,
    Capacity,
    ModelClaim,
    Price,
    Skill,
    ToolClaim,
    shown,
)

if TYPE_CHECKING:
    from a2a.types import AgentCard

EXTENSION = "urn:waggledance:capability:1"
MESH_BINDING = "urn:waggledance:mesh:1"
MAX_CARD_BYTES = 256 * 1024
_VERSION = "1.0"


class _Rest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a record says and an A2A card has no field for."""

    peer: PeerId
    models: tuple[ModelClaim, ...] = ()
    tools: tuple[ToolClaim, ...] = ()
    protocols: tuple[str, ...] = ()
    cost: Price = Price()
    limits: Capacity = Capacity()
    policy: tuple[str, ...] = ()
    parent: PeerId | None = None
    attest: bytes = b""
    lease_s: int = 600


def card_of(capability: Capability, key: Key) -> str:
    """Return a record as a signed A2A card.

    A2A demands a description and a tag or more of everything; where the record has none, its name stands there.

    Args:
        capability: the record.
        key: the key of the peer that the record is about.

    Returns:
        The card as JSON, to be served at ``/.well-known/agent-card.json``.

    Raises:
        RunFailed: the extra ``a2a`` is not installed.
    """
    _need_a2a()
    from google.protobuf.json_format import MessageToJson

    text: str = MessageToJson(sign_card(unsigned_card(capability, key.peer), key), indent=None)
    return text


def unsigned_card(capability: Capability, peer: PeerId | None) -> AgentCard:
    """Return a record as an A2A card that nobody has signed yet, for a gateway to add to what it says.

    Args:
        capability: the record.
        peer: whose card it is, who will sign it; None where nobody will, and then our extension is not on it.

    Raises:
        RunFailed: the extra ``a2a`` is not installed.
    """
    _need_a2a()
    from a2a.types import AgentCard
    from google.protobuf.json_format import ParseDict

    takes = sorted({kind for s in capability.skills for kind in s.takes}) or ["text/plain"]
    gives = sorted({kind for s in capability.skills for kind in s.gives}) or ["text/plain"]
    card: dict[str, Any] = {
        "name": capability.name,
        "description": capability.desc or capability.name,
        "version": str(capability.ver),
        "supportedInterfaces": [
            {"url": url, "protocolBinding": _binding(url), "protocolVersion": _VERSION} for url in capability.where
        ],
        "defaultInputModes": takes,
        "defaultOutputModes": gives,
        "skills": [
            {
                "id": skill.id,
                "name": skill.name,
                "description": skill.desc or skill.name,
                "tags": list(skill.tags) or [skill.id],
                "examples": list(skill.examples),
                "inputModes": list(skill.takes),
                "outputModes": list(skill.gives),
            }
            for skill in capability.skills
        ],
        "capabilities": {},
    }
    if peer is not None:
        kept = {name: getattr(capability, name) for name in _Rest.__struct_fields__ if name != "peer"}
        params = msgspec.to_builtins(_Rest(peer=peer, **kept))
        card["capabilities"] = {"extensions": [{"uri": EXTENSION, "params": params}]}
    made: AgentCard = ParseDict(card, AgentCard())
    return made


def sign_card(card: AgentCard, key: Key) -> AgentCard:
    """Return a card as it stands with a peer's signature; it has to name that peer under our extension.

    Raises:
        RunFailed: the extra ``a2a`` is not installed.
    """
    _need_a2a()
    from a2a.utils.signing import create_agent_card_signer
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    Ed25519PrivateKey.register(_AskedKey)
    sign = create_agent_card_signer(
        cast("Any", _AskedKey(key)), {"kid": key.peer.hex(), "alg": "EdDSA", "jku": None, "typ": "JOSE"}
    )
    return sign(card)


def verify_card(card: str | bytes) -> PeerId:
    """Return the peer that a card says it is of, when that peer signed it as it stands.

    Raises:
        PeerFault: ``oversize``, ``malformed``, or ``signature``: none by the peer it names, or something was changed.
        RunFailed: the extra ``a2a`` is not installed.
    """
    _need_a2a()
    from a2a.utils.signing import SignatureVerificationError, create_signature_verifier
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    parsed = _parsed(card, strict=True)
    rest = _rest_of(parsed)
    if rest is None:
        raise PeerFault("signature", f"the card has no extension {EXTENSION}, which says whose it is")
    if not is_public_key(rest.peer):
        raise PeerFault("signature", "what the card names as its peer is no key that can sign")
    peer = PeerId(rest.peer)

    def by_its_peer(kid: str | None, jku: str | None) -> Any:
        del kid, jku  # whatever key a signature says it is by, and wherever that lies: it has to hold by this one
        return Ed25519PublicKey.from_public_bytes(peer)

    try:
        create_signature_verifier(by_its_peer, ["EdDSA"])(parsed)
    except (SignatureVerificationError, ValueError, TypeError, RecursionError) as why:
        raise PeerFault("signature", f"the card is not signed as it stands by the peer it names: {why}") from why
    return peer


def capability_of_card(card: str | bytes, *, ver: int = 1) -> Capability:
    """Return what a card says as a record, for a gateway to publish under its own key; the signature is not looked at.

    Texts are brought to form NFC and cut to our limits, names freed of what does not show, and of skills with one id
    the first is taken. What stands under our own extension is taken over whole.

    Args:
        card: an A2A card as JSON; fields that its protocol version added are passed over.
        ver: the record's version, counted by the gateway.

    Raises:
        PeerFault: ``oversize`` or ``malformed``; or ``limits``, for numbers and texts under our extension.
        RunFailed: the extra ``a2a`` is not installed.
    """
    _need_a2a()
    parsed = _parsed(card, strict=False)
    rest = _rest_of(parsed)
    kept = {} if rest is None else {n: getattr(rest, n) for n in _Rest.__struct_fields__ if n != "peer"}
    skills = {
        id: Skill(
            id=id,
            name=_name(skill.name) or id,
            desc=_cut(skill.description, MAX_TEXT_CHARS),
            tags=_names(skill.tags),
            examples=tuple(_cut(text, MAX_EXAMPLE_CHARS) for text in skill.examples[:MAX_ITEMS]),
            takes=_names(skill.input_modes),
            gives=_names(skill.output_modes),
        )
        for skill in reversed(parsed.skills)
        if (id := _name(skill.id))
    }
    try:
        return Capability(
            ver=ver,
            name=_name(parsed.name) or "unnamed",
            desc=_cut(parsed.description, MAX_TEXT_CHARS),
            skills=tuple(reversed(skills.values()))[:MAX_SKILLS],
            where=_names((one.url for one in parsed.supported_interfaces), 2 * MAX_NAME_CHARS),
            **kept,
        )
    except UsageError as why:
        raise PeerFault("limits", f"the card's extension {EXTENSION}: {why}") from why


def _parsed(card: str | bytes, *, strict: bool) -> AgentCard:
    """Return a card as the SDK has it.

    Args:
        card: as JSON.
        strict: whether fields that are not known make it malformed; else they are passed over.

    Raises:
        PeerFault: ``oversize`` or ``malformed``.
    """
    from a2a.types import AgentCard
    from google.protobuf.json_format import Parse, ParseError

    if len(card) > MAX_CARD_BYTES:
        raise PeerFault("oversize", f"a card of {len(card):,} bytes; the limit is {MAX_CARD_BYTES:,}")
    try:
        parsed: AgentCard = Parse(card, AgentCard(), ignore_unknown_fields=not strict)
    except (ParseError, ValueError, RecursionError) as why:
        raise PeerFault("malformed", f"not an A2A card: {why}") from why
    return parsed


def _rest_of(card: AgentCard) -> _Rest | None:
    """Return what stands under our extension; None where it is not."""
    from google.protobuf.json_format import MessageToDict

    for extension in card.capabilities.extensions:
        if extension.uri == EXTENSION:
            try:
                return msgspec.convert(MessageToDict(extension.params), _Rest, strict=False)  # numbers come as floats
            except (msgspec.ValidationError, ValueError) as why:
                raise PeerFault("malformed", f"the card's extension {EXTENSION}: {why}") from why
    return None


def _binding(url: str) -> str:
    """Return how a peer is spoken to at an endpoint: by A2A's JSON-RPC over HTTP, or on the mesh."""
    return "JSONRPC" if url.startswith(("http://", "https://")) else MESH_BINDING


def _cut(text: str, most: int) -> str:
    """Return a text of many lines within our limits."""
    return well_formed(text)[:most].strip()


def _name(text: str, most: int = MAX_NAME_CHARS) -> str:
    """Return a name within our limits: one line of characters that show."""
    return _cut(shown(" ".join(text.split())), most)


def _names(texts: Iterable[str], most: int = MAX_NAME_CHARS) -> tuple[str, ...]:
    return tuple(name for text in texts if (name := _name(text, most)))[:MAX_ITEMS]


class _AskedKey:
    """A key that signs by asking ours, so that the secret half is not handed out."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def sign(self, signed: bytes) -> bytes:
        return self._key.sign(MessageId(signed))


def _need_a2a() -> None:
    if find_spec("a2a") is None:
        raise RunFailed(with_extra("A2A cards need the package a2a-sdk", "a2a"))
