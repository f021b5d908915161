"""What a memory costs, and what sharing one is worth.

    python benchmarks/memory.py [search] [large] [bank] [board] [graph] [messages] [crafting] [exemplars] [links]

Milliseconds are of 25 repeats in one process; simulations are exact, and their intervals are
1.96 standard errors over questions.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
from numpy.typing import NDArray

from waggledance.core import Channel, local_peer_id, swarm_id
from waggledance.memory import (
    TEAM,
    Candidate,
    KnowledgeGraph,
    Mode,
    Record,
    Recorded,
    RecordId,
    RecordStore,
    Triples,
    Where,
    half_at_random,
    hand_rule,
    select,
)
from waggledance.memory._store import MAX_RECORDS
from waggledance.testing import CraftingWorld, LinksWorld, propose_links
from waggledance.testing._allocation_world import AllocationWorld
from waggledance.testing._board_world import BoardWorld
from waggledance.testing._crafting_world import SHARINGS
from waggledance.testing._links_world import Scores
from waggledance.testing._sharing_world import SharingWorld, Spent

FloatArray = NDArray[np.int_] | NDArray[np.float64]
RECORDS = 20_000
MESSAGES = 70_000


def timed(work: Callable[[], object], repeats: int = 25) -> str:
    """Return the median milliseconds of CPU of repeats, which a busy machine disturbs less, and the fastest."""
    taken: list[float] = []
    waited: list[float] = []
    for _ in range(repeats):
        start, cpu = time.perf_counter(), time.process_time()
        work()
        taken.append((time.process_time() - cpu) * 1e3)
        waited.append((time.perf_counter() - start) * 1e3)
    return f"CPU median {median(taken):.1f} ms; clock best {min(waited):.1f} ms"


def said(count: int, rng: Random) -> list[str]:
    """Return sentences whose words are as unevenly frequent as a language's."""
    words = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "ai") for c in "lmnrstx"]
    chances = 1 / np.arange(1, len(words) + 1)
    drawn = np.random.default_rng(rng.randrange(2**32)).choice(words, (count, 16), p=chances / chances.sum())
    return [" ".join(row) for row in drawn.tolist()]


def search() -> None:
    """Search among 20,000 records, in a file."""
    rng = Random(0)
    channel = Channel(swarm_id("bees"), "q1")
    texts = said(RECORDS, rng)
    messages = [
        channel.publish(
            local_peer_id(f"p{i % 20}"), Recorded(record=Record.of("finding", f"item {i}", t, scope=TEAM)), [], 0
        )
        for i, t in enumerate(texts)
    ]
    with tempfile.TemporaryDirectory() as folder, RecordStore(Path(folder) / "memory.db") as store:
        start = time.perf_counter()
        store.take(messages)
        print(f"take {RECORDS:,} records from messages: {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        store.search("item", mode="meaning")
        print(f"embed them, once: {time.perf_counter() - start:.2f} s")
        modes: tuple[Mode, ...] = ("words", "meaning", "hybrid")
        for name, query in (
            ("a sentence", texts[777]),
            ("a rare word", "item 4711"),
            ("common words", "bal bam ban bar"),
            ("in every one", "item"),
        ):
            for mode in modes:
                print(f"{name:13} {mode:8} {timed(lambda q=query, m=mode: store.search(q, 5, mode=m))}")
        where = Where(sorts=("finding",), scopes=(TEAM,))
        print(f"a sentence    hybrid, where a sort and a scope {timed(lambda: store.search(texts[777], 5, where))}")
        rows = np.random.default_rng(0).normal(size=(RECORDS, 256)).astype(np.float32)
        print(
            f"reference: the bare product of 20,000 x 256 by einsum {timed(lambda: np.einsum('ij,j->i', rows, rows[0]))}"
        )


def large() -> None:
    """Search by words among as many records as a memory may hold."""
    texts = said(MAX_RECORDS, Random(0))
    channel = Channel(swarm_id("bees"), "q1")
    with tempfile.TemporaryDirectory() as folder, RecordStore(Path(folder) / "memory.db") as store:
        store.take(
            channel.publish(
                local_peer_id("p"), Recorded(record=Record.of("finding", f"item {i}", t, scope=TEAM)), [], 0
            )
            for i, t in enumerate(texts)
        )
        for query in (texts[777], "item 4711", "bal bam ban bar", "item"):
            print(f"{query:.20} {timed(lambda q=query: store.search(q, 5, mode='words'))}")
        where = Where(sorts=("doubt",))
        print(f"item, where nothing is {timed(lambda: store.search('item', 5, where, mode='words'), 5)}")


def bank() -> None:
    """Time of teams relative to no memory, total / slowest."""
    columns = {
        "4 teams": SharingWorld(),
        "8 teams": SharingWorld(teams=8),
        "long keys": SharingWorld(key_cost=0.012),
        "mostly private": SharingWorld(private=0.7),
    }
    for name, world in columns.items():
        logit = world.trained(300)
        arms: dict[str, Callable[[int], Spent]] = {
            "all": lambda seed, w=world: w.run(None, seed),
            "half": lambda seed, w=world: w.run(half_at_random, seed),
            "hand": lambda seed, w=world: w.run(hand_rule, seed),
            "learned": lambda seed, w=world, p=logit: w.run(p, seed),
            "oracle": world.oracle,
        }
        row: list[str] = []
        for arm, run in arms.items():
            spent = [run(seed) for seed in range(200)]
            total, slowest = np.array([s.total for s in spent]), np.mean([s.slowest for s in spent])
            row.append(f"{arm} {total.mean():.3f} ± {1.96 * total.std() / 200**0.5:.3f} / {slowest:.2f}")
        print(f"{name:15} {';  '.join(row)}")
    rng = Random(0)
    candidates = [
        Candidate(id=RecordId(rng.randbytes(32)), key=f"key {i}", relevance_ppm=rng.randrange(1_000_000))
        for i in range(2_000)
    ]
    print(f"select 50 of 2,000: {timed(lambda: select(candidates, {}, hand_rule, 50))}")


def board() -> None:
    """Volunteers beside a master, 200 requests."""
    world = BoardWorld()
    for noise in (0.1, 0.3, 0.6):
        found = world.volunteers(noise, 200)
        print(
            f"volunteers, noise {noise}: F1 {found.f1:.3f}, recall {found.recall:.3f}, {found.worked:.1f} of 24 worked"
        )
    for quality in (0.2, 0.4, 0.8):
        found = world.master(quality, 200)
        print(
            f"master, descriptions {quality}: F1 {found.f1:.3f}, recall {found.recall:.3f}, {found.worked:.1f} worked"
        )


def graph() -> None:
    """Merge 10,000 triples; paths in 30,000 nodes."""
    rng = Random(0)
    channel = Channel(swarm_id("bees"), "q1")
    for i in range(200):
        made = tuple((f"c{rng.randrange(3_000)}", "r", f"d{rng.randrange(3_000)}") for _ in range(50))
        channel.publish(local_peer_id(f"p{i % 5}"), Triples(triples=made), [], 0)
    print(f"fold 10,000 triples: {timed(lambda: KnowledgeGraph.of(channel.messages()), 5)}")
    ends = [0]
    edges: dict[tuple[str, str, str], frozenset[bytes]] = {}
    for node in range(1, 30_000):
        for _ in range(2):
            other = rng.choice(ends)
            edges[f"n{other}", "near", f"n{node}"] = frozenset()
            ends += [node, other]
    large = KnowledgeGraph(edges)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    start = time.perf_counter()
    large.path("n1", "n2")
    print(f"30,000 nodes, {len(edges):,} edges: first path {time.perf_counter() - start:.2f} s")
    numbers = iter(range(1_000))
    for mode in ("shortest", "waypoints"):
        print(f"path, {mode}: {timed(lambda m=mode: large.path('n5', f'n{29_000 + next(numbers)}', m, seed=1))}")


def messages() -> None:
    """Find one of 70,000 messages by a name or a number in it, right one among the first five."""
    rng = Random(0)
    with RecordStore() as store:
        channel = Channel(swarm_id("bees"), "chat")
        names = [
            f"{a}{b}{c}" for a in ("Mar", "Jo", "An", "Ste") for b in ("li", "ra", "to", "ne") for c in ("n", "s", "k")
        ]
        texts = said(MESSAGES, rng)
        told = [f"{rng.choice(names)} {rng.choice(names)} paid {rng.randrange(10**6)} for {text}" for text in texts]
        store.take(
            channel.publish(local_peer_id("p"), Recorded(record=Record.of("message", f"m{i}", text, scope=TEAM)), [], 0)
            for i, text in enumerate(told)
        )
        picked = rng.sample(range(MESSAGES), 200)
        for mode in ("words", "meaning", "hybrid"):
            hits = 0
            for i in picked:
                words = told[i].split()
                query = f"what did {words[0]} {words[1]} pay for with {words[3]}?"
                hits += any(f.kept.record.key == f"m{i}" for f in store.search(query, 5, mode=mode))
            half = 1.96 * (hits / 200 * (1 - hits / 200) / 200) ** 0.5
            print(f"{mode:8} right message in the first five: {hits / 200:.3f} ± {half:.3f}")


def crafting(seeds: int = 60) -> None:
    """Steps to a diamond, by what agents share and remember; `fewer` is against one agent in the same worlds."""
    for private in (False, True):
        form = "private" if private else "common"
        alone = np.array([CraftingWorld(seed, 1, private=private).run("silent").steps for seed in range(seeds)])
        print(f"{form}: one agent {alone.mean():.0f} ± {half(alone):.0f} steps")
        for agents in (2, 4, 6):
            quests = {w: [CraftingWorld(s, agents, private=private).run(w) for s in range(seeds)] for w in SHARINGS}
            steps = {way: np.array([quest.steps for quest in done]) for way, done in quests.items()}
            for way in SHARINGS:
                fewer, messages = fewer_of(steps[way], alone), np.mean([quest.messages for quest in quests[way]])
                found = sum(quest.found for quest in quests[way])
                print(
                    f"  {agents} agents, {way:6}: {steps[way].mean():.0f} ± {half(steps[way]):.0f} steps, {fewer} % fewer, "
                    f"{messages:.0f} messages, found {found} of {seeds}"
                )
            print(f"    graph adds to status {fewer_of(steps['graph'], steps['status'], alone)} points")
    for budget in (150, 60, 30):
        for way in ("log", "graph"):
            done = [CraftingWorld(seed, 2, budget_tokens=budget).run(way) for seed in range(seeds // 3)]
            steps_ = np.array([quest.steps for quest in done])
            found = sum(quest.found for quest in done)
            print(
                f"common, 2 agents, {budget} tokens, {way:5}: {steps_.mean():.0f} ± {half(steps_):.0f}, found {found}"
            )


def exemplars() -> None:
    """What past works are worth in a plan's lint: mean success of subtasks, and plans made again, a subtask."""
    print(
        "| noise | planner's choice | rule | with exemplars | planned again | and exemplars |\n|---|---|---|---|---|---|"
    )
    for noise in (0.05, 0.15, 0.30):
        row = [f"{noise}"]
        for how in ({"rule": False}, {}, {"exemplars": True}, {"again": True}, {"again": True, "exemplars": True}):
            runs = [AllocationWorld(seed, noise).run(2_000, **how) for seed in range(40)]
            success = np.array([run.success for run in runs])
            extra = np.mean([run.extra for run in runs])
            row.append(f"{success.mean():.3f} ± {half(success):.3f}{f', {extra:.2f} extra' if extra else ''}")
        print(f"| {' | '.join(row)} |")


def links(seeds: int = 20, teams: int = 8, questions: int = 200) -> None:
    """Hidden links found again among as many first proposals, the share in the best 5 %, AUC; chance and neighbours too."""
    print("| | pairs scored | found of 50 | in the best 5 % | AUC |\n|---|---|---|---|---|")
    laws = {
        "errors of .5": [LinksWorld(seed) for seed in range(seeds)],
        "errors of 1": [LinksWorld(seed, noise=1.0) for seed in range(seeds)],
        "bridges anywhere": [LinksWorld(seed, lawful=False) for seed in range(seeds)],
    }
    for name, worlds in laws.items():
        arms: dict[str, Callable[[LinksWorld], Scores]] = {
            "chance": lambda _: {},
            "neighbours in common": LinksWorld.by_neighbours,
            "meaning, every pair": LinksWorld.by_meaning,
            "link score, every pair": lambda world: world.by_lot(len(world.open)),
            "200 ways by waypoints": lambda world: world.by_paths(200),
            "1,000 ways by waypoints": lambda world: world.by_paths(1_000),
            "4,000 ways by waypoints": lambda world: world.by_paths(4_000),
            "1,000 shortest ways": lambda world: world.by_paths(1_000, "shortest"),
            "as many pairs by lot as on 1,000 by waypoints": lambda world: world.by_lot(len(world.by_paths(1_000))),
        }
        for arm, scores in arms.items():
            print_recovery(f"{name}: {arm}", worlds, [scores(world) for world in worlds])
    worlds = [LinksWorld(seed) for seed in range(teams)]
    print_recovery("the same worlds as the teams: neighbours in common", worlds, [w.by_neighbours() for w in worlds])
    print_recovery("the same: link score, every pair", worlds, [w.by_lot(len(w.open)) for w in worlds])
    for finders in (1, 3):
        said = [propose_links(world, questions, finders=finders) for world in worlds]
        lost = sum(one.unanswered for one in said)
        for who in ("scientist", "critic", "both"):
            scores_ = [getattr(one, f"by_{who}") for one in said]
            print_recovery(f"recipe, path finders: {finders}, graded by {who}, unanswered: {lost}", worlds, scores_)


def print_recovery(name: str, worlds: list[LinksWorld], scores: list[Scores]) -> None:
    """Print a row of what was found again in each of some worlds."""
    seen = [world.recovery(one) for world, one in zip(worlds, scores, strict=True)]
    columns = [np.array([getattr(one, what) for one in seen]) for what in ("found", "top", "auc")]
    cells = [
        f"{column.mean():.{places}f} ± {half(column):.{places}f}"
        for column, places in zip(columns, (1, 3, 3), strict=True)
    ]
    print(f"| {name} | {np.mean([one.scored for one in seen]):.0f} | {' | '.join(cells)} |", flush=True)


def half(values: FloatArray) -> float:
    """Return 1.96 standard errors of a mean."""
    return float(1.96 * values.std(ddof=1) / len(values) ** 0.5)


def fewer_of(ours: FloatArray, theirs: FloatArray, alone: FloatArray | None = None) -> str:
    """Return by how many percent of `alone` (of `theirs` without) ours are fewer, paired by seed."""
    base = (theirs if alone is None else alone).mean()
    saved = 100 * (theirs - ours) / base
    return f"{saved.mean():.0f} ± {half(saved):.0f}"


PARTS: dict[str, Callable[[], None]] = {
    "search": search, "large": large, "bank": bank, "board": board, "graph": graph, "messages": messages, "crafting": crafting,
    "exemplars": exemplars, "links": links,
}  # fmt: skip

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; all when none is given")
    for part in parser.parse_args().parts or PARTS:
        print(f"== {part}")
        PARTS[part]()
