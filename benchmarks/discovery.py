"""Who is found for a need, at what price, how fast; what invented identities gain in reputation; what a liar is asked.

    python benchmarks/discovery.py [--small] [--json]

**Discovery**: ``discovery_set.json``, 32 agents with three needs each, written by hand for this benchmark. Four copies of
every agent stand in the directory at prices drawn between $0 and $1 a thousand tokens, so that price has something to
choose among. *First right* means that the first match is a copy of the agent that the need was written for; *in three*,
that one of the first three distinct agents is. Intervals are Wilson's, at 95 %. The reference is a peer drawn at random.

**Reputation**: 100 honest peers grown by preferential attachment, three links each, both ways, weights 1 to 5; an attacker
behind three edges from honest peers, with identities of its own in four shapes. Walks: 20,000 for gains, 2,000 for all else.

**A liar** whose record is nearest and cheapest, and which fails at every task, among honest peers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import fmean
from time import perf_counter

import numpy as np

from waggledance.core import UNIT, MessageId, PeerId, local_peer_id
from waggledance.lab import wilson
from waggledance.mesh import Capability, Match, Need, Observed, Price, Record, Skill, merits, rank
from waggledance.mesh import _directory as directory
from waggledance.topology import Embed, hashed_ngrams, similarities_to, word_llama

SET = Path(__file__).with_name("discovery_set.json")
COPIES = 4
Row = dict[str, object]


def agents() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(SET.read_text())["agents"]
    return found


def records(seed: int) -> list[tuple[str, Record]]:
    """Return every agent's copies, with prices drawn, in a drawn order: (agent, record)."""
    rng = Random(seed)
    made: list[tuple[str, Record]] = []
    for agent in agents():
        for copy in range(COPIES):
            kind = str(agent["id"])
            skill = Skill(id=kind, name=str(agent["name"]), tags=tuple(map(str, agent["tags"])))  # type: ignore[call-overload]
            claims = Capability(
                ver=1,
                name=str(agent["name"]),
                desc=str(agent["desc"]),
                skills=(skill,),
                cost=Price(micro_usd_1k=rng.randrange(UNIT)),
            )
            peer = local_peer_id(f"{seed} {kind} {copy}")
            made.append((kind, Record(peer, claims, MessageId(peer))))
    rng.shuffle(made)
    return made


def discovery(embed: Embed, *, window: int, seeds: int) -> Row:
    """Rank all needs; return how often the right agent came first and among three, its price and the time."""
    right = three = asked = 0
    costs: list[float] = []
    took = 0.0
    directory.WINDOW = window  # the setting under test; a constant of the library
    for seed in range(seeds):
        made = records(seed)
        kind_of = {record.author: kind for kind, record in made}
        for agent in agents():
            for text in agent["needs"]:  # type: ignore[attr-defined]
                start = perf_counter()
                matches = rank(Need(text=text), [record for _, record in made], embed=embed)
                took += perf_counter() - start
                kinds = list(dict.fromkeys(kind_of[m.peer] for m in matches))
                asked += 1
                right += kinds[0] == agent["id"]
                three += agent["id"] in kinds[:3]
                costs.append(matches[0].micro_usd_1k / UNIT)
    directory.WINDOW = 20
    needs = asked // seeds
    low, high = wilson(round(right / seeds), needs)
    return {
        "embedding": embed.__name__,
        "window": window / 1024,
        "first_right": right / asked,
        "interval": (low, high),
        "in_three": three / asked,
        "mean_cost_usd_1k": fmean(costs),
        "ms_per_need": 1e3 * took / asked,
    }


def at_random(seeds: int) -> Row:
    """The reference: ask anybody."""
    rng = Random(0)
    right, costs, asked = 0, list[float](), 0
    for seed in range(seeds):
        made = records(seed)
        for agent in agents():
            for _ in agent["needs"]:  # type: ignore[attr-defined]
                kind, record = rng.choice(made)
                right += kind == agent["id"]
                asked += 1
                costs.append(record.capability.cost.micro_usd_1k / UNIT)
    return {"first_right": right / asked, "mean_cost_usd_1k": fmean(costs)}


def examples_by_maximum(embed: Embed) -> Row:
    """Each agent also has its two other needs as examples: compared with the pooled text, and one by one (the maximum)."""
    found = {"without examples": 0, "examples in the text": 0, "nearest of text and examples": 0}
    asked = 0
    for agent in agents():
        for text in agent["needs"]:  # type: ignore[attr-defined]
            asked += 1
            scores: dict[str, dict[str, int]] = {name: {} for name in found}
            for other in agents():
                words = f"{other['name']}\n{other['desc']}\n{' '.join(map(str, other['tags']))}"  # type: ignore[call-overload]
                shown = [n for n in other["needs"] if n != text][:2]  # type: ignore[attr-defined]
                plain, pooled, *each = similarities_to(text, [words, "\n".join([words, *shown]), *shown], embed)
                kind = str(other["id"])
                scores["without examples"][kind] = plain
                scores["examples in the text"][kind] = pooled
                scores["nearest of text and examples"][kind] = max(plain, *each)
            for name, by_kind in scores.items():
                found[name] += max(sorted(by_kind), key=by_kind.__getitem__) == agent["id"]
    return {"embedding": embed.__name__} | {name: right / asked for name, right in found.items()}


MEMORY = """
def rss():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024
import waggledance.mesh
at_rest = rss()
from waggledance.topology import by_meaning
by_meaning()(["a need"])
print(at_rest, rss())
"""


def memory() -> Row:
    """Resident memory of a process at rest, and after its first need, in MiB (Linux only)."""
    out = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout.split()
    return {"at_rest_mib": float(out[0]), "after_first_need_mib": float(out[1])}


# -- reputation ----------------------------------------------------------------------------------------------------

Edges = dict[tuple[PeerId, PeerId], int]


def peer(n: int) -> PeerId:
    return PeerId(n.to_bytes(32))


def honest_graph(seed: int) -> Edges:
    rng = Random(seed)
    ids = [peer(n + 1) for n in range(100)]
    rng.shuffle(ids)
    edges: Edges = {}
    ends = [0, 1, 2]
    for new in range(3, 100):
        met: set[int] = set()
        while len(met) < 3:
            met.add(rng.choice(ends))
        for old in sorted(met):
            edges[ids[new], ids[old]] = rng.randint(1, 5)
            edges[ids[old], ids[new]] = rng.randint(1, 5)
            ends += [old, new]
    return edges


SHAPES: dict[str, Callable[[PeerId, list[PeerId]], list[tuple[PeerId, PeerId]]]] = {
    "star": lambda liar, mine: [(liar, s) for s in mine],
    "cycle": lambda liar, mine: [pair for s in mine for pair in ((liar, s), (s, liar))],
    "path": lambda liar, mine: list(zip([liar, *mine], mine, strict=False)),
    "clique": lambda liar, mine: [p for a, b in combinations([liar, *mine], 2) for p in ((a, b), (b, a))],
}


def gains(beta_ppm: int, seeds: Sequence[int], walks: int) -> list[Row]:
    """Return merit of attacker and identities together as a multiple of the attacker's alone, by shape and number."""
    rows: list[Row] = []
    for shape, links in SHAPES.items():
        row: Row = {"shape": shape}
        for sybils in (1, 10, 50, 200):
            seen: list[float] = []
            for seed in seeds:
                edges, ego, liar = honest_graph(seed), peer(1), peer(10**6)
                for giver in Random(seed).sample(sorted({a for a, _ in edges} - {ego}), 3):
                    edges[giver, liar] = 3
                mine = [peer(10**6 + 1 + n) for n in range(sybils)]
                before = merits(ego, edges, b"cut", beta_ppm=beta_ppm, walks=walks)[liar]
                attacked = edges | dict.fromkeys(links(liar, mine), 3)
                after = merits(ego, attacked, b"cut", beta_ppm=beta_ppm, walks=walks)
                seen.append(sum(after.get(one, 0) for one in (liar, *mine)) / before)
            row[str(sybils)] = max(seen)
        rows.append(row)
    return rows


def kept_order(seeds: Sequence[int]) -> list[Row]:
    """Kendall's τ between merits with and without β, for a well-connected reader and for any."""
    rows: list[Row] = []
    for name in ("best connected", "any"):
        taus: list[float] = []
        for seed in seeds:
            edges = honest_graph(seed)
            ego = Counter(a for a, _ in edges).most_common(1)[0][0] if name == "best connected" else peer(1)
            plain, punished = merits(ego, edges, b"cut", beta_ppm=0), merits(ego, edges, b"cut")
            pairs = [(a, b) for a, b in combinations(sorted(plain), 2) if plain[a] != plain[b]]
            kept = sum((plain[a] < plain[b]) == (punished[a] < punished[b]) for a, b in pairs)
            taus.append(2 * kept / len(pairs) - 1)
        rows.append({"reader": name, "mean": fmean(taus), "worst": min(taus), "graphs": len(taus)})
    return rows


def captured(seeds: Sequence[int]) -> Row:
    """Return the share of all merit that an attacker has by 1, 4 and 16 edges from honest peers."""
    row: Row = {}
    for edges_in in (1, 4, 16):
        shares: list[float] = []
        for seed in seeds:
            edges, ego, liar = honest_graph(seed), peer(1), peer(10**6)
            for giver in Random(seed).sample(sorted({a for a, _ in edges} - {ego}), edges_in):
                edges[giver, liar] = 3
            shares.append(merits(ego, edges, b"cut").get(liar, 0) / UNIT)
        row[str(edges_in)] = fmean(shares)
    return row


def walking_time() -> float:
    """Return seconds for 2,000 walks on 100 peers, the least of five."""
    edges, times = honest_graph(0), list[float]()
    for _ in range(5):
        start = perf_counter()
        merits(peer(1), edges, b"cut")
        times.append(perf_counter() - start)
    return min(times)


def liar_share(seeds: Sequence[int]) -> Row:
    """Return the liar's share of the first 20 tasks and of the 200 after them."""
    early, late = list[float](), list[float]()
    for seed in seeds:
        rng = Random(seed)
        names = ["liar", *(f"honest {n}" for n in range(5))]
        rng.shuffle(names)
        made = [
            Record(local_peer_id(n), Capability(ver=1, name=n, cost=Price(micro_usd_1k=0 if n == "liar" else 5)),
                   MessageId(local_peer_id(n))) for n in names
        ]  # fmt: skip

        def embed(texts: Sequence[str]) -> np.ndarray:
            return np.array([[0.955, 0.296] if t.startswith("honest") else [1.0, 0.0] for t in texts])

        seen: dict[PeerId, Observed] = {}
        asked: list[bool] = []
        for task in range(220):
            first: Match = rank(Need(text=f"task {task}"), made, observed=seen, embed=embed, seed=seed)[0]
            asked.append(first.record.capability.name == "liar")
            before = seen.get(first.peer, Observed(0, 0))
            seen[first.peer] = Observed(before.tasks + 1, before.good_ppm + (0 if asked[-1] else UNIT))
        early.append(fmean(asked[:20]))
        late.append(fmean(asked[20:]))
    return {"first_20": fmean(early), "next_200": fmean(late), "worst_next_200": max(late)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="one seed of everything: does it run at all?")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    seeds = 1 if options.small else 5
    walks = 2_000 if options.small else 20_000
    found: dict[str, object] = {
        "discovery": [
            discovery(embed, window=window, seeds=seeds)
            for embed in (word_llama, hashed_ngrams)
            for window in ((20,) if options.small else (0, 20, 102))
        ],
        "random": at_random(seeds),
        "examples": [examples_by_maximum(embed) for embed in (word_llama, hashed_ngrams)],
        "memory": memory(),
        "gains_without_beta": gains(0, range(seeds)[:3], walks),
        "gains_with_beta": gains(900_000, range(seeds)[:3], walks),
        "kept_order": kept_order(range(6 * seeds)),
        "captured": captured(range(4 * seeds)),
        "walking_s": walking_time(),
        "liar": liar_share(range(4 * seeds)),
    }
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"\n{name}")
        for row in value if isinstance(value, list) else [value]:
            print("  ", _told(row))


def _told(row: object) -> str:
    if not isinstance(row, dict):
        return f"{row:.4f}" if isinstance(row, float) else str(row)
    return "  ".join(f"{k}: {_told(v)}" for k, v in row.items())


if __name__ == "__main__":
    main()
