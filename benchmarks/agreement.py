"""What bargains and institutions make of their synthetic worlds: tables with 95 % intervals, beside the papers' cards.

    python benchmarks/agreement.py [--small] [bargain] [bargain-protocol] [institutions]

Seeded: same numbers on every machine.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Sequence
from math import sqrt
from statistics import mean, stdev

from waggledance import Swarm
from waggledance.consensus import Measures, Package, leximin, nash, negotiate, scaled, utilitarian
from waggledance.core import UNIT, Question, best_package, package_of
from waggledance.peers import Stakeholder
from waggledance.protocols import Bargaining, Institution, Spec, Stage, institution_spec, institutions
from waggledance.testing import W6, Offices, Scenario

SEED = 42


def bargain(small: bool) -> None:
    """Negotiated packages on W6 against the base and the exact ones."""
    scenarios = 30 if small else 150
    print(f"## bargain: W6, {scenarios} scenarios, sum and worst group of 5, 95 % intervals\n")
    print("| conflict | package | total | worst | Gini | total over base | worst over base | worst falls | moves |")
    print("|---|---|---|---|---|---|---|---|---|")
    for conflict in (0.3, 0.6, 1.0):
        world = W6(conflict, seed=SEED)
        found: defaultdict[str, list[tuple[Measures, Measures, int]]] = defaultdict(list)
        for number in range(scenarios):
            s = world.scenario(number)
            base = _measured(s, s.base)
            single = negotiate(s.costs, s.budget, s.utilities, s.base, pairs=False, floor="every", scale=False)
            pairs = negotiate(s.costs, s.budget, s.utilities, s.base, scale=False)
            for name, package, moves in (
                ("base", s.base, 0),
                ("single moves, every group's floor", single.package, len(single.moves)),
                ("pairs, worst group's floor (default)", pairs.package, len(pairs.moves)),
                ("leximin, exact", leximin(s.costs, s.budget, s.utilities), 0),
                ("Nash, exact", nash(s.costs, s.budget, s.utilities, sorted(s.base)), 0),
                ("utilitarian, exact", utilitarian(s.costs, s.budget, s.utilities), 0),
            ):
                assert sum(s.costs[i] for i in package) <= s.budget
                found[name].append((base, _measured(s, package), moves))
        for name, rows in found.items():
            total = [after.total / UNIT for _, after, _ in rows]
            worst = [after.worst / UNIT for _, after, _ in rows]
            gain = _ratio([b.total for b, _, _ in rows], [a.total for _, a, _ in rows])
            lift = _ratio([b.worst for b, _, _ in rows], [a.worst for _, a, _ in rows])
            falls = sum(a.worst < b.worst for b, a, _ in rows)
            print(f"| {conflict} | {name} | {_with(total)} | {_with(worst)} | {mean(a.gini for _, a, _ in rows):.3f} | "
                  f"{gain} | {lift} | {falls} | {mean(m for _, _, m in rows):.1f} |")  # fmt: skip
    print()


def bargain_protocol(small: bool) -> None:
    """The protocol among stakeholders, whose values nobody else sees; utilities on each group's own scale, 0 to 1."""
    scenarios = 20 if small else 150
    print(f"## bargain-protocol: {scenarios} scenarios of W6 through `Swarm`, scaled utilities, 95 % intervals\n")
    print("| conflict | package | total of 5 | worst | Gini | worst falls | calls | messages |")
    print("|---|---|---|---|---|---|---|---|")
    options = tuple(f"item {i}" for i in range(12))
    for conflict in (0.3, 0.6, 1.0):
        world = W6(conflict, seed=SEED)
        rows: defaultdict[str, list[Measures]] = defaultdict(list)
        falls, calls, messages = 0, list[int](), list[int]()
        for number in range(scenarios):
            s = world.scenario(number)
            question = Question(text=f"W6 {number}", expects="package", options=options, costs=s.costs, spend=s.budget)
            peers = [Stakeholder(g, dict(zip(options, (v / UNIT for v in vs), strict=True)))
                     for g, vs in s.utilities.items()]  # fmt: skip
            decision = Swarm(peers, protocol=Bargaining()).ask_sync(question)
            wishes = [_scaled_of(s, best_package(s.costs, s.budget, values)) for values in s.utilities.values()]
            before, after = max(wishes, key=lambda m: m.total), _scaled(s, decision.key)
            rows["base: the wish of largest total"].append(before)
            rows["bargain"].append(after)
            stated = {g: [scaled(s.costs, s.budget, v, [i]) for i in range(12)] for g, v in s.utilities.items()}
            least = {g: scaled(s.costs, s.budget, v, []) for g, v in s.utilities.items()}
            over = {g: [value - least[g] for value in values] for g, values in stated.items()}
            rows["leximin of scaled values, exact"].append(_scaled_of(s, leximin(s.costs, s.budget, over)))
            falls += after.worst < before.worst
            calls.append(decision.cost.calls)
            messages.append(len(decision.used))
        for name, measured in rows.items():
            tail = f"{falls} | {mean(calls):.0f} | {mean(messages):.0f}" if name == "bargain" else "– | – | –"
            print(f"| {conflict} | {name} | {_with([m.total / UNIT for m in measured])} | "
                  f"{_with([m.worst / UNIT for m in measured])} | {mean(m.gini for m in measured):.3f} | {tail} |")  # fmt: skip
    print()


def governments(small: bool) -> None:
    """Institutions on the world of offices: right, wrong and ended, in percent."""
    tasks = 200 if small else 1000
    settings = [(0.05, 0.5), (0.1, 0.6), (0.3, 0.8)]
    print(f"## institutions: {tasks} tasks each, 9 peers, percent; a 95 % interval is {196 * sqrt(0.21 / tasks):.1f} "
          "at 70 %\n")  # fmt: skip
    print("| institution | fingerprint | " + " | ".join(f"e={e} c={c}: right / wrong / ended, calls" for e, c in settings)
          + " |")  # fmt: skip
    print("|---|---|" + "---|" * len(settings))
    named = [institution_spec(name) for name in institutions()]
    rights: list[list[float]] = []
    for spec in (*shapes(), *named):
        cells: list[str] = []
        for errs, catches in settings:
            right, wrong, ended, calls = asyncio.run(governed(spec, errs, catches, tasks))
            cells.append(f"{right:.1f} / {wrong:.1f} / {ended:.1f}, {calls:.1f}")
            rights.append([right])
        print(f"| {spec.name} | {spec.fingerprint} | " + " | ".join(cells) + " |")
    own = [r[0] for r in rights[len(shapes()) * len(settings) :]]
    for i, (errs, catches) in enumerate(settings):
        of = own[i :: len(settings)]
        print(f"\nSpread over the {len(named)} institutions at e={errs}, c={catches}: {max(of) - min(of):.1f} points.")
    print()


def shapes() -> list[Spec]:
    """Return the card's five shapes: bare, a pipeline, gates that end, a gate that sends back, an assembly."""
    done, ended = Stage(name="done", kind="end"), Stage(name="ended", kind="end", outcome="ended")
    draft = Stage(name="draft", kind="draft", then={"default": "next"})

    def line(name: str, stages: Sequence[Stage]) -> Spec:
        names = [*(stage.name for stage in stages[1:]), "done"]
        linked = [Stage(name=s.name, kind=s.kind, office=s.name, seats=s.seats, then={**s.then, "default": after})
                  for s, after in zip(stages, names, strict=True)]  # fmt: skip
        ends = [done, ended] if any("reject" in s.then for s in stages) else [done]
        return Spec(name=name, stages=(*linked, *ends))

    gates = [Stage(name=f"gate-{i}", kind="gate", then={"reject": "ended"}) for i in range(4)]
    work = [Stage(name=f"work-{i}", kind="work") for i in range(4)]
    loop = Spec(
        name="one-gate-redraft",
        stages=(
            Stage(name="draft", kind="draft", tries=4, otherwise="ended", then={"default": "gate"}),
            Stage(name="gate", kind="gate", office="gate", then={"reject": "draft", "default": "done"}),
            done,
            ended,
        ),
    )
    seven = Stage(name="assembly", kind="gate", seats=7, then={"reject": "ended"})
    return [
        line("bare", [draft]),
        line("pipeline-of-5", [draft, *work]),
        line("four-gates-that-end", [draft, *gates]),
        loop,
        line("seven-voters", [draft, seven]),
    ]


async def governed(spec: Spec, errs: float, catches: float, tasks: int) -> tuple[float, float, float, float]:
    """Return the percentages of tasks that ended right, wrong and not at all, and the mean number of calls."""
    world = Offices(errs, catches, seed=SEED)
    swarm = Swarm(world.seats(9), protocol=Institution(spec), seed=SEED)
    right = wrong = calls = 0
    for number in range(tasks):
        task = world.task(number)
        decision = await swarm.ask(task)
        right += decision.key == world.truth(task)
        wrong += decision.key not in (None, world.truth(task))
        calls += decision.cost.calls
    return 100 * right / tasks, 100 * wrong / tasks, 100 * (tasks - right - wrong) / tasks, calls / tasks


def _measured(s: Scenario, package: Package) -> Measures:
    return Measures.of({group: sum(values[i] for i in package) for group, values in s.utilities.items()})


def _scaled(s: Scenario, key: str | None) -> Measures:
    package = package_of(key or "", len(s.costs))
    assert package is not None
    return _scaled_of(s, package)


def _scaled_of(s: Scenario, package: Package) -> Measures:
    return Measures.of({g: scaled(s.costs, s.budget, v, package) for g, v in s.utilities.items()})


def _with(values: Sequence[float]) -> str:
    return f"{mean(values):.2f} ± {1.96 * stdev(values) / sqrt(len(values)):.2f}"


def _ratio(before: Sequence[int], after: Sequence[int]) -> str:
    """Return the ratio of means in percent over one, with the interval of the linearised ratio."""
    ratio = sum(after) / sum(before)
    rests = [a - ratio * b for a, b in zip(after, before, strict=True)]
    half = 1.96 * stdev(rests) / sqrt(len(rests)) / mean(before)
    return f"{100 * (ratio - 1):+.1f} ± {100 * half:.1f} %"


SECTIONS = {"bargain": bargain, "bargain-protocol": bargain_protocol, "institutions": governments}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sections", nargs="*", help="all when none is named")
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    for name in asked.sections or SECTIONS:  # an unknown name is a KeyError that shows it
        SECTIONS[name](asked.small)


if __name__ == "__main__":
    main()
