"""How soon failure detection finds what is down, how often it is wrong, and what it costs, in virtual time.

    python benchmarks/swim.py            # the figures of docs/benchmarks.md, about ten minutes
    python benchmarks/swim.py --small    # a minute, for a look

Every peer is a real detector with a real key; only the network and the clock are made up: each leg of a datagram is
lost with a given chance and takes 1 ms and an exponential 5 ms. Periods are 1 s, three helpers. "Plain" is the same code
without a second ping of one's own, without last calls before a death, and without doubt of oneself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from functools import partial
from math import log2
from random import Random
from statistics import median

from msgspec.structs import replace

from waggledance.core import PeerId
from waggledance.lab import wilson
from waggledance.mesh import Swim
from waggledance.mesh._swim_health import Health
from waggledance.mesh._swim_messages import Ping, death
from waggledance.mesh._swim_prober import Outgoing, Prober
from waggledance.mesh._swim_probes import Probe
from waggledance.mesh._swim_suspects import Suspects
from waggledance.testing import SwimWorld
from waggledance.testing._swim_world import SWARM

SIZES = (8, 32, 128)


class Sure(Health):
    """Never doubts itself."""

    def shift(self, by: int) -> None:
        del by


class AskOnly(Prober):
    """Does not ping a second time itself."""

    def _ask(self, probe: Probe) -> Outgoing:
        return super()._ask(probe)[1:]


class NoCalls(Suspects):
    """Calls nobody before it is declared dead."""

    def add(self, peer: PeerId, ends_at: float) -> None:
        self._next_at[peer], self._calls_left[peer] = ends_at, 0


class Unsparing(Swim):
    """Without local health."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        self._prober.health = Sure(self._period_s)


class Plain(Swim):
    """Without second pings, last calls and local health."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        self._prober.__class__ = AskOnly
        self._prober.health = Sure(self._period_s)
        self._suspects = NoCalls(self._period_s)


def row(what: str, seen: str, goal: str = "", met: bool | None = None) -> None:
    verdict = {True: "met", False: "**missed**", None: ""}[met]
    print(f"| {what} | {seen} | {goal} | {verdict} |", flush=True)


def share(of: Iterable[bool]) -> tuple[float, str]:
    held = list(of)
    low, high = wilson(sum(held), len(held))
    return sum(held) / len(held), f"{sum(held)} of {len(held)} ({100 * low:.1f} to {100 * high:.1f} %)"


def nobody_dead(world: SwimWorld) -> bool:
    return all(world.everyone_else(peer, "alive", "suspect") for peer in world.peers)


def spread(times: list[float]) -> str:
    times = sorted(times)
    return f"median {median(times):.1f}, p99 {times[(99 * len(times)) // 100]:.1f}, worst {times[-1]:.1f}"


def crash(n: int, runs: int, loss: float = 0.1) -> None:
    limit = 3 * log2(n) + 5
    suspected: list[float] = []
    dead: list[float] = []
    for seed in range(runs):
        rng = Random(seed)
        world = SwimWorld(n, seed=seed, loss=loss)
        at = world.run(2 + rng.random())
        gone = rng.choice(world.peers)
        world.crashed.add(gone)
        suspected.append(world.run(at + 60, partial(world.everyone_else, gone, "suspect", "dead")) - at)
        if seed < runs // 5:
            dead.append(world.run(at + 90, partial(world.everyone_else, gone, "dead")) - at)
    part, text = share(t <= limit for t in suspected)
    row(f"N={n}: crash suspected by all within 3·log2 N + 5 = {limit:.0f} periods", text, "99 % of runs", part >= 0.99)
    row(f"N={n}: periods until suspected by all", spread(suspected))
    row(f"N={n}: periods until dead for all", spread(dead))


def cost(n: int, periods: int, loss: float, make: Callable[..., Swim] = Swim) -> tuple[str, SwimWorld, float, float]:
    world = SwimWorld(n, seed=n, loss=loss, make=make)
    world.run(periods)
    rate = world.counted("suspicions") / world.counted("probes")
    low, high = wilson(world.counted("suspicions"), world.counted("probes"))
    text = f"{100 * rate:.2f} % ({100 * low:.2f} to {100 * high:.2f})"
    messages, size = (sum(what.values()) / n / periods for what in (world.sent, world.sent_bytes))
    return text, world, messages, size


def living(n: int, periods: int) -> tuple[float, float]:
    text, world, messages, size = cost(n, periods, 0.1)
    buried = world.counted("deaths")
    row(f"N={n}, {periods:,} periods, 10 % loss: living peers declared dead", str(buried), "0", buried == 0)
    row(f"N={n}: false suspicions a probe, 10 % loss", text, "≤ 0.8 % (card)",
        world.counted("suspicions") <= 0.008 * world.counted("probes"))  # fmt: skip
    text, world, *_ = cost(n, periods // 5, 0.1, Plain)
    row(
        f"N={n}: the same, plain; declared dead in {periods // 5:,}",
        f"{text}; {world.counted('deaths')}",
        "0.8 % (card)",
    )
    text, world, *_ = cost(n, periods // 10, 0.3)
    row(f"N={n}: the same at 30 % loss; declared dead in {periods // 10:,}", f"{text}; {world.counted('deaths')}",
        "≤ 22 % (card)", world.counted("suspicions") <= 0.22 * world.counted("probes"))  # fmt: skip
    text, world, *_ = cost(n, periods // 10, 0.3, Plain)
    row(f"N={n}: plain at 30 % loss; declared dead", f"{text}; {world.counted('deaths')}", "22 % (card)")
    return messages, size


def hung(runs: int, loss: float) -> None:
    took: list[float] = []
    for seed in range(runs):
        rng = Random(seed)
        world = SwimWorld(8, seed=seed, loss=loss)
        at = world.run(2 + rng.random())
        peer = rng.choice(world.peers)
        world.hang(peer)
        took.append(world.run(at + 60, partial(world.everyone_else, peer, "suspect", "dead")) - at)
    _, text = share(t < 6 for t in took)
    row(
        f"hung, N=8, {100 * loss:.0f} % loss: suspected by all < 6 s", f"{text}; {spread(took)} s", "all", max(took) < 6
    )


def killed(runs: int, loss: float) -> None:
    took: list[float] = []
    for seed in range(runs):
        rng = Random(seed)
        world = SwimWorld(8, seed=seed, loss=loss)
        at = world.run(6 + rng.random())
        gone = rng.choice(world.peers)
        world.crashed.add(gone)
        world.hint(gone, up=False)
        took.append(world.run(at + 60, partial(world.everyone_else, gone, "suspect")) - at)
    _, text = share(t < 0.5 for t in took)
    row(f"killed, with a hint, N=8, {100 * loss:.0f} % loss: suspected by all < 0.5 s", f"{text}; worst {max(took):.2f} s",
        "all", max(took) < 0.5)  # fmt: skip


def healed(n: int, runs: int) -> None:
    took: list[float] = []
    for seed in range(runs):
        world = SwimWorld(n, seed=seed, loss=0.1)
        world.run(2)
        world.side = dict.fromkeys(Random(seed).sample(world.peers, n // 2), 1)
        world.run(2 + 5 * n.bit_length() + 10)
        assert world.counted("deaths") > 0
        world.side, at = {}, world.now
        took.append(world.run(at + 120, partial(nobody_dead, world)) - at)
    row(f"N={n}: periods after a healed cut until nobody is dead for anybody, 10 % loss", spread(took),
        "nobody stays dead", max(took) < 120)  # fmt: skip


def lied(runs: int) -> None:
    believed, longest = 0, 0.0
    for seed in range(runs):
        rng = Random(seed)
        for forge in (True, False):
            world = SwimWorld(8, seed=seed, loss=0.0 if forge else 0.1)
            at = world.run(5)
            liar, victim, framed = rng.sample(world.peers, 3)
            lie = death(world.keys[liar], SWARM, victim, world.swims[victim].incarnation, b"")
            if forge:
                lie = replace(lie, accuser=framed)
            elif lie.incarnation:
                continue
            world.send(liar, [(to, Ping(1, (lie,))) for to in world.peers if to not in (liar, victim)])
            world.run(at + 0.1)
            world.run(at + 60, None if forge else partial(world.everyone_else, victim, "alive", "suspect"))
            if forge:
                believed += sum(swim.states()[victim].incarnation > 0 for swim in world.swims.values())
            else:
                longest = max(longest, world.now - at)
    row("a death forged in another's name: peers who believed it", str(believed), "0", believed == 0)
    row("N=8: a member lies to all that another is dead: periods until nobody believes it, worst", f"{longest:.1f}")


def slow(periods: int, runs: int) -> None:
    for name, make in (("with doubt of oneself (Lifeguard's local health)", Swim), ("without", Unsparing)):
        by_it = of_it = probes = 0
        for seed in range(runs):
            world = SwimWorld(32, seed=seed, make=make)
            peer = Random(seed).choice(world.peers)
            world.slow[peer] = 2.0
            world.run(periods)
            probes += world.swims[peer].counted["probes"]
            by_it += world.swims[peer].counted["suspicions"]
            of_it += world.counted("suspicions") - world.swims[peer].counted["suspicions"]
        row(f"N=32, one peer reads all 2 s late on average: it falsely suspects, {name}",
            f"{100 * by_it / probes:.1f} % of {probes} probes; others suspect it {of_it} times")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="fewer runs, no N=128")
    small = parser.parse_args().small
    began = time.perf_counter()
    print("| what | seen | goal | |\n|---|---|---|---|")
    sizes = SIZES[:2] if small else SIZES
    for n in sizes:
        crash(n, 50 if small else {8: 1000, 32: 500, 128: 200}[n])
    rates = {n: living(n, 200 if small else 1_000) for n in sizes}
    for n in sizes:
        _, _, messages, size = cost(n, 100, 0.0)
        lossy, lossy_size = rates[n]
        row(f"N={n}: datagrams and bytes a peer and second", f"no loss {messages:.1f}, {size:,.0f}; "
            f"10 % {lossy:.1f}, {lossy_size:,.0f}", "flat in N")  # fmt: skip
    for loss in (0.0, 0.1):
        hung(50 if small else 1000, loss)
        killed(50 if small else 300, loss)
    for n in sizes:
        healed(n, 5 if small or n == 128 else 30)
    lied(20 if small else 200)
    slow(100, 2 if small else 10)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
