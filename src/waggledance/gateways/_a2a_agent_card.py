"""The card of a swarm that is served: a capability record like a peer's, with how it is spoken to."""

from __future__ import annotations

from typing import Any

from a2a.types import (
    AgentCard,
    AgentExtension,
    AgentInterface,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from google.protobuf.json_format import ParseDict

from waggledance.core import Key
from waggledance.gateways._a2a_asked import JSON, QUESTION, TEXT
from waggledance.gateways._a2a_task import DECISION, SAID
from waggledance.gateways._a2ui_surface import CATALOG
from waggledance.gateways._anp_header import SCHEME
from waggledance.gateways._hosted import Hosted
from waggledance.gateways._shown_pictures import TYPES, seeing
from waggledance.mesh import Capability, Skill
from waggledance.mesh._a2a_card import sign_card, unsigned_card
from waggledance.mesh._capability import MAX_ITEMS, MAX_NAME_CHARS, MAX_TEXT_CHARS, shown

PROTOCOL = "1.0"
_ABOUT = "Peers that answer each on their own and decide together; who disagrees is said."
_EXTENSIONS = {
    QUESTION: "In a message's metadata: how the answer is compared, options, budget, seed, protocol.",
    SAID: "In the metadata of a status message: which peer says it.",
    DECISION: "An artifact's data part: the decision with support, dissent, cost, and a certificate where one is made.",
}
A2UI_EXTENSION = "https://a2ui.org/a2a-extension/a2ui/v0.9"
_DRAWN = "Who draws A2UI is given the decision as a surface too."
_EXAMPLES = ("A farmer has 17 sheep. All but 9 run away. How many are left?",)


def card_for(
    name: str,
    hosted: Hosted,
    url: str,
    *,
    key: Key | None,
    keyed: bool,
    named: bool,
    grpc: str = "",
    extended: bool = False,
) -> AgentCard:
    """Return the card of a swarm.

    Args:
        name: the swarm's name at the host.
        hosted: the swarm.
        url: where it is spoken to, without a slash at its end; empty where only its place for gRPC is known.
        key: signs the card; nobody does when None.
        keyed: whether callers may show an API key.
        named: whether callers may sign as a name on the web; with either, nobody else may ask.
        grpc: where it is spoken to by gRPC, as ``"HOST:PORT"``; nowhere when empty.
        extended: whether it is for callers who have shown theirs: then it names peers, protocol and budget.
    """
    about = shown(hosted.about)[:MAX_TEXT_CHARS] or _ABOUT
    skill = Skill(
        id="ask", name="Answer a question together", desc=about, tags=("question", "consensus", "swarm"),
        examples=_EXAMPLES, takes=(TEXT, JSON, *(TYPES if seeing(hosted) else ())), gives=(TEXT, JSON),
    )  # fmt: skip
    record = Capability(
        ver=1, name=shown(name)[:MAX_NAME_CHARS] or "swarm", desc=about, skills=(skill,),
        protocols=tuple(name[:MAX_NAME_CHARS] for name in hosted.protocols), where=(f"{url}/",) if url else (),
    )  # fmt: skip
    card = unsigned_card(record, None if key is None else key.peer)
    if url:
        rest = AgentInterface(url=url, protocol_binding="HTTP+JSON", protocol_version=PROTOCOL)
        card.supported_interfaces.append(rest)
    if grpc:  # one port for all swarms: the tenant says which is asked
        third = AgentInterface(url=grpc, protocol_binding="GRPC", protocol_version=PROTOCOL, tenant=name)
        card.supported_interfaces.append(third)
    card.capabilities.streaming = card.capabilities.push_notifications = True
    card.capabilities.extended_agent_card = keyed or named
    for uri, what in _EXTENSIONS.items():
        card.capabilities.extensions.add(uri=uri, description=what)
    a2ui = {"uri": A2UI_EXTENSION, "description": _DRAWN, "params": {"supportedCatalogIds": [CATALOG]}}
    card.capabilities.extensions.append(ParseDict(a2ui, AgentExtension()))
    for asked, what, how in ((keyed, "key", "Bearer"), (named, "did", SCHEME)):
        if asked:
            scheme = SecurityScheme(http_auth_security_scheme=HTTPAuthSecurityScheme(scheme=how))
            card.security_schemes[what].CopyFrom(scheme)
            card.security_requirements.append(SecurityRequirement(schemes={what: StringList()}))
    if extended:
        card.capabilities.extensions.append(_inside(hosted))
    return card if key is None else sign_card(card, key)


def _inside(hosted: Hosted) -> Any:
    """Return what callers with a key may know of a swarm: who is in it, and what it may spend on a question."""
    peers = hosted.names
    params = {
        "peers": [shown(peer)[:MAX_NAME_CHARS] for peer in peers[:MAX_ITEMS]],
        "size": len(peers),
        "protocol": ", ".join(hosted.protocols),
        "budget": str(hosted.budget) if hosted.budget is not None else "no limit",
    }
    inside = {"uri": "urn:waggledance:swarm:1", "description": "Who is in the swarm.", "params": params}
    return ParseDict(inside, AgentExtension())
