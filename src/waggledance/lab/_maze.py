"""The collaborative maze: two who see half of it each must agree on every move.

The *collaboration gap* is how much worse a pair of peers is than one of them with the whole map. Scored strictly: a
move counts when one proposes it and the other accepts it in the next turn (`Dialogue`), and agreed moves are walked on
the true map up to the first wall.
Source: Davidson et al. 2025, "The Collaboration Gap", arXiv:2511.02687. Its judge, a third model that reads the
transcript, is not here: a small model would measure itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from waggledance._swarm import Swarm
from waggledance.core import Budget, Decision, Peer, Question
from waggledance.lab._dialogue import Dialogue
from waggledance.lab._maze_grid import Maze, at, draw_maze, plan, walk
from waggledance.lab._maze_rules import ByChanceWalker, Loner, Sharer, Stepper
from waggledance.lab._score import RunLog, Score
from waggledance.lab._task import Task
from waggledance.network import Network
from waggledance.protocols import Vote

Seating = Callable[[str, Sequence[str]], Peer]
"""Makes the peer of a name that sees a map."""

_RULES = (
    "You walk through a maze from @ to *, one cell a move: up, down, left or right. Row 0 is the top row, column 0 the "
    "left one. # is a wall, . is free, ? is a cell that you cannot see."
)


@dataclass(frozen=True)
class CollaborationMaze:
    """The benchmark.

    Args:
        size: rows and columns; 6 in the paper, 3 for small models.
        shortest: least and most moves of a shortest path.
        turns: the most turns of a dialogue.
    """

    size: int = 6
    shortest: tuple[int, int] = (6, 9)
    turns: int = 50

    name = "maze"
    version = "1"

    def tasks(self, split: str, n: int | None, seed: int) -> Sequence[Task]:
        """Return mazes; a hundred when n is None. There is one split, ``"all"``."""
        return [self._task(seed * 100_000 + i) for i in range(100 if n is None else n)]

    def score(self, task: Task, run: RunLog) -> Score:
        """Score what was agreed: solved or not, and how much of the shortest way is behind them."""
        maze = maze_of(task)
        moves = [word.strip() for word in (run.decision.key or "").split(",")]
        return _score(maze, [move for move in moves if move and move != "none"], run.decision)

    def references(self) -> Mapping[str, Seating]:
        """Return the peers without a model; pairs of each."""
        return {"chance": ByChanceWalker, "loner": Loner, "step by step": Stepper, "share maps": Sharer}

    async def run(
        self, task: Task, opens: Seating, answers: Seating, *, network: Network | None = None,
        budget: Budget | None = None,
    ) -> RunLog:  # fmt: skip
        """Let two peers walk a maze together; return all that was said.

        Args:
            task: one of this benchmark's.
            opens: makes the one who speaks first, and sees the first half.
            answers: makes the other.
            network: where they meet; this process when None.
            budget: of the run.
        """
        maze = maze_of(task)
        peers = [opens("one", maze.views[0]), answers("two", maze.views[1])]
        talk = Dialogue(self.turns, over=lambda moves: at(maze.rows, walk(maze.rows, maze.start, moves)) == "*")
        return await RunLog.of(Swarm(peers, protocol=talk, seed=task.seed, network=network), task.question, budget)

    async def alone(self, task: Task, seat: Seating, *, whole: bool = True, budget: Budget | None = None) -> RunLog:
        """Let one peer find the way by itself, from the whole map or from its own half, in one answer."""
        maze = maze_of(task)
        peer = seat("alone", maze.rows if whole else maze.views[0])
        return await RunLog.of(Swarm([peer], protocol=Vote(), seed=task.seed), task.question, budget)

    def _task(self, seed: int) -> Task:
        maze = draw_maze(seed, size=self.size, shortest=self.shortest)
        return Task(
            family=f"maze/{self.size}",
            question=Question(text=_RULES, expects="short"),
            source=f"maze/{self.size}/{seed}",
            seed=seed,
            payload={"rows": list(maze.rows), "views": [list(view) for view in maze.views]},
        )


def maze_of(task: Task) -> Maze:
    """Return a task's maze."""
    one, two = cast("Sequence[Sequence[str]]", task.payload["views"])
    return Maze(tuple(cast("Sequence[str]", task.payload["rows"])), (tuple(one), tuple(two)))


def _score(maze: Maze, moves: Sequence[str], decision: Decision) -> Score:
    end = walk(maze.rows, maze.start, moves)
    before = len(plan(maze.rows, maze.start, maze.goal) or ())
    left = len(plan(maze.rows, end, maze.goal) or ())
    solved = end == maze.goal
    progress = max(0.0, (before - left) / before)
    return Score(value=1.0 if solved else progress, solved=solved, raw=float(before - left),
                 parts={"moves": len(moves)})  # fmt: skip
