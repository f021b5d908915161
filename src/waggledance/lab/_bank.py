"""Banks of answers and judgements: what real models said to known questions, to compare arrangements without asking.

A bank is one of `waggledance.models` (`recorded:PATH#MODEL` replays it), whose lines also say which question was
asked, which sample it is, and what an agent made of the words. A line names its question by id and hash and does not
hold its text, so that a bank of one's own models' words can be shared where the questions may not be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from blake3 import blake3

from waggledance.core import Question, UsageError
from waggledance.models._bank import Entry, read


class Asking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a model was asked: all of a bank's answers of one model were asked alike, or they would not compare."""

    temperature: float
    """How freely it drew its words."""
    max_tokens: int
    """The most tokens of one answer."""
    seed: int
    """What the seeds of all its answers were made from."""
    prompts: str
    """Hash of the conversation around the question: instructions, worked examples, form."""
    weights: str = ""
    """SHA-256 of the model's file; empty where there is none, as behind an endpoint."""


class Answer(Entry, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="answer"):
    """One sampled answer of one model to one question."""

    question: str
    """The question's id in its set."""
    digest: str
    """The question's hash; see `digest_of`."""
    sample: int
    """Which of the model's answers to this question, from 0."""
    seed: int
    """What the sampler drew from."""
    asking: Asking
    answer: str | None = None
    """The canonical answer that was read from the words; None when none could be."""
    confidence_ppm: int | None = None
    """How sure the model said it is, in parts per million."""
    lapse: str = ""
    """Why there is no answer, or what is amiss with it."""


class Comparison(Entry, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="comparison"):
    """One model's verdict on two answers to one question, in the order in which it read them."""

    question: str
    digest: str
    first: str
    """The `key` of the answer that it read first."""
    second: str
    first_answer: str
    """The canonical answer of the one it read first."""
    second_answer: str
    seed: int
    asking: Asking
    scores: tuple[int, int] | None = None
    """Of first and second, in parts per million: all to the better one; None when its words prefer neither."""
    lapse: str = ""
    """Why there is no verdict."""


Line = Answer | Comparison

decode_line: Callable[[bytes], Line] = msgspec.json.Decoder(Line).decode
"""Reads a line of such a bank."""


class Bank:
    """Recorded answers and comparisons, by question.

    Args:
        lines: the bank's lines; of two of the same the first counts.
        skipped: lines that could not be read.
    """

    def __init__(self, lines: Iterable[Line], skipped: int = 0) -> None:
        self.skipped = skipped
        self._answers: dict[tuple[str, str, int], Answer] = {}
        self._comparisons: dict[tuple[str, str, str, str], Comparison] = {}
        self._verdicts: dict[tuple[str, str, str, str], Comparison] = {}
        self._asked: dict[str, str] = {}
        self._models: dict[str, Asking] = {}
        for line in lines:
            self.add(line)

    @classmethod
    def at(cls, path: Path | str) -> Bank:
        """Read a bank's file, ``.jsonl`` or ``.jsonl.gz``.

        Raises:
            UsageError: there is no such file, or it holds no recorded answers.
        """
        path = Path(path)
        if not path.is_file():
            raise UsageError(f"there is no bank at {path}; fill one with `waggle lab record --out {path}`")
        contents = read(path, decode_line)
        if not contents.entries:
            raise UsageError(f"{path} holds no recorded answers; fill it with `waggle lab record --out {path}`")
        return cls(contents.entries, contents.skipped)

    def add(self, line: Line) -> None:
        """Take one more line.

        Raises:
            UsageError: its model was asked in another way in lines before, or its question had another text.
        """
        known = self._models.setdefault(line.model, line.asking)
        if known != line.asking:
            raise UsageError(f"the bank's answers of {line.model} were asked in different ways: {known}, {line.asking}")
        if self._asked.setdefault(line.question, line.digest) != line.digest:
            raise UsageError(f"the bank has two different questions called {line.question!r}")
        if isinstance(line, Answer):
            self._answers.setdefault((line.digest, line.model, line.sample), line)
        else:
            self._comparisons.setdefault((line.digest, line.model, line.first, line.second), line)
            self._verdicts.setdefault((line.digest, line.model, line.first_answer, line.second_answer), line)

    def __len__(self) -> int:
        return len(self._answers) + len(self._comparisons)

    @property
    def models(self) -> tuple[str, ...]:
        """Whose answers it holds, sorted."""
        return tuple(sorted(self._models))

    @property
    def questions(self) -> dict[str, str]:
        """The hash of every question by its id."""
        return dict(self._asked)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers: questions as they were first asked, models by name, samples by number."""
        place = {digest: i for i, digest in enumerate(self._asked.values())}
        return tuple(sorted(self._answers.values(), key=lambda line: (place[line.digest], line.model, line.sample)))

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """All comparisons, as they were recorded."""
        return tuple(self._comparisons.values())

    def asking(self, model: str) -> Asking | None:
        """How a model was asked; None when the bank has nothing of it."""
        return self._models.get(model)

    def answer(self, digest: str, model: str, sample: int) -> Answer | None:
        """A model's answer of a number to the question with that hash, or None."""
        return self._answers.get((digest, model, sample))

    def compared(self, digest: str, model: str, first: str, second: str) -> Comparison | None:
        """A model's comparison of two recorded texts, named by their `key`, in that order, or None."""
        return self._comparisons.get((digest, model, first, second))

    def verdict(self, digest: str, model: str, first: str, second: str) -> Comparison | None:
        """A model's first recorded verdict on two canonical answers, read in that order, or None."""
        return self._verdicts.get((digest, model, first, second))

    def samples(self, model: str) -> int:
        """How many samples of a model there are of a question, of the question that has most."""
        return 1 + max((sample for _, whose, sample in self._answers if whose == model), default=-1)

    def whole(self, models: Iterable[str]) -> frozenset[str]:
        """The hashes of the questions that have every sample of these models: a recording under way has others, too."""
        counts = Counter((digest, model) for digest, model, _ in self._answers)
        needed = {model: self.samples(model) for model in models}
        return frozenset(
            digest for digest in self._asked.values() if all(counts[digest, m] == n for m, n in needed.items())
        )


def digest_of(question: Question) -> str:
    """Return a question's hash: 32 hexadecimal digits of its text, kind and options.

    >>> digest_of(Question(text="2+2?", expects="number"))[:8]
    '92d2b09a'
    """
    asked = msgspec.json.encode((question.text, question.expects, question.options))
    return blake3(b"waggle/question/1\0" + asked).hexdigest(length=16)
