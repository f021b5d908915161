"""How much of what no rule can know does a small model on this machine mark? Sixty sentences, labelled by hand.

    python benchmarks/soft_scrub.py                                          # the embedded model
    python benchmarks/soft_scrub.py --model embedded:qwen2.5-coder-0.5b

`soft_details.jsonl`: 54 sentences as people write them in a chat, three of each of GroupGPT's seventeen classes and of
names, 58 details in all, and six without any. A detail is found where marked words cover half of its characters or more; a marking is right where it
shares a character with a detail. One person wrote sentences and labels. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import process_time

from waggledance import model
from waggledance.lab import wilson
from waggledance.safety import SoftScrub, SoftScrubFailed

SENTENCES = Path(__file__).with_name("soft_details.jsonl")
Marked = Sequence[tuple[str, str]]


def places(text: str, words: str) -> set[int]:
    """Return the characters of a text at which some words stand, each time they do."""
    found, at = set[int](), text.find(words)
    while at >= 0:
        found |= set(range(at, at + len(words)))
        at = text.find(words, at + 1)
    return found


def share(seen: Iterable[bool]) -> str:
    hits = list(seen)
    if not hits:
        return "none"
    low, high = wilson(sum(hits), len(hits))
    return f"{sum(hits)} of {len(hits)}, {sum(hits) / len(hits):.2f} ({low:.2f} to {high:.2f})"


async def measure(spec: str, structured: bool) -> None:
    thinks = model(spec, config={"threads": len(os.sched_getaffinity(0))})
    scrub = SoftScrub(thinks, structured=structured, timeout_s=1_200)
    rows = [json.loads(line) for line in SENTENCES.read_text("utf-8").splitlines()]
    found, right, kinds, refused = defaultdict[str, list[bool]](list), list[bool](), list[bool](), 0
    clean, began = list[bool](), process_time()
    for n, row in enumerate(rows):
        text, details = row["text"], [(kind, places(row["text"], words)) for kind, words in row["details"]]
        marked: Marked = ()
        try:
            marked = await scrub.details(text)
        except SoftScrubFailed:
            refused += 1
        spots = [(kind, places(text, words)) for kind, words in marked]
        covered = set[int]().union(*(at for _, at in spots))
        for _, at in details:
            found[row["class"]].append(2 * len(at & covered) >= len(at))
        for kind, at in spots:
            met = [labelled for labelled, where in details if at & where]
            right.append(bool(met))
            kinds += [kind in met] if met else []
        clean += [not marked] if not details else []
        print(f"{n + 1}/{len(rows)} {text} → {list(marked)}", flush=True)
    print(f"\n{thinks.name}, schema {'on' if structured else 'off'}; {process_time() - began:.0f} s of processor time")
    print(
        f"answers that could not be read (nothing is sent then): {share([True] * refused + [False] * (len(rows) - refused))}"
    )
    print(f"details found: {share(hit for hits in found.values() for hit in hits)}")
    print(f"markings that are details: {share(right)}; of those, under the right kind: {share(kinds)}")
    print(f"sentences without details left alone: {share(clean)}")
    print("by class: " + ", ".join(f"{name} {sum(hits)}/{len(hits)}" for name, hits in found.items()))
    await thinks.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--free", action="store_true", help="do not hold the model to a JSON schema")
    flags = parser.parse_args()
    asyncio.run(measure(flags.model, not flags.free))


if __name__ == "__main__":
    main()
