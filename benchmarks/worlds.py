"""What protocols and rules make of synthetic worlds: tables with standard errors, beside those of the papers' cards.

    python benchmarks/worlds.py [--small] [--json] [fortytwo] [debate] [conditions] [nest-site]

Everything runs through the real rules. `nest-site` runs the real protocol in a swarm, the others take the worlds' fast
paths (messages without a channel, and arrays). Seeded: same numbers on every machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from math import sqrt
from typing import Literal

from waggledance import Decision, Swarm
from waggledance.consensus import Judgements, Proposals, bradley_terry, condorcet, majority, win_rate
from waggledance.core import local_peer_id
from waggledance.protocols import Dance, NestSite, PeerRanking, Vote
from waggledance.testing import W2, W3, judged, proposed

Row = dict[str, float | int | str]
SEED = 42


def fortytwo(small: bool) -> list[Row]:
    """Peer ranking on W2: accuracy in percent by number of peers and rule."""
    rows: list[Row] = []
    settings = [(7, 0.9, 0.5, 2000), (15, 0.9, 0.5, 2000), (35, 0.9, 0.5, 800), (15, 0.8, 0.2, 2000)]
    for peers, if_right, if_wrong, questions in settings:
        world = W2(peers, seed=SEED, if_right=if_right, if_wrong=if_wrong)
        rows.append(_judging(world, questions // 10 if small else questions))
    return rows


def _judging(world: W2, questions: int) -> Row:
    right: dict[str, float] = defaultdict(float)
    gap: list[int] = []
    comparisons = doubted = 0
    for number in range(questions):
        truth = world.case(number).truth
        proposals = proposed(world, number)
        cheap = judged(world, number, proposals)
        right["mean peer"] += sum(m.body.key == truth for m in proposals) / world.peers
        by_rule = {rule.name: rule(proposals, cheap, {}) for rule in (majority, bradley_terry, win_rate, condorcet)}
        for name, decision in by_rule.items():
            right[name] += decision.key == truth
        gap.append((by_rule["bradley-terry"].key == truth) - (by_rule["majority"].key == truth))
        doubted += any("unreliable" in note for note in by_rule["bradley-terry"].notes)
        comparisons += sum(len(m.body.verdicts) for m in cheap)
        if number % 10 == 0:
            right["bradley-terry, 3N pairs"] += 10 * _paper(world, number, proposals, truth)
    mean_gap = sum(gap) / questions
    spread = sqrt(sum((g - mean_gap) ** 2 for g in gap) / (questions - 1) / questions)
    return {
        "peers": world.peers,
        "recognise": f"{world.if_right:g}/{world.if_wrong:g}",
        "questions": questions,
        **{name: round(100 * count / questions, 1) for name, count in right.items()},
        "BT - majority": round(100 * mean_gap, 1),
        "s.e. of that": round(100 * spread, 1),
        "s.e. at most": round(50 / sqrt(questions), 1),
        "comparisons a judge": round(comparisons / questions / world.peers, 1),
        "judges doubted": round(100 * doubted / questions, 1),
    }


def _paper(world: W2, number: int, proposals: Proposals, truth: str) -> bool:
    """The paper's schedule: 3N pairs of proposals a judge (on every tenth question)."""
    judgements: Judgements = judged(world, number, proposals, comparisons=3 * world.peers, unit="proposal")
    return bradley_terry(proposals, judgements, {}).key == truth


def debate(small: bool) -> list[Row]:
    """Debates on W3: belief in the truth and majority, in percent, before and after five rounds."""
    debates = 4_000 if small else 40_000
    rows: list[Row] = []
    arms: list[tuple[str, Literal["uniform", "confidence"], float]] = [
        ("uniform", "uniform", 1.0),
        ("confidence, AUROC .50", "confidence", 0.0),
        ("confidence, AUROC .69", "confidence", 0.7),
        ("confidence, AUROC .76", "confidence", 1.0),
        ("confidence, AUROC .86", "confidence", 1.5),
        ("confidence, AUROC .31", "confidence", -0.7),
    ]
    for label, listening, separation in arms:
        drift = W3(seed=SEED, separation=separation, listening=listening).debates(debates, rounds=5)
        rows.append(
            {
                "weights": label,
                "debates": debates,
                "belief before": round(100 * drift.belief[0], 1),
                "belief after": round(100 * drift.belief[1], 1),
                "moved": round(100 * (drift.belief[1] - drift.belief[0]), 2),
                "s.e. of that": round(100 * drift.belief_moved_se, 2),
                "majority before": round(100 * drift.majority[0], 1),
                "majority after": round(100 * drift.majority[1], 1),
            }
        )
    return rows


def conditions(small: bool) -> list[Row]:
    """Where does debate pay? Percent right on W3 with 12 answers each: 3 peers debate for 3 rounds, or 12 vote once."""
    debates = 4_000 if small else 40_000
    rows: list[Row] = []
    for truth in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        plain = W3(3, seed=SEED, truth=truth, listening="uniform").debates(debates, rounds=3)
        sure = W3(3, seed=SEED, truth=truth).debates(debates, rounds=3)
        vote = W3(12, seed=SEED, truth=truth).debates(debates, rounds=0)
        shares = {
            "debate, majority": plain.majority[1],
            "confidence debate, majority": sure.majority[1],
            "confidence debate, confidence vote": sure.weighted[1],
            "12 answers, majority": vote.majority[0],
            "12 answers, confidence vote": vote.weighted[0],
        }
        rows.append({"chance of truth": truth, **{name: round(100 * share, 1) for name, share in shares.items()}})
    return rows


def nest_site(small: bool) -> list[Row]:
    """The nest-site quorum on W2 beside vote and peer ranking, through a swarm."""
    questions = 100 if small else 1000
    world = W2(15, seed=SEED)
    rows = [
        asyncio.run(_asked(world, "vote", Vote(), questions)),
        asyncio.run(_asked(world, "peer ranking, BT", PeerRanking(), questions)),
        asyncio.run(_asked(world, "peer ranking, Condorcet", PeerRanking(decide=condorcet), questions)),
    ]
    for remembers in (True, False):
        for quorum in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
            protocol = NestSite(quorum=quorum, remembers=remembers)
            label = f"nest site {quorum}" + ("" if remembers else ", no memory")
            rows.append(asyncio.run(_asked(world, label, protocol, questions)))
    return rows


async def _asked(world: W2, label: str, protocol: Vote | PeerRanking | NestSite, questions: int) -> Row:
    swarm = Swarm(world.seats(), protocol=protocol)
    members = {local_peer_id(peer.name) for peer in world.seats()}
    seen: Counter[str] = Counter()
    for number in range(questions):
        case = world.case(number)
        ticks = 0
        async for event in swarm.watch(case.question, seed=number):
            if isinstance(event, Decision):
                right = int(event.key == case.truth)
                committed = int(not any("no quorum" in note for note in event.notes))
                seen["right"] += right
                seen["wrong commitments"] += committed * (1 - right)
                seen["no quorum"] += 1 - committed
                seen["calls"] += event.cost.calls
            else:
                seen["messages"] += event.author in members
                if isinstance(event.body, Dance):
                    ticks = max(ticks, event.body.round + 1)
        seen["ticks"] += ticks
    share = {name: round(100 * seen[name] / questions, 1) for name in ("right", "wrong commitments", "no quorum")}
    committed = max(1, questions - seen["no quorum"])
    return {
        "protocol": label,
        "questions": questions,
        **share,
        "wrong among committed": round(100 * seen["wrong commitments"] / committed, 1),
        "s.e. of right": round(100 * sqrt(seen["right"] * (questions - seen["right"]) / questions**3), 1),
        "calls": round(seen["calls"] / questions, 1),
        "messages": round(seen["messages"] / questions, 1),
        "ticks": round(seen["ticks"] / questions, 1),
    }


TABLES: dict[str, Callable[[bool], list[Row]]] = {
    "fortytwo": fortytwo,
    "debate": debate,
    "conditions": conditions,
    "nest-site": nest_site,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", help=f"some of {', '.join(TABLES)}; all when left out")
    parser.add_argument("--small", action="store_true", help="a tenth of the questions")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    unknown = set(given.tables) - set(TABLES)
    if unknown:
        parser.error(f"there is no table {min(unknown)!r}; there are {', '.join(TABLES)}")
    results = {name: TABLES[name](given.small) for name in given.tables or TABLES}
    if given.json:
        print(json.dumps(results, indent=1))
        return
    for name, rows in results.items():
        print(f"\n{name}: {TABLES[name].__doc__}\n")
        lines: list[list[str]] = [list(rows[0]), *[[str(cell) for cell in row.values()] for row in rows]]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for cells in lines:
            print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


if __name__ == "__main__":
    main()
