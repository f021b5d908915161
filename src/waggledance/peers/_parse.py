"""From what a peer said to the canonical key of its answer, by the kind of answer that the question expects."""

from __future__ import annotations

from unicodedata import normalize

from waggledance.core import AnswerKind, Proposal, Question
from waggledance.peers._choice import choice
from waggledance.peers._code import code
from waggledance.peers._confidence import confidence
from waggledance.peers._free import free
from waggledance.peers._number import number
from waggledance.peers._package import package
from waggledance.peers._plain import plain
from waggledance.peers._short import short
from waggledance.peers._yes_no import yes_no

MAX_KEY_BYTES = 12_000
"""With the most text that `plain` leaves and 400 references, a proposal stays below the 64 KiB of a body."""

_MAX_READINGS = 8

_PLAIN_DIGITS = 15
"""A text of so many digits and nothing else is a number already; most answers of functions are."""

_LACKING: dict[AnswerKind, str] = {
    "number": "no number found in the answer",
    "choice": "the answer chooses none of the options, or more than one",
    "yes/no": "the answer says neither yes nor no",
    "short": "the answer has no words",
    "free": "the answer has no words",
    "package": "the answer names no options that the budget allows together",
    "code": f"no program of at most {MAX_KEY_BYTES:,} bytes found in the answer",
}


def parse(text: str, question: Question) -> Proposal:
    r"""Return the proposal that a text makes. Never raises, whatever the text.

    The key is the canonical form of the answer, so that equal answers are equal strings; parsing a key again gives the
    same key. What cannot be parsed has the key None, keeps its text, and says why in `lapse`. A text over 32,000
    characters loses its middle; control characters and other unseen ones are dropped.

    Args:
        text: what the peer said: reasons, answer, perhaps how sure it is ("Confidence: 80%").
        question: says what kind of answer counts, and between which options.

    >>> said = parse("17 - 8 is 9.\nAnswer: 9.0 sheep\nConfidence: 80%", Question(text="How many?", expects="number"))
    >>> said.key, said.confidence_ppm, said.lapse
    ('9', 800000, '')
    """
    if len(text) <= _PLAIN_DIGITS and text.isascii() and text.isdecimal() and question.expects in ("number", "short"):
        return Proposal(key=str(int(text)), text=text)
    text = plain(text)
    if not text:
        return Proposal(key=None, lapse="the answer is empty")
    stated, rest = confidence(text)
    key = _settled(rest, question)
    return Proposal(key=key, text=text, confidence_ppm=stated, lapse="" if key else _LACKING[question.expects])


def _settled(text: str, question: Question) -> str | None:
    """Return the key of a text, read again until reading it changes nothing; None where it never settles."""
    key = _key(text, question)
    for _ in range(_MAX_READINGS):
        if not key:
            return None
        again = _key(confidence(plain(key))[1], question)
        if again == key:
            return key if len(key.encode()) <= MAX_KEY_BYTES else None
        key = again
    return None


def _key(text: str, question: Question) -> str | None:
    match question.expects:
        case "number":
            key = number(text)
        case "choice":
            key = choice(text, question.options)
        case "package":
            key = package(text, question)
        case "yes/no":
            key = yes_no(text)
        case "short":
            key = short(text)
        case "free":
            key = free(text)
        case "code":
            key = code(text)
    return None if key is None else normalize("NFC", key)
