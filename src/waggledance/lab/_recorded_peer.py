"""A recorded peer: what a model once answered to a question, answered again, at the price of its words."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import msgspec

from waggledance.core import UNIT, Call, Cost, Message, Proposal, RunFailed, UsageError, Verdict

CHARS_A_TOKEN = 4
"""Of English text, about; where only the length of an answer was recorded."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """One recorded answer to one question."""

    key: str | None
    """The canonical answer; None when it had none."""
    confidence_ppm: int | None = None
    """How sure the model said it is, in parts per million."""
    text: str = ""
    """Its words, where they were recorded."""
    chars: int | None = None
    """How long its words were; None when nobody wrote it down, and then it costs a call and no tokens."""

    @classmethod
    def of(cls, key: str | None, *, confidence: float | None = None, text: str = "", chars: int | None = None) -> Said:
        """Make one from loose values.

        Raises:
            UsageError: the confidence is not a number from 0 to 1.
        """
        if confidence is not None and not (isfinite(confidence) and 0 <= confidence <= 1):
            raise UsageError(f"a stated confidence lies between 0 and 1, got {confidence}")
        ppm = None if confidence is None else round(confidence * UNIT)
        return cls(key or None, ppm, text, len(text) if chars is None and text else chars)


class RecordedPeer:
    """A peer that answers from a recording, and stands by its answer whatever it hears.

    Its k-th answer of a vote is its k-th recorded sample; when there are no more it abstains and says so. A recording
    cannot say what a model would have answered after hearing others: a revision repeats the answer, at the price of
    reading all it heard and saying it again, so that protocols of several rounds show their cost and not their gain.

    Args:
        name: the peer's name.
        samples: its recorded answers to this question, in the order in which it gives them.
        question_chars: the length of what it is asked, for the price of reading it.
    """

    def __init__(self, name: str, samples: Sequence[Said], question_chars: int) -> None:
        self.name = name
        self._samples, self._question_chars = samples, question_chars

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise"})

    async def propose(self, call: Call) -> Proposal:
        if call.round >= len(self._samples):
            have = len(self._samples)
            raise RunFailed(f"the recording holds {have} answer{'s' * (have != 1)} of {self.name!r} to this question")
        said = self._samples[call.round]
        call.charge(self._cost(said, self._question_chars))
        return Proposal(
            key=said.key,
            text=said.text or said.key or "",
            confidence_ppm=said.confidence_ppm,
            lapse="" if said.key is not None else "no answer was found in the recorded words",
        )

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        said = next((s for s in self._samples if s.key == mine.body.key), None)
        if said is not None:
            read = self._question_chars + sum(len(m.body.text) for m in (mine, *heard))
            call.charge(self._cost(said, read))
        return mine.body

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        raise self._cannot("compare")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        raise self._cannot("critique")

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        raise self._cannot("note")

    def _cannot(self, skill: str) -> UsageError:
        return UsageError(f"peer {self.name!r} is a recording of answers and cannot {skill}: seat a model")

    def _cost(self, said: Said, read_chars: int) -> Cost:
        if said.chars is None:
            return Cost()
        return Cost(prompt_tokens=-(-read_chars // CHARS_A_TOKEN), completion_tokens=-(-said.chars // CHARS_A_TOKEN))
