"""Check a certificate offline, with public keys only; and say what two that contradict each other prove.

Source: the project's network specification, §5 (verification; "publish both").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from waggledance.consensus._certificate import Certificate, CertificateInvalid
from waggledance.consensus._certificate_bodies import ack_statement
from waggledance.consensus._cut_of_seals import Heads
from waggledance.consensus._decided import members_hash
from waggledance.consensus._quorum import Quorum, QuorumRule, quorum, voters
from waggledance.core import (
    Member,
    MessageId,
    PeerId,
    UsageError,
    show,
    signature_holds,
)

Decide = Callable[[Heads], bytes | None]
"""Recomputes the outcome from a cut; None while any message of it is missing here."""
VerifySignature = Callable[[PeerId, MessageId, bytes], bool]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a certificate proves: the outcome, who signed it, and what the reader took on trust."""

    question: MessageId
    digest: bytes
    rule: str
    answer: str | None
    outcome: bytes
    epoch: int
    signers: tuple[Member, ...]
    weight: int
    """Voting weight of those who signed."""
    quorum: Quorum
    trusted: bool
    """Whether the reader named the members; else it is only known that these keys signed."""
    recomputed: bool
    """Whether the reader recomputed the outcome from the channel's messages."""

    def __str__(self) -> str:
        """Return what is proven, in plain lines."""
        said = self.answer if self.answer is not None else f"an outcome of {len(self.outcome)} bytes, without an answer"
        lines = [
            f"certified: {said}",
            f"  decision {show(self.digest)} on question {show(self.question)} by rule {self.rule}, epoch {self.epoch}",
            f"  signed by {', '.join(m.name or show(m.id) for m in self.signers)}",
            f"  weight {self.weight:,} of {self.quorum.total:,}, needed {self.quorum.needed:,} ({self.quorum.rule})",
        ]
        if not self.trusted:
            lines.append("  the members are the certificate's own: compare their keys with those you know")
        if self.recomputed:
            lines.append("  the outcome was recomputed from the messages")
        return "\n".join(lines)


def verify_certificate(
    certificate: Certificate,
    trusted: Sequence[Member] | None = None,
    *,
    decide: Decide | None = None,
    holds: VerifySignature = signature_holds,
) -> Verified:
    """Check everything that a certificate claims; needs no network and trusts nobody but `trusted`.

    Args:
        certificate: what somebody handed out.
        trusted: the members as the reader knows them, with weights. Without them the certificate's own are taken, and
            what is proven is only that those keys signed.
        decide: recomputes the outcome from the cut, where the channel's messages are at hand.
        holds: checks a signature.

    Raises:
        CertificateInvalid: it proves nothing; see there for the reasons.
        UsageError: `trusted` is no set of members.
    """
    decided = certificate.decided
    rule = _quorum_rule(certificate)
    try:
        weights, threshold = voters(certificate.members), quorum(certificate.members, rule)
    except UsageError as why:
        raise CertificateInvalid("members", str(why)) from why
    _check_members(certificate, trusted)
    signers = {author for author, _ in certificate.acks}
    weight = _signed_weight(certificate, weights, threshold)
    digest = decided.digest()
    statement = ack_statement(decided.question, certificate.epoch, digest)
    for author, signature in certificate.acks:
        if not holds(author, statement, signature):
            raise CertificateInvalid("signature", f"the signature by {show(author)} does not hold")
    certificate.opened()
    if decide is not None:
        _check_outcome(certificate, decide)
    named = certificate.members if trusted is None else trusted  # names are not signed
    return Verified(
        question=decided.question,
        digest=digest,
        rule=decided.rule,
        answer=certificate.answer,
        outcome=decided.outcome,
        epoch=certificate.epoch,
        signers=tuple([m for m in sorted(named, key=lambda m: m.id) if m.id in signers]),
        weight=weight,
        quorum=threshold,
        trusted=trusted is not None,
        recomputed=decide is not None,
    )


def _quorum_rule(certificate: Certificate) -> QuorumRule:
    params = certificate.decided.params
    said, phases = params.get("quorum"), params.get("phases")
    if said not in ("byzantine", "crash") or phases not in ("1", "2"):
        raise CertificateInvalid("malformed", f"its params name no quorum and phases: {dict(params)}")
    if phases == "1" and certificate.epoch != 0:
        raise CertificateInvalid("malformed", f"one phase has one epoch, and it is of epoch {certificate.epoch}")
    return "byzantine" if said == "byzantine" else "crash"


def _check_members(certificate: Certificate, trusted: Sequence[Member] | None) -> None:
    signed = certificate.decided.members
    if members_hash(certificate.members) != signed:
        raise CertificateInvalid("members", "its list of members is not the one that was signed")
    if trusted is not None and members_hash(trusted) != signed:
        raise CertificateInvalid("members", "it was signed by another set of members or weights than the trusted one")


def _signed_weight(certificate: Certificate, weights: Mapping[PeerId, int], threshold: Quorum) -> int:
    """Return the weight of those who signed, each of them a member and counted once."""
    signers = dict(certificate.acks)
    if len(signers) < len(certificate.acks):
        raise CertificateInvalid("malformed", "a member's signature stands there twice")
    strangers = sorted(signers.keys() - weights.keys())
    if strangers:
        raise CertificateInvalid("stranger", f"{show(strangers[0])} signed and has no vote")
    weight = sum(weights[id] for id in signers)
    if weight < threshold.needed:
        raise CertificateInvalid("quorum", f"weight {weight:,} signed, and {threshold.needed:,} are needed")
    return weight


def _check_outcome(certificate: Certificate, decide: Decide) -> None:
    outcome = decide(certificate.decided.cut)
    if outcome is None:
        raise CertificateInvalid("incomplete", "messages that it rests on are not here, so nothing can be recomputed")
    if outcome != certificate.decided.outcome:
        raise CertificateInvalid("outcome", "its messages give another outcome than the one that was signed")


class Conflict(msgspec.Struct, frozen=True):
    """Two valid certificates for one question that say different things, and what follows from that."""

    a: Verified
    b: Verified
    signed_both: tuple[Member, ...]
    """Who signed both."""
    liars: tuple[Member, ...]
    """Who is proven to have lied: signed two decisions in one epoch, which no honest member does."""
    same_members: bool
    """Whether both count the same members, weights and quorum."""

    def __str__(self) -> str:
        """Return what is proven, in plain lines."""
        names = ", ".join(m.name or show(m.id) for m in self.signed_both) or "nobody"
        lines = [
            f"two certificates contradict each other on question {show(self.a.question)}",
            f"  {show(self.a.digest)} in epoch {self.a.epoch}, {show(self.b.digest)} in epoch {self.b.epoch}",
            f"  both were signed by {names}",
        ]
        if not self.same_members:
            lines.append("  they count different members or quorums: whoever named the members caused it")
        elif self.liars:
            lines.append("  in one epoch: each of them lied")
        else:
            lines.append("  in different epochs: it cannot be told from the certificates alone which of them lied")
        if self.same_members:
            lines.append(f"  members of more than weight {self.a.quorum.faulty:,} broke the rules; publish both")
        return "\n".join(lines)


def conflict(a: Certificate, b: Certificate, trusted: Sequence[Member] | None = None) -> Conflict | None:
    """Return what two certificates prove together; None when they are of different questions or say the same.

    Raises:
        CertificateInvalid: one of them proves nothing by itself.
    """
    first, second = (verify_certificate(one, trusted) for one in (a, b))
    if first.question != second.question or first.digest == second.digest:
        return None
    if second.digest < first.digest:
        first, second = second, first
    ids = {m.id for m in second.signers}
    both = tuple([m for m in first.signers if m.id in ids])
    liars = both if first.epoch == second.epoch else ()
    same = a.decided.members == b.decided.members and first.quorum == second.quorum
    return Conflict(first, second, both, liars, same)
