"""EM on judgements: how often each judge is right, and how good what they judged is, from their verdicts alone.

Judge k prefers the better of two with chance η_k; how much better i is than j is a Bradley-Terry strength:

    p = sigmoid(s_i - s_j) for a verdict "i beats j";   E-step:  c = η_k p / (η_k p + (1 - η_k)(1 - p))
    M-step:  η_k = mean of c over k's verdicts;   s = argmin Σ -c log p - (1 - c) log(1 - p) + l2/2 · Σ s²

The second term of the M-step is what an untrusted verdict says: the reverse. Source: Cao et al. 2025, "Latent
Collective Preference Optimization", arXiv:2509.24159; two-sided as exact EM has it, where the paper's loss may keep the
first term only (that gave Kendall τ .88 instead of .91 with 3 hostile judges of 10).

Withstands judges that guess, and hostile ones up to about three of ten: the start η = .9 says that most are honest.
With half of them hostile nothing can be inferred, as all strengths and all η may be reversed; then hold some strengths
fixed (`anchors`). It takes one order of preference for granted: a minority of another taste looks unreliable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, log

import numpy as np

from waggledance.consensus._answer_model import Floats
from waggledance.consensus._history import Ints
from waggledance.consensus._rule import Judgements, Proposals, subjects
from waggledance.consensus._wins import ballots
from waggledance.core import UNIT, Message, PeerId, Proposal, UsageError

LABELS_MIN = 50
"""Below this many verdicts a judge's η is not reported as known: its error was .09 there, .04 at 200."""

_TOLERANCE = 1e-6
_NEWTON_STEPS = 3
_ETA_EDGE = 1e-6

Preference = tuple[PeerId, str, str]
"""A judge's verdict on two contenders: who judged, the better, the worse."""


@dataclass(frozen=True)
class JudgeReliability:
    """What verdicts say about judges and about what they judged."""

    eta: Mapping[PeerId, float]
    """Each judge's chance to prefer the better of two, 0 to 1; sorted by judge."""
    labels: Mapping[PeerId, int]
    """How many verdicts each judge gave."""
    strengths: Mapping[str, float]
    """Each contender's strength, a logit; sorted by contender, mean 0 unless anchored."""
    label_trust: tuple[float, ...]
    """For each verdict, in the order given, the chance that it is right."""
    notes: tuple[str, ...] = ()
    """What speaks against the estimate."""

    @property
    def known(self) -> frozenset[PeerId]:
        """Judges with enough verdicts for their η to be trusted."""
        return frozenset(judge for judge, n in self.labels.items() if n >= LABELS_MIN)

    def weights(self) -> dict[PeerId, int]:
        """Return log(η / (1 - η)) floored at 0, with one right and one wrong verdict added: ppm of a nat, for rules."""
        weights: dict[PeerId, int] = {}
        for judge, eta in self.eta.items():
            chance = (eta * self.labels[judge] + 1) / (self.labels[judge] + 2)
            weights[judge] = max(0, round(UNIT * log(chance / (1 - chance))))
        return weights


def em_judges(
    preferences: Iterable[Preference],
    *,
    eta0: float = 0.9,
    l2: float = 0.05,
    sweeps: int = 60,
    anchors: Mapping[str, float] | None = None,
) -> JudgeReliability:
    """Estimate judges' reliabilities and contenders' strengths.

    Args:
        preferences: verdicts; the same one twice counts twice, two that contradict each other both count.
        eta0: reliability of every judge at the start, between .5 and 1.
        l2: pull of strengths towards 0, > 0; keeps them finite.
        sweeps: turns of EM at most, >= 1.
        anchors: strengths that are known, logits; they stay. Contenders that nobody judged are left out.

    Returns:
        The estimate, the same bits whatever the order of verdicts was.

    Raises:
        UsageError: a judge compares something with itself, or a number is outside of its range.

    >>> ann, bob = PeerId(b"ann"), PeerId(b"bob")
    >>> em_judges([(ann, "4", "5"), (bob, "4", "5")]).strengths["4"] > 0
    True
    """
    given = list(preferences)
    _check(given, eta0, l2, sweeps, anchors or {})
    judges = sorted({judge for judge, _, _ in given})
    contenders = sorted({name for _, better, worse in given for name in (better, worse)})
    if not given:
        return JudgeReliability({}, {}, {}, (), ("nobody judged: nothing is known about judges",))
    judge_at = {judge: i for i, judge in enumerate(judges)}
    contender_at = {name: i for i, name in enumerate(contenders)}
    triples: Ints = np.array([(judge_at[k], contender_at[a], contender_at[b]) for k, a, b in given], dtype=np.int64)
    rows, row, count = np.unique(triples, axis=0, return_inverse=True, return_counts=True)
    held = {contender_at[name]: value for name, value in (anchors or {}).items() if name in contender_at}
    eta, strength, trust = _iterate(
        rows, count.astype(np.float64), len(judges), len(contenders), eta0, l2, sweeps, held
    )
    labels = np.bincount(triples[:, 0], minlength=len(judges))
    return JudgeReliability(
        eta=dict(zip(judges, eta.tolist(), strict=True)),
        labels=dict(zip(judges, labels.tolist(), strict=True)),
        strengths=dict(zip(contenders, strength.tolist(), strict=True)),
        label_trust=tuple(trust[row.reshape(-1)].tolist()),
        notes=_notes(eta, labels, bool(held)),
    )


def _iterate(
    rows: Ints,
    count: Floats,
    judges: int,
    contenders: int,
    eta0: float,
    l2: float,
    sweeps: int,
    held: Mapping[int, float],
) -> tuple[Floats, Floats, Floats]:
    """Return η of judges, strengths of contenders, and trust in each distinct verdict."""
    judge, better, worse = rows.T
    labels = np.bincount(judge, count, minlength=judges)
    free: Ints = np.array([i for i in range(contenders) if i not in held], dtype=np.int64)
    strength = np.array([held.get(i, 0.0) for i in range(contenders)])
    eta = np.full(judges, eta0)
    trust = np.full(len(rows), eta0)
    for _ in range(sweeps):
        strength = _strengths(strength, free, better, worse, trust, count, l2)
        chance = 1 / (1 + np.exp(strength[worse] - strength[better]))
        right = eta[judge] * chance
        trust = right / (right + (1 - eta[judge]) * (1 - chance))
        before = eta
        eta = np.clip(np.bincount(judge, trust * count, minlength=judges) / labels, _ETA_EDGE, 1 - _ETA_EDGE)
        if np.abs(eta - before).max() <= _TOLERANCE:
            break
    return eta, strength, trust


def _strengths(
    strength: Floats, free: Ints, better: Ints, worse: Ints, trust: Floats, count: Floats, l2: float
) -> Floats:
    """Return strengths that fit the trusted verdicts better: a few Newton steps."""
    n = len(strength)
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(strength[worse] - strength[better]))
        push = count * (trust - chance)
        slope = np.bincount(better, push, minlength=n) - np.bincount(worse, push, minlength=n) - l2 * strength
        curve = count * chance * (1 - chance)
        bend = np.zeros((n, n))
        np.add.at(bend, (better, better), curve)
        np.add.at(bend, (worse, worse), curve)
        np.add.at(bend, (better, worse), -curve)
        np.add.at(bend, (worse, better), -curve)
        bend[np.diag_indices(n)] += l2
        step = np.zeros(n)
        step[free] = np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        strength = strength + np.clip(step, -2.0, 2.0)
    return strength


def _check(given: list[Preference], eta0: float, l2: float, sweeps: int, anchors: Mapping[str, float]) -> None:
    """Refuse what makes no sense."""
    if not 0.5 < eta0 < 1:
        raise UsageError(f"eta0 lies between 0.5 and 1, got {eta0}: most judges are taken to be honest at the start")
    if not (isfinite(l2) and l2 > 0):
        raise UsageError(f"l2 is a finite number above 0, got {l2}: without it strengths would grow for ever")
    if sweeps < 1:
        raise UsageError(f"EM takes at least one sweep, got {sweeps}")
    if not all(isfinite(value) for value in anchors.values()):
        raise UsageError(f"anchors are finite strengths, got {dict(anchors)}")
    for _, better, worse in given:
        if better == worse:
            raise UsageError(f"a judge compares {better!r} with itself; leave such pairs out")


def _notes(eta: Floats, labels: Ints, anchored: bool) -> tuple[str, ...]:
    """Return what speaks against an estimate."""
    notes: list[str] = []
    few = int((labels < LABELS_MIN).sum())
    if few:
        notes.append(f"{few} of {len(eta)} judges gave fewer than {LABELS_MIN} verdicts: their reliability is a guess")
    below = int((eta < 0.5).sum())
    if below:
        notes.append(f"judges look unreliable: {below} of {len(eta)} agree with the rest less often than a coin")
    if not anchored and below * 10 >= 4 * len(eta):
        notes.append("who is hostile cannot be told: nearly half of the judges contradict the others; use anchors")
    return tuple(notes)


def preferences(judgements: Judgements, proposals: Proposals) -> list[Preference]:
    """Return judges' verdicts on distinct answers, of one or many channels, for `em_judges`.

    A judge has one verdict on each two answers of a channel (`ballots`). Those that name an answer of its own are left
    out, since all judges favour what they said; so are draws. Contenders are named by channel and answer.
    """
    by_channel: dict[str, list[Message[Proposal]]] = {}
    for proposal in proposals:
        by_channel.setdefault(proposal.channel, []).append(proposal)
    found: list[Preference] = []
    for channel, said in sorted(by_channel.items()):
        own: dict[PeerId, set[str | None]] = {}
        for proposal in said:
            own.setdefault(proposal.author, set()).add(proposal.body.key)
        cast = ballots([m for m in judgements if m.channel == channel], subjects(said))
        for judge, ballot in sorted(cast.items()):
            for (a, b), side in sorted(ballot.items()):
                if side and not {a, b} & own.get(judge, set()):
                    better, worse = (a, b) if side > 0 else (b, a)
                    found.append((judge, f"{channel}\n{better}", f"{channel}\n{worse}"))
    return found
