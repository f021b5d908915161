"""The bodies that most protocols share: what is asked, what is answered, how answers are judged, what was decided."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, get_args
from unicodedata import is_normalized, normalize

import msgspec

from waggledance.core._budget import NO_COST, Budget, Cost, PlainBudget
from waggledance.core._errors import UnknownName, UsageError
from waggledance.core._ids import MessageId, PeerId
from waggledance.core._message import Body
from waggledance.core._package import package_of
from waggledance.core._turn import Tool, Turn

MAX_PARTS = 32
"""Of a question that is longer than one message."""
UNIT = 1_000_000
"""One, in parts per million: weights, confidences and scores are integers of this unit, so that they add up alike
on every machine."""


def well_formed(text: str) -> str:
    r"""Return a text as a message may carry it: Unicode form NFC, with a question mark for what UTF-8 cannot say.

    >>> well_formed("cafe\u0301 \ud800")
    'café ?'
    """
    return text if text.isascii() else normalize("NFC", text.encode(errors="replace").decode())


AnswerKind = Literal["number", "choice", "yes/no", "short", "free", "code", "package"]
_KINDS = frozenset[str](get_args(AnswerKind))


class Whole(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a question is of which only the beginning stands here; see `parted`."""

    hash: bytes
    """blake3 of the whole one's bytes, 32 bytes."""
    parts: int
    """In how many messages they come, 1 to 32."""

    def __post_init__(self) -> None:
        if len(self.hash) != 32 or not 1 <= self.parts <= MAX_PARTS:
            raise UsageError(f"a question has a hash of 32 bytes and 1 to {MAX_PARTS} parts, got {self.parts}")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a swarm is asked, and what kind of answer counts."""

    text: str
    expects: AnswerKind = "short"
    """How answers are compared: as numbers, as one of `options`, as yes or no, as short text, as free text, as code.

    A ``"package"`` is a set of `options` within a budget. It asks for values, not for facts: nobody's answer is right,
    so rules that look for the truth do not take it; see `Question.of_values`.
    """
    options: tuple[str, ...] = ()
    """For ``"choice"`` and ``"package"``: the texts of the options, at least two; their keys are ``"A"``, ``"B"``, …"""
    costs: tuple[int, ...] | msgspec.UnsetType = msgspec.UNSET
    """For ``"package"``: what each option costs, ≥ 0, in the unit of `spend`; each 1 when left out; see `prices`."""
    spend: int | msgspec.UnsetType = msgspec.UNSET
    """For ``"package"``: how much may be spent, ≥ 0; 1 when left out, which with costs of 1 is to choose one option."""
    before: tuple[Turn, ...] | msgspec.UnsetType = msgspec.UNSET
    """What was said before it, oldest first, when it is asked within a conversation; see `conversation`."""
    offers: tuple[Tool, ...] | msgspec.UnsetType = msgspec.UNSET
    """Tools that who asks would use: an answer may be to use some of them. Its key is then `calls_key`'s."""
    whole: Whole | msgspec.UnsetType = msgspec.UNSET
    """Where it is too long for an opening: what it is of which `text` is the beginning; see `whole_question`."""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise UsageError('the question is empty; ask something, as in: waggle ask "What is 17 - 8?"')
        if self.expects not in _KINDS:
            raise UnknownName("kind of answer", str(self.expects), _KINDS)
        texts = (self.text, *self.options, *self._turns_text())
        if any(well_formed(text) != text and is_normalized("NFC", text) for text in texts if not text.isascii()):
            raise UsageError("a question's text holds bytes that are no characters: give it as UTF-8")
        if not all(is_normalized("NFC", text) for text in texts):
            raise UsageError("a question's text must be in Unicode form NFC; use unicodedata.normalize('NFC', text)")
        if self.expects in ("choice", "package") and not 2 <= len(self.options) <= 26:
            raise UsageError(f"a question of {self.expects} needs 2 to 26 options, got {len(self.options)}")
        if self.expects not in ("choice", "package") and self.options:
            raise UsageError(f"a question that expects {self.expects!r} takes no options")
        if self.expects != "package" and not (self.costs is self.spend is msgspec.UNSET):
            raise UsageError(f"a question that expects {self.expects!r} has no costs; ask for a 'package'")
        if len(self.prices) != len(self.options):
            raise UsageError(f"{len(self.options)} options have {len(self.prices)} costs; give each its own, or none")
        if self.limit < 0 or any(price < 0 for price in self.prices):
            raise UsageError(f"costs and what may be spent are 0 or more, got {self.prices} and {self.limit}")

    @property
    def conversation(self) -> tuple[Turn, ...]:
        """What was said before it; nothing, as a rule."""
        return () if self.before is msgspec.UNSET else self.before

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools that who asks would use; none, as a rule."""
        return () if self.offers is msgspec.UNSET else self.offers

    def _turns_text(self) -> tuple[str, ...]:
        said = [text for turn in self.conversation for text in (turn.text, turn.call)]
        called = [c for turn in self.conversation for call in turn.calls for c in (call.id, call.name, call.arguments)]
        offered = [text for tool in self.tools for text in (tool.description, tool.parameters)]
        return (*said, *called, *offered)

    @property
    def prices(self) -> tuple[int, ...]:
        """What each option costs."""
        return (1,) * len(self.options) if self.costs is msgspec.UNSET else self.costs

    @property
    def limit(self) -> int:
        """How much a package may cost."""
        return 1 if self.spend is msgspec.UNSET else self.spend

    @property
    def of_values(self) -> bool:
        """Whether it asks what people want, where no answer is true, and not what is the case."""
        return self.expects == "package"

    def affords(self, key: str | None) -> bool:
        """Say whether an answer is a package of this question's options that may be spent on."""
        package = None if key is None else package_of(key, len(self.options))
        return package is not None and sum(self.prices[i] for i in package) <= self.limit


class Member(msgspec.Struct, frozen=True, gc=False):
    """Who sits in a channel: id, the name that people see, and voting weight in parts per million."""

    id: PeerId
    name: str
    weight: int = UNIT


THREAD = "thread"
"""Stands for a protocol where none is run: the members of the channel talk as they like."""


class Opening(Body, frozen=True, gc=False):
    """The first message of a question's channel: everything that is needed to decide again from the log alone."""

    kind: ClassVar[str] = "opening/1"
    question: Question
    members: tuple[Member, ...]
    protocol: str = ""
    topology: str = ""
    rule: str = ""
    seed: int = 0
    certify: Literal["byzantine", "crash"] | msgspec.UnsetType = msgspec.UNSET
    """By which quorum of the members the decision is to be certified; no certificate is asked for when left out."""
    limits: PlainBudget | msgspec.UnsetType = msgspec.UNSET
    """What the run may cost at most; there is no limit when left out."""

    @property
    def budget(self) -> Budget:
        """What the run may cost at most."""
        return Budget() if self.limits is msgspec.UNSET else self.limits.budget


class Roster(Body, frozen=True, gc=False):
    """More members than fit into one opening: the next slice of them."""

    kind: ClassVar[str] = "roster/1"
    members: tuple[Member, ...]


class Proposal(Body, frozen=True, gc=False):
    """A peer's answer in one round."""

    kind: ClassVar[str] = "proposal/1"
    key: str | None
    """The canonical answer; None when there is none, because it could not be parsed or the peer did not answer."""
    text: str = ""
    """What the peer said, whole: reasons and answer."""
    confidence_ppm: int | None = None
    """How sure the peer says it is, 0 to 1,000,000; None when it said nothing about it."""
    refs: tuple[MessageId, ...] = ()
    """What this one was made from: the peer's own earlier proposal first, then the notes that guided it, then the
    proposals it heard; as many as fit, so the last of very many are not named."""
    lapse: str = ""
    """Why there is no answer, or why an old one is repeated: a model's error, a spent budget, an unparsable text."""
    cost: Cost = NO_COST

    def __post_init__(self) -> None:
        if self.confidence_ppm is not None and not 0 <= self.confidence_ppm <= UNIT:
            raise UsageError(f"a confidence lies between 0 and {UNIT} parts per million, got {self.confidence_ppm}")
        if not self.text.isascii() and self.text != well_formed(self.text):
            raise UsageError("a proposal's text must be well-formed Unicode in form NFC; make it with Proposal.of(...)")

    @classmethod
    def of(cls, key: str | None, text: str = "", *, confidence: float | None = None, lapse: str = "") -> Proposal:
        """Make a proposal from loose values: words are made well-formed, `confidence` (0 to 1) parts per million.

        A confidence that is not between 0 and 1, or not a number, states nothing.
        """
        ppm = round(confidence * UNIT) if confidence is not None and 0 <= confidence <= 1 else None
        key = None if key is None else well_formed(key)
        return cls(key=key, text=well_formed(text), confidence_ppm=ppm, lapse=well_formed(lapse))


class Note(Body, frozen=True, gc=False):
    """A peer's words that are no answer: an outline, a summary, worked examples, a suggestion."""

    kind: ClassVar[str] = "note/1"
    about: str
    """What it is, in short: lower-case words joined by hyphens, such as ``"outline"``; at most 32 characters."""
    text: str
    """What the peer said; nothing when it said nothing."""
    refs: tuple[MessageId, ...] = ()
    """The messages that it was made from, as many as fit."""
    lapse: str = ""
    """Why there is no text: a model's error, a spent budget."""
    cost: Cost = NO_COST

    def __post_init__(self) -> None:
        if _SHORT_NAME.fullmatch(self.about) is None:
            raise UsageError(
                "what a note is about is named by lower-case words joined by hyphens, at most 32 characters, "
                f"such as 'outline'; got {self.about!r:.80}"
            )
        if not self.text.isascii() and self.text != well_formed(self.text):
            raise UsageError("a note's text must be well-formed Unicode in form NFC; use well_formed(...)")


_SHORT_NAME = re.compile(r"(?=.{1,32}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """One judgement of proposals: of one a grade, of two a preference, of more a ranking."""

    subjects: tuple[MessageId, ...]
    scores: tuple[int, ...]
    """One a subject, 0 to 1,000,000, higher is better; of a pair (1,000,000, 0) prefers the first."""
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.subjects or len(self.subjects) != len(self.scores):
            raise UsageError(f"a verdict on {len(self.subjects)} subjects has {len(self.scores)} scores")
        if len(set(self.subjects)) < len(self.subjects):
            raise UsageError("a verdict names a proposal twice")
        if not all(0 <= score <= UNIT for score in self.scores):
            raise UsageError(f"scores lie between 0 and {UNIT}, got {self.scores}")


class Judgement(Body, frozen=True, gc=False):
    """What one peer thinks of others' proposals: any number of verdicts, together in one message."""

    kind: ClassVar[str] = "judgement/1"
    verdicts: tuple[Verdict, ...]
    lapse: str = ""
    """Why verdicts are missing, if any are: a model's error, a spent budget, a verdict that could not be parsed."""
    cost: Cost = NO_COST


class Cut(Body, frozen=True, gc=False):
    """The messages that count for its author: what a decision rests on; at most 1,500 a message."""

    kind: ClassVar[str] = "cut/1"
    ids: tuple[MessageId, ...]


class Outcome(Body, frozen=True, gc=False):
    """What was decided. Rests on its author's cuts right before it: anyone can decide again and compare `decision`."""

    kind: ClassVar[str] = "outcome/1"
    status: str
    key: str | None
    rule: str
    decision: bytes
    """The decision's id, 32 bytes; see `Decision.id`."""
    notes: tuple[str, ...] = ()
    spent: Cost | msgspec.UnsetType = msgspec.UNSET
    """What the run cost, where that is more than its messages say: a call that failed is in none, nor is one that was
    under way when the run was interrupted."""
