"""History: what the same peers answered to many questions, as arrays that estimators of reliability read.

Answers become small integers, one code for each distinct answer of a question; everything that follows asks only who
agreed with whom, so that no wording and no order of questions or peers can enter a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waggledance.core import UNIT, Message, PeerId, Proposal, UsageError

Ints = NDArray[np.int64]

NONE = -1
"""Code of a peer that gave no answer, and the confidence of one that stated none."""


@dataclass(frozen=True, eq=False)
class History:
    """Answers of n peers to m questions. Make it with `of` or `of_proposals`."""

    peers: tuple[PeerId, ...]
    """Who answered anything, or was named in a row; sorted."""
    questions: tuple[str, ...]
    """Names of the questions: their channels, or numbers from 0 in the order given."""
    answers: tuple[tuple[str, ...], ...]
    """The distinct answers of every question, sorted."""
    codes: Ints
    """Shape (m, n): place of each peer's answer among the question's `answers`; -1 for none."""
    confidence_ppm: Ints
    """Shape (m, n): what each peer stated with its answer, 0 to 1,000,000; -1 where it stated nothing."""

    @classmethod
    def of(
        cls,
        rows: Iterable[Mapping[PeerId, str | None]],
        confidences_ppm: Iterable[Mapping[PeerId, int | None]] | None = None,
    ) -> History:
        """Make a history from one mapping a question: from peer to answer, or None where it gave none.

        Args:
            rows: the questions; a peer that is missing from a row gave no answer to it.
            confidences_ppm: one mapping a question, in the same order: stated confidence, 0 to 1,000,000.

        Raises:
            UsageError: the two are not equally long, or a confidence lies outside of 0 to 1,000,000.

        >>> ann, bob = PeerId(b"ann"), PeerId(b"bob")
        >>> History.of([{ann: "4", bob: "5"}, {ann: "7", bob: None}]).codes.tolist()
        [[0, 1], [0, -1]]
        """
        given = list(rows)
        stated = None if confidences_ppm is None else list(confidences_ppm)
        if stated is not None and len(stated) != len(given):
            raise UsageError(f"{len(given)} rows of answers need as many rows of confidences, got {len(stated)}")
        return _encoded(tuple(map(str, range(len(given)))), given, stated)

    @classmethod
    def of_proposals(cls, proposals: Iterable[Message[Proposal]]) -> History:
        """Make a history from proposals of many channels, one question a channel; a peer's last proposal counts."""
        last: dict[str, dict[PeerId, Message[Proposal]]] = {}
        for message in proposals:
            said = last.setdefault(message.channel, {})
            known = said.get(message.author)
            if known is None or (known.sequence, known.id) < (message.sequence, message.id):
                said[message.author] = message
        channels = tuple(sorted(last))
        return _encoded(
            channels,
            [{peer: m.body.key for peer, m in last[channel].items()} for channel in channels],
            [{peer: m.body.confidence_ppm for peer, m in last[channel].items()} for channel in channels],
        )

    def known(self, keys: Mapping[int, str] | Sequence[str | None]) -> Ints:
        """Return the codes of true answers, for `em_answers`: -1 where nobody gave it, -2 where it is not known.

        Args:
            keys: the true answer by number of question, or one entry a question, None where it is not known.

        Raises:
            UsageError: there are more entries than questions, or a number is not one of a question.
        """
        m = len(self.questions)
        by_number = keys if isinstance(keys, Mapping) else dict(enumerate(keys))
        codes = np.full(m, -2, dtype=np.int64)
        for number, key in by_number.items():
            if not 0 <= number < m:
                raise UsageError(f"there is no question {number}: the history has {m}, numbered from 0")
            if key is not None:
                codes[number] = self.answers[number].index(key) if key in self.answers[number] else NONE
        return codes

    def right(self, known: Ints) -> NDArray[np.float64]:
        """Return who was right: shape (m, n), 1 or 0, NaN where there is no answer or the truth is not known."""
        hits = (self.codes == known[:, None]).astype(np.float64)
        return np.where((self.codes == NONE) | (known[:, None] == -2), np.nan, hits)


def _encoded(
    questions: tuple[str, ...],
    rows: Sequence[Mapping[PeerId, str | None]],
    stated: Sequence[Mapping[PeerId, int | None]] | None,
) -> History:
    """Return rows as arrays."""
    peers = tuple(sorted({peer for row in rows for peer in row}))
    column = {peer: i for i, peer in enumerate(peers)}
    codes = np.full((len(rows), len(peers)), NONE, dtype=np.int64)
    answers: list[tuple[str, ...]] = []
    for number, row in enumerate(rows):
        distinct = sorted({key for key in row.values() if key is not None})
        code: dict[Any, int] = {key: i for i, key in enumerate(distinct)}
        answers.append(tuple(distinct))
        for peer, key in row.items():
            if key is not None:
                codes[number, column[peer]] = code[key]
    return History(peers, questions, tuple(answers), codes, _confidence(codes, column, stated or ()))


def _confidence(codes: Ints, column: Mapping[PeerId, int], stated: Sequence[Mapping[PeerId, int | None]]) -> Ints:
    """Return how sure peers said they are, in parts per million, where they answered and said it."""
    confidence = np.full_like(codes, NONE)
    for number, row in enumerate(stated):
        for peer, ppm in row.items():
            if ppm is None or peer not in column or codes[number, column[peer]] == NONE:
                continue
            if not 0 <= ppm <= UNIT:
                raise UsageError(f"a confidence lies between 0 and {UNIT} parts per million, got {ppm}")
            confidence[number, column[peer]] = ppm
    return confidence
