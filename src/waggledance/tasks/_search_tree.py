"""A search tree that every peer folds alike: who looks where, what was found, what it was worth.

A node is named by its parent and its step, so two peers that grow the same node grow one. Visits and sums add up over
everybody's values. A node that somebody is looking at counts as visited in vain until its value is there (virtual
loss), so that peers spread. Nobody owns the root.

    UCT       sum / visits + c √(ln N / visits)          N = visits of the parent
    halo      value / visits + 1.4 √(ln N / visits), where value is already a mean: what its repository computes
    greedy    sum / visits

Source: Kocsis, Szepesvári 2006 (UCT); Chaslot et al. 2008, "Parallel Monte-Carlo Tree Search" (virtual loss); HALO,
arXiv:2505.13516 (23japhone/HALO), whose arithmetic is here to be compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, log, sqrt
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec
from blake3 import blake3

from waggledance.core import UNIT, Body, Message, PeerId, UnknownName, UsageError

Steps = tuple[str, ...]
"""The names of steps from the root; a path, and with it a node."""
Rule = Literal["uct", "halo", "greedy"]
MAX_PATH = 64
MAX_STEP_CHARS = 200


class Looking(Body, frozen=True, gc=False):
    """A peer is about to look where a path leads."""

    kind: ClassVar[str] = "tree-look/1"
    path: Annotated[Steps, msgspec.Meta(min_length=1, max_length=MAX_PATH)]

    def __post_init__(self) -> None:
        check_path(self.path)


class Found(Body, frozen=True, gc=False):
    """What a peer's look along a path was worth."""

    kind: ClassVar[str] = "tree-found/1"
    look: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    """The author's own `Looking` that this ends; each is ended once."""
    path: Annotated[Steps, msgspec.Meta(min_length=1, max_length=MAX_PATH)]
    value_ppm: Annotated[int, msgspec.Meta(ge=0, le=UNIT)]

    def __post_init__(self) -> None:
        check_path(self.path)


class _Node(msgspec.Struct):
    """One node's sums; whole numbers, so that order does not matter."""

    visits: int = 0
    total_ppm: int = 0
    looking: int = 0


class SearchTree:
    """The fold of looks and values; blind to the order in which they come."""

    def __init__(self, messages: Iterable[Message[Any]] = ()) -> None:
        self.nodes: dict[Steps, _Node] = {(): _Node()}
        self._looks: dict[bytes, tuple[PeerId, Steps]] = {}
        self._found: dict[bytes, set[Message[Found]]] = {}
        self._counted: dict[bytes, int] = {}
        self.take(messages)

    @property
    def looks(self) -> int:
        """How many looks were begun."""
        return len(self._looks)

    @property
    def over(self) -> bool:
        """Whether every look that was begun has its value."""
        return len(self._counted) == len(self._looks)

    def take(self, messages: Iterable[Message[Any]]) -> None:
        """Take more messages, in any order; what is here, or is neither a look nor a value, changes nothing."""
        for message in messages:
            body = message.body
            if isinstance(body, Looking) and message.id not in self._looks:
                self._looks[message.id] = (message.author, body.path)
                self._count(body.path, looking=1)
                self._settle(message.id)
            elif isinstance(body, Found):
                self._found.setdefault(body.look, set()).add(message)
                self._settle(body.look)

    def mean_ppm(self, path: Steps) -> int:
        """Return a node's mean value; 0 where nobody has been."""
        node = self.nodes.get(path, _Node())
        return node.total_ppm // node.visits if node.visits else 0

    def select(self, path: Steps, steps: Sequence[str], rule: Rule = "uct", c: float = 0.5, luck: bytes = b"") -> str:
        """Return which of some steps to take from a node: the best by the rule, one not tried yet first.

        Args:
            path: where.
            steps: which there are.
            rule: how values and visits are weighed.
            c: how much what was seldom tried is worth, 0 or more; for ``uct``.
            luck: orders equals, by a hash of it, path and step.

        Raises:
            UsageError: no steps, or c is negative or no number.
            UnknownName: there is no such rule.
        """
        if not steps or not 0 <= c < inf:
            raise UsageError(f"a step is chosen from one or more, with c of 0 or more; got {len(steps)} and {c}")
        if rule not in get_args(Rule):
            raise UnknownName("rule of tree search", rule, get_args(Rule))
        score = {step: self._score((*path, step), path, rule, c) for step in steps}
        return min(score, key=lambda step: (-score[step], _lot(luck, (*path, step))))

    def best(self, steps: Sequence[Sequence[str]]) -> Steps:
        """Return the path that was worth most: at each depth the step with most visits, then with the higher mean.

        Args:
            steps: which there are at each depth.
        """
        path: Steps = ()
        for choices in steps:
            tried = [step for step in choices if (*path, step) in self.nodes]
            if not tried:
                break
            path = min([(*path, step) for step in tried], key=self._rank)
        return path

    def _rank(self, path: Steps) -> tuple[int, int, bytes]:
        return (-self.nodes[path].visits, -self.mean_ppm(path), _lot(b"", path))

    def _score(self, path: Steps, parent: Steps, rule: Rule, c: float) -> float:
        node, above = self.nodes.get(path, _Node()), self.nodes.get(parent, _Node())
        n = node.visits + node.looking
        if not n:
            return inf
        mean = node.total_ppm / UNIT / n
        if rule == "greedy":
            return mean
        spread = sqrt(log(max(1, above.visits + above.looking)) / n)
        return mean / n + 1.4 * spread if rule == "halo" else mean + c * spread

    def _settle(self, look: bytes) -> None:
        """Count what a look was worth: its author's own word, of several the one with the lowest id."""
        if look not in self._looks:
            return
        author, path = self._looks[look]
        own = [said for said in self._found.get(look, ()) if said.author == author and said.body.path == path]
        if own:
            worth, before = min(own).body.value_ppm, self._counted.get(look)
            self._counted[look] = worth
            if before is None:
                self._count(path, looking=-1, visits=1, total_ppm=worth)
            else:
                self._count(path, total_ppm=worth - before)

    def _count(self, path: Steps, *, looking: int = 0, visits: int = 0, total_ppm: int = 0) -> None:
        for n in range(len(path) + 1):
            node = self.nodes.setdefault(path[:n], _Node())
            node.looking += looking
            node.visits += visits
            node.total_ppm += total_ppm


def check_path(path: Steps) -> None:
    """Refuse steps without names.

    Raises:
        UsageError: a step's name is empty or longer than 200 characters.
    """
    if any(not 1 <= len(step) <= MAX_STEP_CHARS for step in path):
        raise UsageError(f"a step of a search has a name of 1 to {MAX_STEP_CHARS} characters, got {path!r:.120}")


def _lot(luck: bytes, path: Steps) -> bytes:
    return blake3(b"waggle/tree/1\0" + luck + b"\0" + "\0".join(path).encode()).digest(8)
