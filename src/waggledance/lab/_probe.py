"""A probe: a few questions that peers answered already, and what they say about accuracy, correlation and errors.

Of n peers and m questions, with r_qi the chance that peer i is right on question q (1 or 0 where the key is known):

    accuracy   p = mean of r
    rho        (mean over q and pairs i ≠ j of P(both right) - mean over pairs of p_i p_j) · m/(m-1) / (p (1 - p))
    agreement  P(two peers give the same answer | both are wrong)

The card's ρ is the mean of the pairs' own correlations; ours divides by the variance of a peer of mean accuracy, which
is what the Beta-binomial wants. They are the same for equal peers; on the recorded sets ours predicts better.
Without keys the chances come from `em_answers`: from agreement alone, and so too high where peers err alike.
Source: Liu, Kong and Pei 2026, arXiv:2601.17311; Fleiss 1975 for correlation from pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from waggledance.consensus import History, em_answers
from waggledance.core import UsageError, local_peer_id
from waggledance.lab._bootstrap import Floats

Votes = Sequence[Mapping[str, str | None]]
"""One mapping a question: from voter to its canonical answer, None where it gave none."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Accuracy, correlation and agreement of errors, once for every way in which questions were weighed."""

    accuracy: Floats
    """Shape (draws,)."""
    rho: Floats
    """Shape (draws,), 0 to 1."""
    agreement: Floats
    """Shape (draws,), 0 to 1."""
    by_voter: Floats
    """Shape (draws, voters): accuracy of each, drawn towards the mean as far as the probe is too small to tell."""


@dataclass(frozen=True, eq=False)
class Probe:
    """What peers answered to a few questions. Make it with `of`."""

    voters: tuple[str, ...]
    labelled: bool
    """Whether keys said what is right, or only agreement."""
    right: Floats
    """Shape (questions, voters): chance that the voter was right."""
    both: Floats
    """Shape (questions,): expected ordered pairs of voters that are both right."""
    alike: Floats
    """Shape (questions,): expected ordered pairs of voters that are wrong and say the same."""
    wrong: Floats
    """Shape (questions,): expected ordered pairs of voters that are both wrong."""

    @classmethod
    def of(cls, votes: Votes, keys: Sequence[str] | None = None) -> Probe:
        """Make a probe from answers and keys; from agreement alone where there are no keys.

        Args:
            votes: what was answered, one mapping a question; a voter that is missing gave no answer.
            keys: the right answers, one a question.

        Raises:
            UsageError: there are fewer than two questions or two voters, or not one key a question.
        """
        voters = tuple(sorted({voter for row in votes for voter in row}))
        if len(votes) < 2 or len(voters) < 2:
            raise UsageError(
                f"correlation needs two questions and two voters at least, got {len(votes)} and {len(voters)}"
            )
        if keys is not None and len(keys) != len(votes):
            raise UsageError(f"a probe has one key a question: got {len(keys)} for {len(votes)} questions")
        chances = _from_agreement(votes) if keys is None else [{key: 1.0} for key in keys]
        right = np.zeros((len(votes), len(voters)))
        both, alike = np.zeros(len(votes)), np.zeros(len(votes))
        for q, (row, chance) in enumerate(zip(votes, chances, strict=True)):
            for i, voter in enumerate(voters):
                answer = row.get(voter)
                right[q, i] = 0.0 if answer is None else chance.get(answer, 0.0)
            for answer, count in Counter(answer for answer in row.values() if answer is not None).items():
                both[q] += count * (count - 1) * chance.get(answer, 0.0)
                alike[q] += count * (count - 1) * (1 - chance.get(answer, 0.0))
        n = len(voters)
        wrong = n * (n - 1) - 2 * (n - 1) * right.sum(axis=1) + both
        return cls(voters, keys is not None, right, both, alike, np.maximum(wrong, alike))

    def doubted(self) -> Probe:
        """Return the probe with two more questions, one that all know and one that nobody knows.

        For intervals: fifty questions without an error do not show that there are none (as Agresti and Coull 1998 add
        two successes and two failures to a share).
        """
        n = len(self.voters)
        pairs = float(n * (n - 1))
        errors_agree = float(self.fit().agreement[0]) * pairs
        return Probe(
            self.voters,
            self.labelled,
            np.vstack([self.right, np.ones(n), np.zeros(n)]),
            np.append(self.both, (pairs, 0.0)),
            np.append(self.alike, (0.0, errors_agree)),
            np.append(self.wrong, (0.0, pairs)),
        )

    def fit(self, times: Floats | None = None) -> Fit:
        """Fit the probe, each question counted as often as a row of `times`, shape (draws, questions), says."""
        m, n = self.right.shape
        weights = np.ones((1, m)) if times is None else times
        m_counted = weights.sum(axis=1)
        by_voter = weights @ self.right / m_counted[:, None]
        accuracy = by_voter.mean(axis=1)
        pairs = n * (n - 1)
        together = weights @ self.both / m_counted / pairs
        apart = (by_voter.sum(axis=1) ** 2 - (by_voter**2).sum(axis=1)) / pairs
        spread = np.maximum(accuracy * (1 - accuracy), 1e-12)
        rho = np.clip((together - apart) * m / (m - 1) / spread, 0.0, 1.0)
        # half an agreeing pair in one is added, so that a probe without errors does not divide by nothing
        agreement = np.clip((weights @ self.alike + 0.5) / (weights @ self.wrong + 1.0), 0.0, 1.0)
        noise = (by_voter * (1 - by_voter)).mean(axis=1) * (1 - rho) / m
        between = np.maximum(by_voter.var(axis=1, ddof=1) - noise, 0.0)
        trust = between / np.maximum(between + noise, 1e-12)
        shrunk = accuracy[:, None] + trust[:, None] * (by_voter - accuracy[:, None])
        return Fit(accuracy, rho, agreement, shrunk)


def _from_agreement(votes: Votes) -> list[dict[str, float]]:
    """Return how likely each answer of each question is, judged by who agrees with whom."""
    reliability = em_answers(History.of([{local_peer_id(v): a for v, a in row.items()} for row in votes]))
    return [reliability.chances(question) for question in range(len(votes))]
