"""W5, a world of vectors: peers who train one classifier together, each on data of its own, while some send lies.

Ten classes are points in 40 dimensions, drawn from N(0, 0.55²) in each, and examples lie around them with N(0, 1). In
every step each peer takes 16 fresh examples and sends the gradient of the soft-max loss, 410 numbers; an aggregator
makes one of them, and the classifier moves by 0.5 of it. Liars know all honest gradients of the step, with mean μ and
deviation σ in each coordinate, and all send the same, but for the first attack:

    random     uniform in [0, 1) in each coordinate
    reverse    -10 μ
    flip       -μ
    little     μ - σ         "a little is enough"
    empires    -μ / 2        "fall of empires"

Who lies is drawn from the seed. Clean training ends at 92 % right. Synthetic; nothing here says how good a rule is on
peers whose data differ. Sources of the attacks: Baruch et al. 2019, arXiv:1902.06156, and Xie et al. 2019,
arXiv:1903.03936; of the set-up Almasi et al. 2023, arXiv:2302.05865.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus import Aggregator
from waggledance.core import UsageError

Attack = Literal["random", "reverse", "flip", "little", "empires"]
ATTACKS: tuple[Attack, ...] = get_args(Attack)

CLASSES = 10
FEATURES = 40
BATCH = 16
STEPS = 250
SEPARATION = 0.55
RATE = 0.5
EXAMINED = 4_000
"""Examples that accuracy is measured on."""


class W5:
    """A world of peers that train together.

    Args:
        peers: how many, >= 1.
        bad: how many of them lie, 0 <= bad < peers.
        attack: what liars send.
        seed: same seed, same data and liars.

    >>> from waggledance.consensus import mean
    >>> W5(peers=3, seed=1).train(mean, steps=20) > 0.5
    True
    """

    def __init__(self, peers: int = 15, *, bad: int = 0, attack: Attack = "random", seed: int = 0) -> None:
        if not 0 <= bad < peers:
            raise UsageError(f"of {peers} peers 0 to {peers - 1} may be bad, got bad={bad}")
        if attack not in ATTACKS:
            raise UsageError(f"there is no attack {attack!r}; there are {', '.join(ATTACKS)}")
        if seed < 0:
            raise UsageError(f"a world's seed is 0 or more, got {seed}")
        self.peers, self.bad, self.attack, self.seed = peers, bad, attack, seed
        rng = np.random.default_rng(seed)
        self._centres = rng.normal(0, SEPARATION, (CLASSES, FEATURES))
        self._exam = self._examples(EXAMINED, rng)
        self.liars: tuple[int, ...] = tuple(sorted(rng.permutation(peers)[:bad].tolist()))
        """Numbers of the rows that lie, rising."""

    def train(self, aggregator: Aggregator, *, steps: int = STEPS) -> float:
        """Return the share of unseen examples that the classifier gets right after so many steps."""
        rng = np.random.default_rng([self.seed, 1])
        classifier = np.zeros((FEATURES + 1, CLASSES))
        for _ in range(steps):
            updates = self.gradients(classifier, rng)
            classifier -= RATE * aggregator(updates).vector.reshape(classifier.shape)
        examples, classes = self._exam
        right: NDArray[np.bool_] = (examples @ classifier).argmax(axis=1) == classes
        return int(right.sum()) / len(right)

    def gradients(self, classifier: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return what the peers send in one step, shape (peers, 410).

        Args:
            classifier: shape (41, 10): the weights of 40 features and a constant, for each class.
            rng: where examples are drawn from.
        """
        examples, classes = self._examples(self.peers * BATCH, rng)
        logits = examples @ classifier
        errors: NDArray[np.float64] = np.exp(logits - logits.max(axis=1, keepdims=True))
        errors /= errors.sum(axis=1, keepdims=True)
        errors[np.arange(len(classes)), classes] -= 1
        batches = examples.reshape(self.peers, BATCH, -1).transpose(0, 2, 1)
        sent: NDArray[np.float64] = (batches @ errors.reshape(self.peers, BATCH, -1)).reshape(self.peers, -1) / BATCH
        if self.bad:
            honest = np.delete(sent, self.liars, axis=0)
            sent[list(self.liars)] = self._lies(honest.mean(axis=0), honest.std(axis=0), rng)
        return sent

    def _lies(
        self, centre: NDArray[np.float64], spread: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        if self.attack == "random":
            return rng.random((self.bad, len(centre)))
        same = {"reverse": -10 * centre, "flip": -centre, "little": centre - spread, "empires": -centre / 2}
        return same[self.attack]

    def _examples(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return examples, shape (n, 41) with a constant 1 at the end, and their classes, shape (n,)."""
        classes = rng.integers(CLASSES, size=n)
        features = self._centres[classes] + rng.normal(size=(n, FEATURES))
        return np.concatenate([features, np.ones((n, 1))], axis=1), classes
