"""How long each call of a chain may take: chains that end in time, and seconds lost per chain that does not.

    python benchmarks/broker.py

Every policy meets the same draws (`waggledance.testing.run_chains`); no real time passes.
"""

import argparse
from random import Random

from waggledance.gateways import Timeouts
from waggledance.testing import CHAIN_TOOLS, TimeoutPolicy, call_seconds, run_chains


def learned(rng: Random, calls: int = 150) -> Timeouts:
    """Return timeouts that have seen each tool, cut off at 30 s."""
    timeouts = Timeouts()
    for tool in CHAIN_TOOLS:
        for _ in range(calls):
            seconds = call_seconds(tool, rng)
            timeouts.observe(tool, min(seconds, 30.0), finished=seconds <= 30.0)
    return timeouts


def policies(seed: int) -> dict[str, TimeoutPolicy]:
    """Return the policies by name."""
    timeouts = learned(Random(seed))
    return {
        "fixed 5 s": lambda chain, left: min(5.0, left),
        "equal split": lambda chain, left: left / len(chain),
        "total deadline only": lambda chain, left: min(30.0, left),
        "greedy, re-planned": timeouts.next_timeout,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", type=int, default=1_500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    cells = [(10.0, 1), (20.0, 1), (40.0, 1), (20.0, 2)]
    heads = [f"B = {budget:.0f} s" + (", one retry" if tries > 1 else "") for budget, tries in cells]
    print("share of chains in time / seconds lost per failed chain")
    print(f"{'policy':22s}" + "".join(f"{head:>22s}" for head in heads))
    for name, policy in policies(given.seed).items():
        figures = [run_chains(policy, budget, given.chains, given.seed + 1, tries) for budget, tries in cells]
        print(f"{name:22s}" + "".join(f"{f'{share:.2f} / {lost:.1f}':>22s}" for share, lost, _ in figures))


if __name__ == "__main__":
    main()
