"""EM on answers: how good each peer is, and what is true, from who agrees with whom over many questions; no key needed.

It takes turns: given every peer's ability, how likely is each answer of each question (E-step, `_answer_model`); given
that, which abilities fit best (M-step, two Newton steps on the Rasch likelihood with a N(mean, 1.5²) prior, and the
concentration of errors on a grid). Start: each answer as likely as the share of peers that gave it.

Withstands peers that guess, and majorities that guess each in its own way. Does not withstand a majority that errs
alike: the same answers arise when it is right. Probes, questions whose key is known, break that tie (`known`); then
the start is what each peer did on the probes. Source: Dawid and Skene 1979, "Maximum Likelihood Estimation of Observer
Error-Rates Using the EM Algorithm"; our departures are in `_answer_model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import NamedTuple

import numpy as np

from waggledance.consensus._answer_model import (
    LEVELS,
    UNKNOWN,
    Floats,
    Groups,
    Patterns,
    log_ewens,
    log_gamma,
    log_joint,
    normalised,
)
from waggledance.consensus._history import NONE, History, Ints
from waggledance.consensus._rule import tie_break
from waggledance.core import UNIT, PeerId, UsageError

ABILITY_SD = 1.5
"""Spread of abilities in the prior, in logits: weak, so that a short history says little."""

SWEEPS_MAX = 100
PEERS_MIN, QUESTIONS_MIN = 3, 30
"""With fewer the estimate says that it is a guess: two peers' agreement has one number for two accuracies."""
_STRIDE = 1.5
"""How far a sweep goes along its step: EM's steps are short, and going on saves a third of them (over-relaxation)."""
_SWEEPS_BEFORE_CONCENTRATION = 3
_ERRORS_DIFFER = 4.0
"""Concentration at the start, and where its prior is centred."""
TOLERANCE = 1e-3
"""The iteration ends when no ability moves by more than this, in logits."""

_GRID = np.geomspace(0.02, 60.0, 25)
"""Concentrations tried: from errors that all agree to errors that never do."""
_GRID_PRIOR = -0.5 * (np.log(_GRID / _ERRORS_DIFFER) / 1.5) ** 2


@dataclass(frozen=True, eq=False)
class AnswerReliability:
    """What agreement over a history says about its peers and questions."""

    history: History
    ability: Mapping[PeerId, float]
    """Logit of the chance to be right on a question of middling difficulty."""
    accuracy: Mapping[PeerId, float]
    """Expected share of right answers among those given in this history, 0 to 1."""
    concentration: float
    """How much errors differ (c): 0.02 when errors always agree, 60 when hardly ever."""
    posterior: Floats
    """Shape (m, most answers of a question + 1): chance of every answer code; the last that none given is right."""
    sweeps: int
    converged: bool
    anchored: bool
    """Whether any true answer was known."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What speaks against the estimate: it rests on too little, or could as well be the reverse."""
        return _notes(self)

    def chances(self, question: int) -> dict[str, float]:
        """Return how likely each given answer of a question is; they sum to 1 minus the chance that none is right."""
        return {key: float(self.posterior[question, code]) for code, key in enumerate(self.history.answers[question])}

    def decide(self) -> tuple[str | None, ...]:
        """Return the likeliest given answer of every question, None where nobody answered; ties fall by hash."""
        chosen: list[str | None] = []
        for question, keys in enumerate(self.history.answers):
            ppb = [round(chance * 1_000_000_000) for chance in self.posterior[question, : len(keys)].tolist()]
            best = [key for key, chance in zip(keys, ppb, strict=True) if chance == max(ppb)]
            name = self.history.questions[question]
            chosen.append(
                min(best, key=lambda key: tie_break(name, key)) if len(best) > 1 else best[0] if best else None
            )
        return tuple(chosen)

    def weights(self) -> dict[PeerId, int]:
        """Return each peer's weight for a vote, log(a · (1 + c) / (1 - a)) floored at 0, in parts per million of a nat.

        a is the accuracy with one right and one wrong answer added; two errors agree with chance 1 / (1 + c).
        """
        answered = (self.history.codes != NONE).sum(axis=0).tolist()
        weights: dict[PeerId, int] = {}
        for peer, n in zip(self.history.peers, answered, strict=True):
            a = (self.accuracy[peer] * n + 1) / (n + 2)
            weights[peer] = max(0, round(UNIT * log(a * (1 + self.concentration) / (1 - a))))
        return weights


def em_answers(
    history: History, *, known: Ints | None = None, independence: Mapping[PeerId, int] | None = None
) -> AnswerReliability:
    """Estimate every peer's accuracy and every answer's chance.

    Args:
        history: m questions, n peers.
        known: shape (m,), codes of true answers where they are known, as `History.known` gives; none by default.
        independence: how far each peer is a witness of its own, in parts per million (`Dependence.independence`);
            one that is missing counts whole.

    Returns:
        The estimate; the same bits whatever the order of questions and peers was.

    Raises:
        UsageError: `known` has another length than the history.
    """
    m = len(history.questions)
    truth = np.full(m, UNKNOWN, dtype=np.int64) if known is None else known
    if truth.shape != (m,):
        raise UsageError(f"known has one entry a question: {m}, got an array of shape {truth.shape}")
    patterns = Patterns.of(history.codes, truth)
    weight = np.array([(independence or {}).get(peer, UNIT) / UNIT for peer in history.peers])
    groups = Groups.of(patterns, weight)
    fit = _Fit(_start(patterns), _ERRORS_DIFFER, np.zeros((0, 0)), 0, 0.0)
    for _ in range(SWEEPS_MAX):
        fit = _sweep(patterns, groups, weight, fit)
        if fit.moved <= TOLERANCE:
            break
    return _result(history, patterns, fit)


class _Fit(NamedTuple):
    """Where the iteration stands."""

    ability: Floats
    concentration: float
    by_place: Floats
    """Shape (u, k + 1): chance of each candidate of each row."""
    sweeps: int
    moved: float
    """By how much the last sweep moved an ability, at most."""


def _sweep(patterns: Patterns, groups: Groups, weight: Floats, fit: _Fit) -> _Fit:
    """Take one turn: chances, then abilities and concentration."""
    ewens = log_ewens(groups, fit.concentration)
    chances, _ = normalised(log_joint(patterns, groups, fit.ability, weight, ewens))
    counted = chances * patterns.count[:, None, None]
    step = _abilities(patterns, counted, fit.ability) - fit.ability
    settled = fit.sweeps >= _SWEEPS_BEFORE_CONCENTRATION
    return _Fit(
        ability=fit.ability + _STRIDE * step,
        concentration=_concentration(groups, counted) if settled else fit.concentration,
        by_place=chances.sum(axis=2),
        sweeps=fit.sweeps + 1,
        moved=float(np.abs(step).max(initial=0.0)),
    )


def _start(patterns: Patterns) -> Floats:
    """Return first abilities: on probes where there are any, else from each answer's share of peers."""
    probes = patterns.truth != UNKNOWN
    everyone: Floats = np.ones(len(patterns.given.T))
    size = patterns.spread(everyone)
    voters = np.maximum(patterns.given.sum(axis=1, keepdims=True), 1.0)
    belief: Floats = size / voters
    if probes.any():
        belief = np.zeros_like(size)
        belief[patterns.truth >= 0, patterns.truth[patterns.truth >= 0]] = 1.0
    counted: Floats = patterns.count * probes if probes.any() else patterns.count
    right = patterns.gather((belief * counted[:, None])[:, :, None])[:, 0]
    given = (patterns.given * counted[:, None]).sum(axis=0)
    rate = (right + 1.0) / (given + 2.0)
    return np.asarray(np.log(rate / (1.0 - rate)))


def _abilities(patterns: Patterns, chances: Floats, ability: Floats) -> Floats:
    """Return abilities that fit the chances better: two Newton steps each."""
    right = patterns.gather(chances)
    given = np.einsum("un,ud->nd", patterns.given, chances.sum(axis=1))
    middle = ability.sum() / max(1, len(ability))
    for _ in range(2):
        chance = 1.0 / (1.0 + np.exp(LEVELS[None, :] - ability[:, None]))
        slope = (right - given * chance).sum(axis=1) - (ability - middle) / ABILITY_SD**2
        bend = (given * chance * (1.0 - chance)).sum(axis=1) + 1.0 / ABILITY_SD**2
        ability = ability + np.clip(slope / bend, -1.0, 1.0)
    return ability


def _concentration(groups: Groups, chances: Floats) -> float:
    """Return the concentration on the grid that fits the groups of wrong answers best."""
    weight = chances.sum(axis=2)
    often = np.bincount(groups.size.ravel(), weight.ravel(), minlength=len(groups.sizes))
    rising = log_gamma(_GRID[:, None] + groups.sizes[None, :]) - log_gamma(_GRID)[:, None]
    fits = (weight * groups.number).sum() * np.log(_GRID) - (rising * often).sum(axis=1) + _GRID_PRIOR
    return float(_GRID[int(np.argmax(fits))])


def _result(history: History, patterns: Patterns, fit: _Fit) -> AnswerReliability:
    """Return the estimate in terms of the history's questions, codes and peers."""
    of_question = fit.by_place[patterns.row]
    by_code = np.take_along_axis(of_question[:, :-1], np.maximum(patterns.place, 0), axis=1)
    posterior = np.concatenate([np.where(patterns.place == NONE, 0.0, by_code), of_question[:, -1:]], axis=1)
    counted = patterns.count[:, None]
    right = patterns.gather((fit.by_place * counted)[:, :, None])[:, 0]
    accuracy = right / np.maximum((patterns.given * counted).sum(axis=0), 1.0)
    return AnswerReliability(
        history=history,
        ability=dict(zip(history.peers, fit.ability.tolist(), strict=True)),
        accuracy=dict(zip(history.peers, accuracy.tolist(), strict=True)),
        concentration=fit.concentration,
        posterior=posterior,
        sweeps=fit.sweeps,
        converged=fit.moved <= TOLERANCE,
        anchored=bool((patterns.truth != UNKNOWN).any()),
    )


def _notes(found: AnswerReliability) -> tuple[str, ...]:
    """Return what speaks against an estimate."""
    peers, m = len(found.history.peers), len(found.history.questions)
    notes: list[str] = []
    if not found.anchored and peers < PEERS_MIN:
        notes.append(
            f"reliability cannot be told from agreement of {peers} peers: it takes {PEERS_MIN}, or known answers"
        )
    if m < QUESTIONS_MIN:
        notes.append(f"reliability rests on {m} questions, fewer than {QUESTIONS_MIN}")
    if not found.converged:
        notes.append(f"reliability had not come to rest after {found.sweeps} sweeps")
    alone = sum(ability > 0 for ability in found.ability.values())
    if not found.anchored and peers >= PEERS_MIN and m and 0 < alone * 2 < peers:
        notes.append(
            f"reliability rests on {alone} of {peers} peers that agree with each other, not on most: "
            "they alone know, or err alike; known answers would tell"
        )
    return tuple(notes)
