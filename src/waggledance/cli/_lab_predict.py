"""`waggle lab predict`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from waggledance.cli._printing import print_json, print_table, print_text
from waggledance.core import UsageError
from waggledance.lab import Bank, Expected, Prediction, Probe, load, plurality_seen, predict
from waggledance.lab._cast import Cast, cast_in_bank, cast_in_set
from waggledance.lab._predict import SIZES

_SWARMS = 50
"""Random swarms of a size whose votes are looked at afterwards."""


def predict_votes(
    data: str,
    data_folder: Path | None,
    models: Sequence[str],
    bank: Path | None,
    *,
    probes: int,
    keys: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Predict what votes are worth from a few questions, and say how right that was where the others have keys."""
    held = load(data, data_folder)
    chosen = list(models) or None
    if bank is None:
        groups: tuple[Cast, ...] = (cast_in_set(held, chosen, seed=seed),)
    else:
        groups = cast_in_bank(Bank.at(bank), held, chosen, seed=seed)
    if probes < 2:
        raise UsageError(f"a probe needs two questions at least, got {probes}")
    found = [_one(group, probes, keys=keys, seed=seed) for group in groups]
    if as_json:
        print_json({"set": held.name, "groups": found})
        return
    for group, result in zip(groups, found, strict=True):
        _print(held.name, group, result)


def _one(group: Cast, probes: int, *, keys: bool, seed: int) -> dict[str, Any]:
    """Return the prediction of one group of voters, and what was seen on the questions behind the probe."""
    probed = min(probes, len(group.votes))
    further = len(group.votes) - probed
    probe = Probe.of(group.votes[:probed], group.keys[:probed] if keys else None)
    sizes = sorted({*SIZES, len(probe.voters)} - {1})
    prediction = predict(probe, alike=group.alike, sizes=sizes, further=further or None, seed=seed)
    rest, rest_keys = group.votes[probed:], group.keys[probed:]
    seen: dict[int, float] = {}
    if further:
        for n in [n for n in sizes if n <= len({voter for row in rest for voter in row})]:
            seen[n] = plurality_seen(rest, rest_keys, n, swarms=_SWARMS, seed=seed)
        alone = list(probe.voters) if prediction.best is None else [prediction.best]
        right = [row.get(voter) == key for row, key in zip(rest, rest_keys, strict=True) for voter in alone]
        seen[1] = sum(right) / len(right)
    return {"who": group.who, "tokens": group.tokens, "further": further, "prediction": prediction, "seen": seen}


def _print(name: str, group: Cast, result: dict[str, Any]) -> None:
    said, seen, further = result["prediction"], result["seen"], result["further"]
    assert isinstance(said, Prediction)
    known = (
        "with keys" if said.labelled else "without keys: from agreement alone, rough, and too high where errors agree"
    )
    print_text(f"{name}, {group.who}; probe of {said.questions} questions {known}")
    print_text(
        f"mean accuracy {said.accuracy:.1%}; correlation {said.rho:.2f}, so that {_worth(said.saturation)}; "
        f"two that err agree in {said.agreement:.0%}"
    )
    alone = (
        "1",
        f"{said.best_accuracy:.1%}",
        f"{said.best_low:.1%} to {said.best_high:.1%}",
        "",
        "",
        _tokens(group, 1),
    )
    rows = [(*alone, _seen(seen, 1)), *(_row(vote, said, group, seen) for vote in said.votes)]
    header = ("peers", "right", "95 %", "over one alone", "if correlated half as much", "tokens",
              f"seen on {further} others")  # fmt: skip
    print_table(header, rows)
    print_text(_advice(said))
    print_text("")


def _row(vote: Expected, said: Prediction, group: Cast, seen: dict[int, float]) -> tuple[str, ...]:
    more = "" if vote.n <= said.voters else " (if there were)"
    return (
        f"{vote.n}{more}",
        f"{vote.accuracy:.1%}",
        f"{vote.low:.1%} to {vote.high:.1%}",
        f"{_points(vote.gain)} ({_points(vote.gain_low)} to {_points(vote.gain_high)})",
        f"{vote.varied:.1%}",
        _tokens(group, vote.n),
        _seen(seen, vote.n),
    )


def _advice(said: Prediction) -> str:
    alone = "one" if said.best is None else said.best
    words = {
        "one": f"Ask {alone} alone: a vote of these is not expected to gain half a point.",
        "vote": f"Let {said.advised} vote.",
        "perhaps": f"Perhaps let {said.advised} vote: the gain over {alone} alone may be nothing.",
    }[said.advice]
    return words + (" Peers that err less together would gain more than more peers." if said.variety else "")


def _tokens(group: Cast, n: int) -> str:
    return "" if group.tokens is None else f"{n * group.tokens:,.0f}"


def _seen(seen: dict[int, float], n: int) -> str:
    return f"{seen[n]:.1%}" if n in seen else ""


def _points(gain: float) -> str:
    return f"{round(100 * gain, 1) + 0.0:+.1f}"  # never -0.0


def _worth(independent: float) -> str:
    if independent < 1_000:
        return f"no number of them is worth more than {independent:.1f} independent ones"
    return "each counts as an independent one"
