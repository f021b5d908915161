"""What goes right breaks no contract: every protocol on the simulated network without faults, and with budgets.

Source: the acceptance of the project's card on Paduraru, Bouruc, Stefanescu 2026, arXiv:2603.18096.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest

from waggledance import Swarm
from waggledance.core import Budget, Question, RunFailed
from waggledance.network import Exponential, LogNormal, Simulated, Uniform
from waggledance.protocols import PROTOCOLS, by_name
from waggledance.safety import Checked, Compliance, builtin, check
from waggledance.tasks import Add, Link, PlanResult, Task
from waggledance.testing import Kept, Opinionated

OWN = sorted({kind.name for kind in PROTOCOLS.values() if kind.__module__.startswith("waggledance.protocols")})


def run(seed: int, protocol: str, *, budget: Budget | None = None, loss: float = 0.0) -> Compliance:
    """Ask a question of a simulated swarm; return what was found live, having compared it with a check afterwards."""
    rng = Random(seed)
    expects = "package" if protocol == "bargain" else rng.choice(("short", "number", "choice"))
    options = ("a", "b", "c") if expects in ("package", "choice") else ()
    peers = [Opinionated(f"p{i}") for i in range(rng.randint(3, 8))]
    delay = rng.choice((LogNormal(0.05), Exponential(0.2), Uniform(0.01, 0.5)))
    kept, contracts = Kept(), builtin(budget=budget)
    live = Checked(kept, contracts)
    swarm = Swarm(peers, network=Simulated(seed=seed, delay=delay, loss=loss), protocol=by_name(protocol), log=live)
    question = Question(text=f"2 + 2? ({seed})", expects=expects, options=options)
    try:
        swarm.ask_sync(question, budget=budget, seed=seed)
    except RunFailed:
        assert budget is not None, "only a budget keeps honest peers from answering"
    rng.shuffle(kept.messages)
    channel = kept.messages[0].channel
    assert check(kept.messages, contracts) == live.compliance(channel)
    return live.compliance(channel)


def broken_in(runs: int) -> Counter[str]:
    """Return the contracts that were broken in so many runs, over all protocols in turn."""
    broken: Counter[str] = Counter()
    for seed in range(runs):
        protocol = OWN[seed % len(OWN)]
        found = run(seed, protocol)
        assert found.sealed
        assert not found.waiting
        broken.update(f"{protocol}, seed {seed}: {violation}" for violation in found.violations)
        broken.update(f"{protocol}, seed {seed}: {fault}" for fault in found.faulty)
    return broken


def test_runs_without_faults_break_no_contract() -> None:
    assert not broken_in(3 * len(OWN))


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_ten_thousand_runs_without_faults_break_no_contract() -> None:
    assert not broken_in(10_000)


@pytest.mark.parametrize("limit", ["calls", "messages", "tokens"])
def test_who_keeps_to_the_budget_is_not_said_to_overspend(limit: str) -> None:
    for seed in range(len(OWN)):
        budget = Budget(**{limit: Random(seed).randint(1, 20)})
        found = run(seed, OWN[seed % len(OWN)], budget=budget)
        assert not found.of("spend"), f"{OWN[seed % len(OWN)]}, seed {seed}, {budget}: {found}"


def test_lost_messages_make_nobody_guilty_of_more_than_being_late() -> None:
    for seed in range(len(OWN)):
        found = run(seed, OWN[seed % len(OWN)], loss=0.2)
        assert {violation.contract for violation in found.violations} <= {"answered"}, f"seed {seed}: {found}"


@pytest.mark.parametrize("seed", range(8))
def test_plans_break_no_contract(seed: int) -> None:
    rng, live = Random(seed), Checked()
    tasks = [Task(goal=f"part {i}", reviews=rng.choice((0, 0, 1))) for i in range(rng.randint(1, 5))]
    links = [Link(a.id, b.id) for i, b in enumerate(tasks) for a in tasks[:i] if rng.random() < 0.4]
    network = Simulated(seed=seed)
    swarm = Swarm([Opinionated(f"p{i}") for i in range(3)], network=network, log=live, seed=seed)

    async def main() -> PlanResult:
        return await swarm.run(
            [*(Add(task) for task in tasks), *links], budget=Budget(calls=len(tasks) + rng.randrange(2))
        )

    with asyncio.Runner(loop_factory=network.new_event_loop) as runner:
        runner.run(main())
    found = live.compliance(next(iter(live)))
    assert found.holds, str(found)
    assert found.sealed
