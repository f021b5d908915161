"""How well do real models judge, and does the order of reading sway them? From a bank's comparisons.

    python benchmarks/judges.py --bank FILE --questions SET [--data FOLDER] [--json]

For each judge of the bank: how often its words prefer one of two answers; of pairs with exactly one right answer, how
often the right one; how often the one read first; of pairs read in both orders, how often the same answer; and of pairs
where its own answer stands beside another's and truth does not tell them apart, how often its own. Intervals are
Wilson's (95 %); pairs of one question are no independent evidence, so they are rather too narrow.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from waggledance.lab import Bank, load, wilson
from waggledance.lab._bank import Comparison, digest_of


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @classmethod
    def over(cls, seen: Iterable[bool]) -> Share:
        counted = list(seen)
        return cls(sum(counted), len(counted))

    def __str__(self) -> str:
        if not self.of:
            return "none seen"
        low, high = wilson(self.hits, self.of)
        return f"{self.hits / self.of:.2f} ({low:.2f} to {high:.2f}) of {self.of}"


@dataclass(frozen=True)
class Judge:
    """What one model's comparisons show."""

    model: str
    preferred: Share
    right: Share
    right_read_first: Share
    right_read_second: Share
    first: Share
    same_in_both_orders: Share
    own: Share


def judged(model: str, lines: Sequence[Comparison], keys: Mapping[str, str], authors: Mapping[str, str]) -> Judge:
    """Count what a judge did.

    Args:
        model: the judge's name in the bank.
        lines: its comparisons.
        keys: right answers by question digest.
        authors: whose text it is, by the text's key.
    """
    clear = [line for line in lines if line.scores is not None]
    split = [line for line in clear if is_right(line, keys, 0) != is_right(line, keys, 1)]
    by_pair = {(line.digest, line.first, line.second): line for line in clear}
    both = [
        (line, turned)
        for (digest, first, second), line in by_pair.items()
        if first < second and (turned := by_pair.get((digest, second, first)))
    ]
    alike = [line for line in clear if is_right(line, keys, 0) == is_right(line, keys, 1)]
    mine = [line for line in alike if (authors.get(line.first) == model) != (authors.get(line.second) == model)]
    return Judge(
        model=model,
        preferred=Share(len(clear), len(lines)),
        right=Share.over(is_right(line, keys, preferred(line)) for line in split),
        right_read_first=Share.over(preferred(line) == 0 for line in split if is_right(line, keys, 0)),
        right_read_second=Share.over(preferred(line) == 1 for line in split if is_right(line, keys, 1)),
        first=Share.over(preferred(line) == 0 for line in clear),
        same_in_both_orders=Share.over(preferred(line) != preferred(turned) for line, turned in both),
        own=Share.over(authors.get((line.first, line.second)[preferred(line)]) == model for line in mine),
    )


def preferred(line: Comparison) -> int:
    """Return which of the two was preferred: 0 the one read first, 1 the other."""
    assert line.scores is not None
    return int(line.scores[1] > line.scores[0])


def is_right(line: Comparison, keys: Mapping[str, str], side: int) -> bool:
    return (line.first_answer, line.second_answer)[side] == keys[line.digest]


def log_odds(share: Share) -> str:
    """Return what a judge of that accuracy weighs, ln(p / (1 − p)) of the smoothed share, floor 0."""
    chance = (share.hits + 1) / (share.of + 2)
    return f"{max(0.0, math.log(chance / (1 - chance))):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="How well do real models judge?")
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--questions", default="gsm8k/test", help="the set that the bank's questions are of")
    parser.add_argument("--data", type=Path, help="the folder of recorded sets (default: WAGGLEDANCE_DATA)")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    bank = Bank.at(asked.bank)
    tasks = load(asked.questions, asked.data).tasks()
    keys = {digest_of(task.question): task.key for task in tasks if task.key is not None}
    authors = {answer.key: answer.model for answer in bank.answers}
    lines = [line for line in bank.comparisons if line.digest in keys]
    judges = [judged(m, [line for line in lines if line.model == m], keys, authors) for m in bank.models]
    if asked.json:
        print(json.dumps([asdict(judge) for judge in judges]))
        return
    print(f"{len(lines)} comparisons of answers to {len({line.digest for line in lines})} questions\n")
    print("| | " + " | ".join(judge.model for judge in judges) + " |")
    print("|---|" + "---|" * len(judges))
    rows = {
        "its words prefer one": [str(judge.preferred) for judge in judges],
        "prefers the right one, where exactly one is": [str(judge.right) for judge in judges],
        "… when that is read first": [str(judge.right_read_first) for judge in judges],
        "… when that is read second": [str(judge.right_read_second) for judge in judges],
        "weight of such a judge, log-odds": [log_odds(judge.right) for judge in judges],
        "prefers the one read first": [str(judge.first) for judge in judges],
        "the same answer in both orders": [str(judge.same_in_both_orders) for judge in judges],
        "its own, where truth does not decide": [str(judge.own) for judge in judges],
    }
    for title, cells in rows.items():
        print(f"| {title} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
