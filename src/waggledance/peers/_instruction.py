"""Instructions that an agent's model is told beside its prompts: know-how for the questions that they fit.

They are obeyed as prompts are, so they come from who may change those: the agent's owner, or a quorum of its swarm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from waggledance.core import Question, UsageError
from waggledance.peers._prompts import MAX_PROMPT_CHARS

MAX_WHEN = 64
_WORD = re.compile(r"\w+")


class Instruction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Know-how, and which questions it is for.

    Raises:
        UsageError: there is no text, it is over 8,000 characters, or it is for more than 64 words, or for one of none.

    >>> lease = Instruction(text="A bail is a lease.", when=("lease", "bail commercial"))
    >>> [lease.fits(Question(text=text)) for text in ("What is a Bail  commercial?", "Who pays bail?", "Release it?")]
    [True, False, False]
    """

    text: str
    when: tuple[str, ...] = ()
    """Words or short phrases: it is told where one of them occurs in the question. None for every question."""

    def __post_init__(self) -> None:
        if not self.text.strip() or len(self.text) > MAX_PROMPT_CHARS:
            raise UsageError(f"an instruction has 1 to {MAX_PROMPT_CHARS:,} characters, got {len(self.text):,}")
        if len(self.when) > MAX_WHEN or not all(_plain(words) for words in self.when):
            raise UsageError(f"an instruction is for at most {MAX_WHEN} words or phrases, each of letters or digits")

    def fits(self, question: Question) -> bool:
        """Say whether it is for a question: whole words count, capitals do not."""
        asked = f" {_plain(question.text)} "
        return not self.when or any(f" {_plain(words)} " in asked for words in self.when)


def told(instructions: Sequence[Instruction], question: Question | None) -> str:
    """Return what a model is told for a question, in the order given; everything when None.

    Raises:
        UsageError: everything together is longer than one prompt may be.
    """
    if sum(len(instruction.text) for instruction in instructions) > MAX_PROMPT_CHARS:
        raise UsageError(
            f"{len(instructions)} instructions are longer than {MAX_PROMPT_CHARS:,} characters together: small models "
            "hold no more; take some of them back"
        )
    return "\n\n".join(i.text.strip() for i in instructions if question is None or i.fits(question))


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))
