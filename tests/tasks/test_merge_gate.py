"""The invariant of CAID, on merges in memory: every head is green, whatever engineers deliver and in what order."""

from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

import pytest

from waggledance.core import MessageId, RunFailed
from waggledance.tasks import Collided, Delivered, Finding, Integration, Merged, TaskId, integrate

Files = tuple[tuple[str, str], ...]


def name(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:40]


@dataclass
class InMemory:
    """A tiny git: a commit is a set of files and where it began; a merge is three-way, file by file."""

    files: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    base: dict[str, str] = field(default_factory=dict[str, str])

    def commit(self, files: dict[str, str], base: str) -> str:
        commit = name("commit", sorted(files.items()), base)
        self.files[commit], self.base[commit] = files, base
        return commit

    async def merge(self, head: str, commit: str) -> Merged | Collided:
        if commit not in self.files:
            raise RunFailed("no such commit")
        base, ours, theirs = self.files[self.base[commit]], self.files[head], self.files[commit]
        both = [f for f in sorted(base.keys() | ours.keys() | theirs.keys())
                if base.get(f) != ours.get(f) != theirs.get(f) != base.get(f)]  # fmt: skip
        if both:
            return Collided(tuple(both))
        files = {f: ours[f] if base.get(f) != ours[f] else theirs.get(f, "") for f in ours} | {
            f: text for f, text in theirs.items() if base.get(f) != text
        }
        made, tree = name("merge", head, commit), name("tree", sorted(files.items()))
        self.files[made], self.files[tree], self.base[made] = files, files, head
        return Merged(made, tree)


LIBRARY = {f"m{i}.py": f"def f{i}(): return {i}" for i in range(8)}
CALLS = {f"use{i}.py": f"f{i}()" for i in range(8)}


def green(files: dict[str, str]) -> bool:
    """Say whether every function that is called is there, and returns its own number."""
    defined = dict(text.removeprefix("def ").split("(): return ") for f, text in files.items() if f.startswith("m"))
    called = [text.removesuffix("()") for f, text in files.items() if f.startswith("use")]
    return all(call in defined for call in called) and all(f[1:].split("_")[0] == n for f, n in defined.items())


def engineers(rng: Random) -> tuple[InMemory, str, list[Delivered]]:
    """Draw what engineers deliver: some a function more, one a wrong one, one renames what another begins to call."""
    git = InMemory()
    start = git.commit(LIBRARY | CALLS, "")
    work = [LIBRARY | CALLS | {f"m9{i}.py": f"def f9{i}(): return 9{i}"} for i in range(4)]
    work.append(LIBRARY | CALLS | {"m3.py": "def f3(): return 4"})
    renamed = rng.randrange(8)
    rest = {f: text for f, text in CALLS.items() if f != f"use{renamed}.py"}
    new = {f"m{renamed}.py": f"def f{renamed}_new(): return {renamed}", f"use{renamed}.py": f"f{renamed}_new()"}
    work += [LIBRARY | rest | new, LIBRARY | CALLS | {"use_more.py": f"f{renamed}()"}]
    rng.shuffle(work)
    return git, start, [
        Delivered(TaskId(bytes([i]) * 32), git.commit(files, start), rng.choice((0, 0, 5)), rng.randrange(9),
                  MessageId(rng.randbytes(32)))
        for i, files in enumerate(work)
    ]  # fmt: skip


async def run(git: InMemory, start: str, deliveries: list[Delivered], *, gate: bool = True) -> Integration:
    asked: list[str] = []

    async def check(tree: str) -> Finding:
        assert tree not in asked
        asked.append(tree)
        return Finding(True) if green(git.files[tree]) else Finding.failed("red")

    return await integrate(start, deliveries, git, check if gate else None)


async def test_no_head_is_red_in_two_hundred_runs_and_many_are_without_the_gate() -> None:
    red = {True: 0, False: 0}
    for seed in range(200):
        for gate in (True, False):
            git, start, deliveries = engineers(Random(seed))
            ended = await run(git, start, deliveries, gate=gate)
            red[gate] += not all(green(git.files[head]) for head in ended.heads)
            assert len(ended.merged) + len(ended.bounced) == len(deliveries)
            assert (
                not gate or len(ended.merged) >= 5
            )  # the four that are right, and one of the two that exclude each other
    assert red == {True: 0, False: 200}


async def test_every_order_of_delivery_gives_the_same_chain() -> None:
    rng = Random(3)
    for seed in range(20):
        git, start, deliveries = engineers(Random(seed))
        first = await run(git, start, deliveries)
        for _ in range(5):
            again = rng.sample(deliveries + deliveries[:2], k=len(deliveries) + 2)
            assert await run(git, start, again) == first


async def test_priority_goes_first_then_the_logical_clock() -> None:
    git = InMemory()
    start = git.commit({"a": "0"}, "")
    commits = [git.commit({"a": text}, start) for text in "123"]
    places = [(0, 1), (0, 2), (7, 9)]
    deliveries = [
        Delivered(TaskId(bytes(32)), commit, priority, lamport, MessageId(bytes([i]) * 32))
        for i, (commit, (priority, lamport)) in enumerate(zip(commits, places, strict=True))
    ]
    ended = await integrate(start, deliveries, git, None)
    assert [one.commit for one in ended.merged] == [commits[2]]
    assert [(one.delivered.commit, one.files) for one in ended.bounced] == [(commits[0], ("a",)), (commits[1], ("a",))]
    assert "both changed a" in ended.bounced[0].reason


async def test_a_commit_that_nobody_has_bounces_and_the_rest_goes_on() -> None:
    git, start, deliveries = engineers(Random(0))
    stray = Delivered(TaskId(bytes(32)), "f" * 40, 1_000, 0, MessageId(bytes(32)))
    ended = await run(git, start, [stray, *deliveries])
    assert [one.reason for one in ended.bounced if one.delivered == stray] == ["no such commit"]
    assert ended.merged == (await run(git, start, deliveries)).merged


async def test_nothing_delivered_is_the_head_itself() -> None:
    assert await integrate("0" * 40, [], InMemory(), None) == Integration(("0" * 40,), (), ())


async def test_a_check_that_cannot_say_is_no_bounce() -> None:
    git, start, deliveries = engineers(Random(0))

    async def broken(_tree: str) -> Finding:
        raise RunFailed("the sandbox broke")

    with pytest.raises(RunFailed, match="broke"):
        await integrate(start, deliveries, git, broken)
