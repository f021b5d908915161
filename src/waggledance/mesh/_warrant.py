"""What lets a peer run what was rolled out: the swarm was asked about exactly this, and a quorum of it said yes.

    question   `rollout_question`: the roll-out with the hash of all its fields, and, where that is text, the content
    protocol   vote, by majority, so that an answer's support is the weight behind it
    yes        with the weight of a quorum; a lead, or a tie that luck broke, is not enough

The certificate signs the decision's id, which covers the support; the warrant carries what that id is made of, so that
the support can be checked without the messages of the vote. Members are those of the lobby as the roll-out's author had
seen it: a fixed set, so every peer comes to the same verdict, later too, when others have joined or gone.

Source: the project's card of Geng et al. 2025, arXiv:2503.13784 ("require a decision certificate, not one signature,
for anything executable"); the question's form is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from unicodedata import is_normalized

import msgspec
from blake3 import blake3

from waggledance.consensus import (
    Certificate,
    CertificateInvalid,
    messages_of_cut,
    outcome_of_decision,
    verify_certificate,
)
from waggledance.core import (
    Body,
    Decision,
    Member,
    Message,
    MessageId,
    Opening,
    Question,
    RunFailed,
    UsageError,
    past_of,
)
from waggledance.mesh._admission import membership_of
from waggledance.mesh._genesis import Genesis
from waggledance.mesh._node import Node
from waggledance.mesh._rollout import Rollout
from waggledance.mesh._sealed_set import decide_over

MAX_SHOWN_CHARS = 16_000
"""Of content that stands in the question: members must be able to read it."""
_YES = "yes"
_CONTENT = "\n\nIts content:\n"


class Warrant(Body, frozen=True, gc=False):
    """The certificate of a decision that a roll-out rests on, and what the decision's id is the hash of."""

    kind: ClassVar[str] = "warrant/1"
    certificate: bytes
    """Canonical MessagePack of a `Certificate` with the question in it."""
    support: tuple[tuple[str, int], ...]
    """Weight behind every answer, sorted by answer."""
    winner: MessageId | None
    used: tuple[MessageId, ...]


def rollout_question(rollout: Rollout, content: bytes = b"") -> Question:
    """Return what the members of a swarm are asked about a roll-out.

    Args:
        rollout: what is to be announced; its certificate is not looked at.
        content: what would be in use afterwards; shown where it is text of at most 16,000 characters in form NFC.
    """
    target, waves = rollout.target, ", ".join(f"{share / 10_000:g} %" for share in rollout.waves_ppm)
    base = "nothing" if rollout.base is None else rollout.base.hex()
    head = (
        "Shall peers of this swarm put the following into use?\n"
        f"place: {rollout.slot}, version {rollout.version}\n"
        f"for: types {', '.join(target.types) or 'any'}; tags {', '.join(target.tags) or 'any'}; "
        f"without {', '.join(peer.hex() for peer in target.not_peers) or 'nobody'}\n"
        f"in waves of: 1 peer, {waves}; while {rollout.healthy_ppm / 10_000:g} % are well with it\n"
        f"instead of: {base}\n"
        f"content: {rollout.artefact.n} bytes of {rollout.artefact.ty}; afterwards {rollout.result.hex()}\n"
        f"all of this: {rollout.subject.hex()}"
    )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = ""
    if text and len(text) <= MAX_SHOWN_CHARS and is_normalized("NFC", text) and _is(text, rollout):
        head += _CONTENT + text
    return Question(text=head, expects="yes/no")


async def warrant_of(node: Node, certificate: Certificate) -> Warrant:
    """Return the warrant that a certificate gives, from the votes behind it.

    Args:
        node: one that holds the question's channel, as its asker's does.
        certificate: of a question as `rollout_question` puts it.

    Raises:
        RunFailed: the votes are not here, or the certificate is of something else.
    """
    opening = certificate.opened()
    held = None if opening is None else node.channels.get(opening.channel)
    cut = None if held is None else messages_of_cut(certificate.decided.cut, held.copy.get)
    if opening is None or cut is None:
        raise RunFailed("the votes behind the certificate are not here: start the roll-out with the key that asked")
    decision = await decide_over(opening, [opening, *cut], node.clock)
    if outcome_of_decision(decision) != certificate.decided.outcome:
        raise RunFailed("the certificate is not of what was decided in its channel")
    return Warrant(
        certificate=msgspec.msgpack.encode(certificate, order="deterministic"),
        support=tuple(sorted(decision.support.items())),
        winner=decision.winner,
        used=decision.used,
    )


def certificate_in(warrant: Warrant) -> Certificate:
    """Return the certificate in a warrant; being there, it proves nothing.

    Raises:
        CertificateInvalid: there is none.
    """
    try:
        return msgspec.msgpack.decode(warrant.certificate, type=Certificate)
    except (msgspec.DecodeError, UsageError, UnicodeDecodeError, RecursionError) as why:
        raise CertificateInvalid("malformed", f"the warrant holds no certificate: {why}") from why


def warranted(genesis: Genesis, messages: Mapping[MessageId, Message[Any]], message: Message[Rollout]) -> str:
    """Return why a roll-out may not be run by the messages of the lobby; empty when it may.

    Args:
        genesis: the swarm's.
        messages: the lobby's, by id.
        message: the roll-out.
    """
    past = past_of(message.id, messages)
    members = membership_of(genesis, [messages[id] for id in past]).members.values()
    why = "the certificate that it names is not here"
    for id in sorted(past):
        said = messages[id].body
        if isinstance(said, Warrant):
            try:
                certificate = certificate_in(said)
                if certificate.decided.digest() == message.body.certificate:
                    _check(genesis, [m for m in members if m.weight], said, certificate, message.body)
                    return ""
            except CertificateInvalid as fault:
                why = str(fault)
    return why


def _check(
    genesis: Genesis, members: list[Member], warrant: Warrant, certificate: Certificate, rollout: Rollout
) -> None:
    """Raise `CertificateInvalid` unless a quorum of these members said yes to this roll-out."""
    opening = certificate.opened()
    if opening is None or opening.swarm != genesis.swarm or not _asks(opening.body, rollout):
        raise CertificateInvalid("question", "the swarm was asked something else")
    if certificate.decided.params.get("quorum") != genesis.quorum:
        raise CertificateInvalid("quorum", "it was certified by another rule than the swarm's")
    verified = verify_certificate(certificate, members)
    support = dict(warrant.support)
    decision = Decision(
        status="decided", key=_YES, winner=warrant.winner, support=support, rule=opening.body.rule, used=warrant.used
    )
    if verified.answer != _YES or outcome_of_decision(decision) != certificate.decided.outcome:
        raise CertificateInvalid("answer", f"the swarm said {verified.answer}, or the votes are not those it counted")
    if support.get(_YES, 0) < verified.quorum.needed:
        weight, needed = support.get(_YES, 0), verified.quorum.needed
        raise CertificateInvalid("quorum", f"weight {weight:,} said yes, and {needed:,} is a quorum")


def _asks(opening: Opening, rollout: Rollout) -> bool:
    """Say whether a question is the one about a roll-out, put so that support is weight."""
    asked = opening.question
    head = rollout_question(rollout).text
    shown = asked.text.startswith(head + _CONTENT) and _is(asked.text[len(head + _CONTENT) :], rollout)
    plain = opening.protocol.partition("(")[0] == "vote" and opening.rule == "majority"
    return plain and asked.expects == "yes/no" and (asked.text == head or shown)


def _is(text: str, rollout: Rollout) -> bool:
    """Say whether a text is the content; the newline at its end may have got lost on the way through a command line."""
    return any(blake3(shown.encode()).digest() == rollout.result for shown in (text, text + "\n"))
