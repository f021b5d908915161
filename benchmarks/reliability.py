"""What reliability without a key gains over plurality, on recorded answers of real models and on liars.

    python benchmarks/reliability.py                         # all sections
    python benchmarks/reliability.py swarms --swarms 30      # one section, fewer swarms
    python benchmarks/reliability.py constants               # each tuned constant, chosen on the other sets

Recorded answers are not part of this repository: their folder is named by WAGGLEDANCE_DATA, or lies beside the checkout.
Intervals are 95 %, from 2,000 bootstrap samples of questions (the mean over swarms is taken within each question first).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus import (
    History,
    dependence,
    em_answers,
    tie_break,
)
from waggledance.core import PeerId, local_peer_id
from waggledance.testing import W1

DATA = Path(os.environ.get("WAGGLEDANCE_DATA") or Path(__file__).parents[2] / "shared" / "data")
SETS = (
    "math5-many-models",
    "crux-many-models",
    "gsm8k-many-models",
    "numersense-many-models",
    "mmlu-pro-many-models",
    "confidence-sciq",
    "confidence-sat",
    "confidence-boolq",
    "confidence-lsat",
)
SIZE = 7
PROBES = 0.1

Decided = Sequence[str | None]
Floats = NDArray[np.float64]


class Recorded(NamedTuple):
    """One set: who answered what, how sure, and what is true."""

    name: str
    models: tuple[str, ...]
    answers: list[list[str | None]]
    confidence: list[list[float | None]]
    truth: list[str | None]
    """The given answer that the key accepts, None where nobody gave it."""


def load(name: str) -> Recorded:
    """Read a set; names with "@" are the same weights served elsewhere and are left out."""
    with gzip.open(DATA / name / "answers.jsonl.gz", "rt") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    names = [model["model"] for model in json.loads((DATA / name / "models.json").read_text())]
    kept = [i for i, model in enumerate(names) if "@" not in model]
    answers: list[list[str | None]] = []
    confidence: list[list[float | None]] = []
    truth: list[str | None] = []
    for row in rows:
        if "by" in row:
            said = [row["by"].get(names[i], {}) for i in kept]
            given = [None if s.get("a") is None else str(s["a"]) for s in said]
            confidence.append([s.get("p") for s in said])
            right = [key == str(row["key"]) for key in given]
        else:
            given = [
                None if row["answers"][i] in (None, "-") and name.startswith("mmlu") else row["answers"][i]
                for i in kept
            ]
            confidence.append([None] * len(kept))
            flags = row.get("correct")
            right = [key == row["key"] for key in given] if flags is None else [bool(flags[i]) for i in kept]
        answers.append(given)
        truth.append(next((key for key, ok in zip(given, right, strict=True) if ok), None))
    return Recorded(name, tuple(names[i] for i in kept), answers, confidence, truth)


def history_of(recorded: Recorded, columns: Sequence[int]) -> History:
    peers = [local_peer_id(recorded.models[i]) for i in columns]
    return History.of({peer: row[i] for peer, i in zip(peers, columns, strict=True)} for row in recorded.answers)


def plurality(history: History) -> list[str | None]:
    """The most frequent answer; ties fall by hash of question and answer."""
    return vote(history, {})


def vote(history: History, weights: dict[PeerId, int]) -> list[str | None]:
    """The answer with the most weight behind it; a peer that is not named counts one."""
    weight = np.array([weights.get(peer, 1_000_000) for peer in history.peers])
    chosen: list[str | None] = []
    for name, keys, row in zip(history.questions, history.answers, history.codes, strict=True):
        scores = np.bincount(row[row >= 0], weight[row >= 0], minlength=len(keys)) if keys else np.zeros(0)
        best = [key for key, score in zip(keys, scores.tolist(), strict=True) if score == scores.max()]
        chosen.append(min(best, key=lambda key: tie_break(name, key)) if best else None)
    return chosen


def plain_em(history: History, sweeps: int = 50) -> list[str | None]:
    """The reference: Dawid and Skene's EM with one coin a peer, options = distinct answers given, no difficulty."""
    codes = history.codes
    n = codes.shape[1]
    k = int(codes.max(initial=0)) + 1
    said = codes[:, :, None] == np.arange(k)
    exists = said.any(axis=1)
    options = np.maximum(exists.sum(axis=1), 2)
    belief = said.sum(axis=1) / np.maximum(1, said.sum(axis=(1, 2)))[:, None]
    given = codes >= 0
    for _ in range(sweeps):
        right = np.array([(belief * said[:, p]).sum() for p in range(n)])
        rate = (right + 1) / (given.sum(axis=0) + 2)
        score = (
            np.einsum("mnk,n->mk", said, np.log(rate / (1 - rate))) + said.sum(axis=1) * np.log(options - 1)[:, None]
        )
        score = np.where(exists, score, -np.inf)
        with np.errstate(invalid="ignore"):
            belief = np.exp(score - np.where(exists.any(axis=1), score.max(axis=1), 0.0)[:, None])
        belief /= np.maximum(belief.sum(axis=1), 1e-300)[:, None]
    chosen: list[str | None] = []
    for name, keys, row in zip(history.questions, history.answers, belief.round(9), strict=True):
        best = [key for key, chance in zip(keys, row.tolist(), strict=False) if chance == row[: len(keys)].max()]
        chosen.append(min(best, key=lambda key: tie_break(name, key)) if best else None)
    return chosen


def hits(decided: Decided, truth: Decided) -> Floats:
    return np.array([a is not None and a == b for a, b in zip(decided, truth, strict=True)], dtype=np.float64)


def interval(by_question: Floats, seed: int = 0) -> str:
    """The mean over questions in points, and its 95 % bootstrap interval; NaN where a question does not count."""
    kept = by_question[~np.isnan(by_question)] * 100
    rng = np.random.default_rng(seed)
    means = [kept[rng.integers(len(kept), size=len(kept))].mean() for _ in range(2_000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{kept.mean():+.1f} [{low:+.1f}, {high:+.1f}]"


def swarms(recorded: Recorded, count: int, seed: int = 1) -> Iterator[tuple[int, list[int]]]:
    rng = Random(f"{recorded.name} {seed}")
    for number in range(count):
        yield number, sorted(rng.sample(range(len(recorded.models)), SIZE))


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print(
            "| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row) + " |",
            flush=True,
        )
    print()


def section_swarms(args: argparse.Namespace) -> None:
    """Random swarms of 7: gain over plurality in points, mean over swarms, with and without 10 % probes."""
    head = ["set", "questions", "swarms", "plurality", "any right", "plain EM", "weighted vote", "EM", "worst swarm",
            "EM, 10 % probes", "half of the gap"]  # fmt: skip
    rows: list[list[object]] = []
    for name in args.sets:
        recorded = load(name)
        m = len(recorded.truth)
        count = args.swarms if m < 3_000 else max(2, args.swarms // 4)
        total: dict[str, list[Floats]] = {arm: [] for arm in ("plurality", "any", "plain", "vote", "em", "probes")}
        for number, columns in swarms(recorded, count):
            history = history_of(recorded, columns)
            base = plurality(history)
            given = [t if t in keys else None for t, keys in zip(recorded.truth, history.answers, strict=True)]
            found = em_answers(history)
            total["plurality"].append(hits(base, given))
            total["any"].append(np.array([t is not None for t in given], dtype=np.float64))
            total["plain"].append(hits(plain_em(history), given))
            total["vote"].append(hits(vote(history, found.weights()), given))
            total["em"].append(hits(found.decide(), given))
            total["probes"].append(probed(history, recorded.truth, given, number))
        means = {arm: mean_of(values) for arm, values in total.items()}
        base = means["plurality"]
        worst = min(100 * float((em - p).mean()) for em, p in zip(total["em"], total["plurality"], strict=True))
        gap = float(means["any"].mean() - base.mean())
        rows.append([name, m, count, float(base.mean()), float(means["any"].mean()),
                     *(interval(means[arm] - base) for arm in ("plain", "vote", "em")), f"{worst:+.1f}",
                     interval(means["probes"] - base), f"{50 * gap:+.1f}"])  # fmt: skip
        print(rows[-1], flush=True)
    table(head, rows)


def mean_of(by_swarm: Sequence[Floats]) -> Floats:
    """The mean over swarms of every question; NaN where no swarm had it unseen."""
    values = np.array(by_swarm)
    counted = (~np.isnan(values)).sum(axis=0)
    return np.where(counted > 0, np.nansum(values, axis=0) / np.maximum(counted, 1), np.nan)


def probed(history: History, truth: Decided, given: Decided, seed: int) -> Floats:
    """Right or wrong by question when a tenth, drawn anew each time, has a known key; NaN on those."""
    rng = Random(seed)
    m = len(truth)
    told = sorted(rng.sample(range(m), round(PROBES * m)))
    known = history.known({i: truth[i] or "\0 nobody said it" for i in told})
    right = hits(em_answers(history, known=known).decide(), given)
    right[told] = np.nan
    return right


def section_all(args: argparse.Namespace) -> None:
    """All models of a set at once: plurality, confidence-weighted vote where confidence is stated, EM; dependence."""
    head = [
        "set",
        "models",
        "plurality",
        "confidence-weighted",
        "EM",
        "EM - plurality",
        "n_eff without a key",
        "with the key",
    ]
    rows: list[list[object]] = []
    for name in args.sets:
        recorded = load(name)
        history = history_of(recorded, range(len(recorded.models)))
        base, found = hits(plurality(history), recorded.truth), em_answers(history)
        stated = [float(c is not None) for row in recorded.confidence for c in row]
        weighted = f"{hits(confident(recorded, history), recorded.truth).mean():.3f}" if sum(stated) else "–"
        em = hits(found.decide(), recorded.truth)
        known = history.known({i: t or "\0 nobody said it" for i, t in enumerate(recorded.truth)})
        rows.append([name, len(recorded.models), float(base.mean()), weighted, float(em.mean()), interval(em - base),
                     f"{dependence(history, found).n_eff:.1f}",
                     f"{dependence(history, em_answers(history, known=known), known=known).n_eff:.1f}"])  # fmt: skip
    table(head, rows)


def confident(recorded: Recorded, history: History) -> list[str | None]:
    """The answer with the most stated confidence behind it; none stated counts one half."""
    chosen: list[str | None] = []
    for name, said, sure in zip(history.questions, recorded.answers, recorded.confidence, strict=True):
        score: dict[str, float] = {}
        for key, p in zip(said, sure, strict=True):
            if key is not None:
                score[key] = round(score.get(key, 0.0) + (0.5 if p is None else p), 9)
        best = [key for key in score if score[key] == max(score.values())]
        chosen.append(min(best, key=lambda key: tie_break(name, key)) if best else None)
    return chosen


def section_colluders(args: argparse.Namespace) -> None:
    """World W1, 15 peers, k of them always give the question's most common error: right in percent."""
    head = ["colluders", "plurality", "EM, no probes", "EM, 10 % probes", "weighted vote, 10 % probes"]
    rows: list[list[object]] = []
    for liars in (0, 3, 5, 7):
        right: list[list[float]] = []
        for seed in range(args.seeds):
            rows_said, truth = collusion(liars, 500, seed)
            history = History.of(rows_said)
            told = Random(seed).sample(range(500), 50)
            known = history.known({i: truth[i] for i in told})
            unseen = np.array([i not in set(told) for i in range(500)])
            anchored = em_answers(history, known=known)
            arms = (
                plurality(history),
                em_answers(history).decide(),
                anchored.decide(),
                vote(history, anchored.weights()),
            )
            right.append([100 * float(hits(arm, truth)[unseen].mean()) for arm in arms])
        mean, error = np.mean(right, axis=0), np.std(right, axis=0, ddof=1) / np.sqrt(args.seeds)
        rows.append([liars, *(f"{a:.1f} ± {1.96 * e:.1f}" for a, e in zip(mean, error, strict=True))])
    table(head, rows)


def collusion(liars: int, questions: int, seed: int) -> tuple[list[dict[PeerId, str | None]], list[str]]:
    """Answers of W1 where some peers, drawn by the seed, always give an error of the question, the same one."""
    world, rng = W1(15, seed=seed), Random(seed)
    bad = rng.sample(range(15), liars)
    rows: list[dict[PeerId, str | None]] = []
    truth: list[str] = []
    for number in range(questions):
        answers = world.answers(number)
        said = answers.said.copy()
        said[bad] = rng.choice([option for option in range(4) if option != answers.truth])
        rows.append({local_peer_id(f"peer-{i}"): "ABCD"[option] for i, option in enumerate(said.tolist())})
        truth.append("ABCD"[answers.truth])
    return rows, truth


def section_constants(args: argparse.Namespace) -> None:
    """Spreads of difficulty and ability chosen on all other sets, and what that choice gives on the one left out."""
    from waggledance.consensus import _answer_model, _em_answers

    grid = [(difficulty, ability) for difficulty in (1.0, 1.5, 2.0, 2.5) for ability in (1.0, 1.5, 2.5)]
    gains: dict[tuple[float, float], list[float]] = {pair: [] for pair in grid}
    start = _answer_model.LEVELS
    for name in args.sets:
        recorded = load(name)
        if len(recorded.truth) > 1_000:  # a thousand questions, drawn once
            kept = sorted(Random(0).sample(range(len(recorded.truth)), 1_000))
            recorded = recorded._replace(
                answers=[recorded.answers[i] for i in kept], truth=[recorded.truth[i] for i in kept]
            )
        histories = [history_of(recorded, columns) for _, columns in swarms(recorded, max(2, args.swarms // 5), seed=2)]
        bases = [hits(plurality(history), recorded.truth) for history in histories]
        for difficulty, ability in grid:
            scale = difficulty / _answer_model.DIFFICULTY_SD
            levels = start * scale
            for module in (_answer_model, _em_answers):
                module.LEVELS = levels  # pyright: ignore[reportAttributeAccessIssue]
            _em_answers.ABILITY_SD = ability  # pyright: ignore[reportAttributeAccessIssue]
            gain = [
                hits(em_answers(h).decide(), recorded.truth).mean() - b.mean()
                for h, b in zip(histories, bases, strict=True)
            ]
            gains[difficulty, ability].append(100 * float(np.mean(gain)))
        print(name, {pair: round(values[-1], 2) for pair, values in gains.items()}, flush=True)
    rows: list[list[object]] = []
    for left, name in enumerate(args.sets):
        others = {pair: np.mean([g for i, g in enumerate(values) if i != left]) for pair, values in gains.items()}
        best = max(grid, key=lambda pair: others[pair])
        rows.append([name, f"{best[0]:g}, {best[1]:g}", f"{gains[best][left]:+.1f}", f"{gains[2.0, 1.5][left]:+.1f}"])
    table(["left out", "chosen on the others (difficulty, ability)", "gain there", "gain with ours (2, 1.5)"], rows)


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "swarms": section_swarms,
    "all": section_all,
    "colluders": section_colluders,
    "constants": section_constants,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="all when none is named")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    parser.add_argument(
        "--swarms", type=int, default=100, help="swarms a set; a quarter where it has over 3,000 questions"
    )
    parser.add_argument("--seeds", type=int, default=10, help="worlds of colluders")
    args = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"no recorded answers at {DATA}; name their folder in WAGGLEDANCE_DATA")
    for section in args.sections or SECTIONS:
        print(f"## {SECTIONS[section].__doc__}\n")
        SECTIONS[section](args)


if __name__ == "__main__":
    main()
