"""How right is `waggle lab predict`? Random swarms on recorded sets: fitted on a probe, held against the rest.

For each set, swarms of random models; of each the probe is some random questions, and what is predicted is how often
the swarm's most frequent answer is right on all others. Beside it the naive prediction: what the vote scored on the probe.

    WAGGLEDANCE_DATA=… python benchmarks/predict.py [--swarms 100] [--peers 7] [--probes 50] [--no-keys] [--small]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from random import Random
from time import perf_counter

import numpy as np

from waggledance.lab import load
from waggledance.lab._cast import cast_in_set
from waggledance.lab._predict import plurality_seen, predict
from waggledance.lab._probe import Probe

SETS = (
    "gsm8k-many-models", "math5-many-models", "crux-many-models", "numersense-many-models", "mmlu-pro-many-models",
    "confidence-lsat", "confidence-sat", "confidence-sciq", "confidence-boolq",
)  # fmt: skip
MOST_QUESTIONS = 1_500


def measure(name: str, peers: int, probes: int, swarms: int, *, labelled: bool) -> str:
    started = perf_counter()
    cast = cast_in_set(load(name))
    rows, keys = cast.votes[:MOST_QUESTIONS], cast.keys[:MOST_QUESTIONS]
    models = sorted({model for row in rows for model in row})
    if len(models) < peers or len(rows) < 2 * probes:
        return f"| {name} | {len(rows)} | too few models or questions |"
    rng = Random(f"{name}/{peers}")
    errors: list[float] = []
    naive: list[float] = []
    covered: list[bool] = []
    levels: list[
        tuple[float, float, float]
    ] = []  # the vote, the best single peer, whichever was predicted to be better
    forecasts: list[float] = []
    rhos: list[float] = []
    for _ in range(swarms):
        sitting = set(rng.sample(models, peers))
        order = rng.sample(range(len(rows)), len(rows))
        swarm = [{model: answer for model, answer in rows[i].items() if model in sitting} for i in order]
        truth = [keys[i] for i in order]
        probe = Probe.of(swarm[:probes], truth[:probes] if labelled else None)
        said = predict(probe, sizes=(peers,), further=len(rows) - probes)
        vote = said.votes[0]
        rest, rest_keys = swarm[probes:], truth[probes:]
        right = plurality_seen(rest, rest_keys, peers)
        alone = share(rest, rest_keys, said.best or "")
        errors.append(vote.accuracy - right)
        naive.append(plurality_seen(swarm[:probes], truth[:probes], peers) - right)
        covered.append(vote.low <= right <= vote.high)
        levels.append((right, alone, right if vote.gain > 0 else alone))
        forecasts.append(vote.accuracy)
        rhos.append(said.rho)
    e, b = np.array(errors) * 100, np.array(naive) * 100
    voted, best, chosen = (100 * np.array(levels)).mean(axis=0).tolist()
    return (
        f"| {name} | {len(rows)} | {np.mean(rhos):.2f} | {100 * np.mean(forecasts):.1f} | {voted:.1f} | {e.mean():+.1f} | "
        f"{abs(e).mean():.1f} | {abs(b).mean():.1f} | {100 * np.mean(covered):.0f} % | {best:.1f} | {chosen:.1f} | "
        f"{perf_counter() - started:.0f} s |"
    )


def share(rows: Sequence[Mapping[str, str | None]], keys: Sequence[str], model: str) -> float:
    return sum(row.get(model) == key for row, key in zip(rows, keys, strict=True)) / len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--swarms", type=int, default=100)
    parser.add_argument("--peers", type=int, default=7)
    parser.add_argument("--probes", type=int, default=50)
    parser.add_argument("--no-keys", action="store_true", help="fit from agreement alone")
    parser.add_argument("--small", action="store_true", help="ten swarms a set")
    given = parser.parse_args()
    swarms = 10 if given.small else given.swarms
    print(f"{swarms} random swarms of {given.peers}, {given.probes} probes, {'no keys' if given.no_keys else 'keys'}")
    print("| set | questions | ρ | vote predicted | vote seen | bias | mean error | of the probe's own vote | in 95 % | "
          "best single in the probe, seen | the predicted better of both, seen | time |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name in SETS:
        print(measure(name, given.peers, given.probes, swarms, labelled=not given.no_keys), flush=True)


if __name__ == "__main__":
    main()
