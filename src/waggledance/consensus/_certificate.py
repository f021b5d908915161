"""A certificate: one decision and a quorum's signatures of it, as a text that people can mail and anyone can check.

JSON with hexadecimal ids, sorted lists, and one version field; unknown fields are refused. What stands there for
people (question, answer) is not trusted but compared with what is signed: the question with the message whose hash is
the decision's question, the answer with the outcome.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from waggledance.consensus._certificate_bodies import Signatures, check_signatures
from waggledance.consensus._cut_of_seals import Heads
from waggledance.consensus._decided import Decided, answer_in
from waggledance.core import Member, Message, MessageId, Opening, PeerFault, PeerId, UsageError, encode, open_frame

MAX_JSON_CHARS = 8 * 1024 * 1024
"""Our own limit, far above what 400 members and 900 authors need (some 400 kB)."""


class CertificateInvalid(PeerFault):
    """A certificate that proves nothing: `reason` is a short fixed word, `detail` what was seen.

    Reasons, in the order in which they are looked for: ``malformed``, ``members``, ``stranger``, ``quorum``,
    ``signature``, ``question``, ``answer``, ``incomplete``, ``outcome``.
    """

    def __str__(self) -> str:
        return f"this certificate proves nothing ({self.reason}): {self.detail}"


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with a quorum's acks. Being one of these proves nothing; `verify_certificate` does."""

    decided: Decided
    epoch: int
    acks: Signatures
    members: tuple[Member, ...]
    """Who had a vote, sorted by id."""
    opening: bytes = b""
    """Canonical bytes of the message that opened the question, whose id is `decided.question`; or empty."""

    @property
    def answer(self) -> str | None:
        """The answer that was certified; None when there is none in words."""
        return answer_in(self.decided.outcome)

    def about(self, opening: Message[Opening]) -> Certificate:
        """Return the certificate with the question in it, so that it can be read without the channel.

        Raises:
            UsageError: that message opened another question.
        """
        if opening.id != self.decided.question:
            raise UsageError("that is not the message that opened the certified question")
        return msgspec.structs.replace(self, opening=encode(opening))

    def opened(self) -> Message[Opening] | None:
        """Return the message that opened the certified question; None when the certificate does not carry it.

        Raises:
            CertificateInvalid: reason ``question``: what it carries is not that message.
        """
        if not self.opening:
            return None
        try:
            opening: Message[Any] = open_frame(msgspec.msgpack.encode((self.opening, b"")))
        except PeerFault as why:
            raise CertificateInvalid("question", f"its opening is no message: {why.detail}") from why
        if opening.id != self.decided.question or not isinstance(opening.body, Opening):
            raise CertificateInvalid("question", "its opening is not the message whose question was signed")
        return opening

    def to_json(self) -> str:
        """Return the certificate as JSON, two spaces deep; the same bytes for the same certificate."""
        opening, decided = self.opened(), self.decided
        text = _Text(
            question=None if opening is None else opening.body.question.text,
            answer=self.answer,
            channel=None if opening is None else opening.channel,
            swarm=None if opening is None else opening.swarm.hex(),
            decision=_DecisionText(
                question=decided.question.hex(),
                rule=decided.rule,
                params=dict(sorted(decided.params.items())),
                cut=tuple([(author.hex(), sequence, id.hex()) for author, sequence, id in decided.cut]),
                members=decided.members.hex(),
                outcome=decided.outcome.hex(),
            ),
            digest=decided.digest().hex(),
            epoch=self.epoch,
            members=tuple([_MemberText(m.id.hex(), m.name, m.weight) for m in self.members]),
            acks=tuple([(author.hex(), signature.hex()) for author, signature in self.acks]),
            opening=self.opening.hex() or None,
        )
        return msgspec.json.format(msgspec.json.encode(text), indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Certificate:
        """Read a certificate. What stands in it for people must fit what is signed.

        Raises:
            CertificateInvalid: it is no certificate of this version (``malformed``), or a digest, question or answer
                in it is not what is signed.
        """
        if len(text) > MAX_JSON_CHARS:
            raise CertificateInvalid("malformed", f"{len(text):,} characters; the limit is {MAX_JSON_CHARS:,}")
        try:
            read = msgspec.json.decode(text, type=_Text)
            made = cls(decided=_decided(read.decision), epoch=read.epoch, acks=_acks(read), members=_members(read),
                       opening=bytes.fromhex(read.opening or ""))  # fmt: skip
        except (
            msgspec.DecodeError,
            RecursionError,
            ValueError,
        ) as why:  # UnicodeDecodeError, UsageError are ValueErrors
            raise CertificateInvalid("malformed", f"not a certificate: {why}") from why
        if read.digest != made.decided.digest().hex():
            raise CertificateInvalid("malformed", "its digest is not the hash of its decision: something was changed")
        opening = made.opened()
        if (read.question, read.channel, read.swarm) != (
            (None, None, None)
            if opening is None
            else (opening.body.question.text, opening.channel, opening.swarm.hex())
        ):
            raise CertificateInvalid("question", "its question, channel or swarm is not what was opened and signed")
        if read.answer != made.answer:
            raise CertificateInvalid("answer", f"it says {read.answer!r}, and {made.answer!r} was signed")
        return made


class _MemberText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    name: str
    weight: int


class _DecisionText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: str
    rule: str
    params: dict[str, str]
    cut: tuple[tuple[str, int, str], ...]
    members: str
    outcome: str


class _Text(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal["waggledance/certificate/1"] = "waggledance/certificate/1"
    question: str | None
    answer: str | None
    channel: str | None
    swarm: str | None
    decision: _DecisionText
    digest: str
    epoch: int
    members: tuple[_MemberText, ...]
    acks: tuple[tuple[str, str], ...]
    opening: str | None


def _decided(read: _DecisionText) -> Decided:
    cut: Heads = tuple([(PeerId(_hex(a)), sequence, MessageId(_hex(id))) for a, sequence, id in read.cut])
    return Decided(question=MessageId(_hex(read.question)), rule=read.rule, params=read.params, cut=cut,
                   members=_hex(read.members), outcome=_hex(read.outcome))  # fmt: skip


def _acks(read: _Text) -> Signatures:
    acks = tuple([(PeerId(_hex(author)), _hex(signature)) for author, signature in read.acks])
    check_signatures(acks)
    if not 0 <= read.epoch < 2**63:
        raise UsageError(f"the epoch is {read.epoch}")
    return acks


def _members(read: _Text) -> tuple[Member, ...]:
    return tuple([Member(PeerId(_hex(m.key)), m.name, m.weight) for m in read.members])


def _hex(text: str) -> bytes:
    """Read lower-case hexadecimal without spaces: one spelling for one value."""
    value = bytes.fromhex(text)
    if value.hex() != text:
        raise UsageError(f"{text!r:.40} is not plain lower-case hexadecimal")
    return value
