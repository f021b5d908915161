"""The maze: a small grid with walls, split between two who each see half of it.

Cells are (row, column) from (0, 0) at the top left. On a map ``@`` is the start, ``*`` the goal, ``#`` a wall, ``.``
free, ``?`` unseen.
Source: arXiv:2511.02687 §3; sizes as in the project's card: 6 × 6, walls in about 30 %, shortest path of 6 to 9 moves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random

import msgspec

from waggledance.core import UsageError

Cell = tuple[int, int]

STEPS: dict[str, Cell] = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}

WALLS = 0.3


class Maze(msgspec.Struct, frozen=True):
    """A maze as rows of text, and the two halves of it that are seen."""

    rows: tuple[str, ...]
    views: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def start(self) -> Cell:
        return find(self.rows, "@")

    @property
    def goal(self) -> Cell:
        return find(self.rows, "*")


def draw_maze(seed: int, *, size: int = 6, shortest: tuple[int, int] = (6, 9)) -> Maze:
    """Draw a maze that can be solved, and who sees which cell; the same for the same arguments.

    Args:
        seed: of the maze.
        size: rows and columns, 3 to 20.
        shortest: the least and most moves of a shortest path.

    Raises:
        UsageError: no such maze was found in 10,000 draws: the path does not fit the size.
    """
    if not 3 <= size <= 20:
        raise UsageError(f"a maze has 3 to 20 rows, got {size}")
    rng = Random(f"maze/{size}/{seed}")
    cells = [(r, c) for r in range(size) for c in range(size)]
    for _ in range(10_000):
        start, goal = rng.sample(cells, 2)
        rows = [["#" if rng.random() < WALLS else "." for _ in range(size)] for _ in range(size)]
        rows[start[0]][start[1]], rows[goal[0]][goal[1]] = "@", "*"
        whole = tuple("".join(row) for row in rows)
        path = plan(whole, start, goal)
        if path is not None and shortest[0] <= len(path) <= shortest[1]:
            seen = {cell: rng.randrange(2) for cell in cells}
            one, two = (
                tuple(
                    "".join(whole[r][c] if whole[r][c] in "@*" or seen[r, c] == half else "?" for c in range(size))
                    for r in range(size)
                )
                for half in (0, 1)
            )
            return Maze(whole, (one, two))
    raise UsageError(f"no maze of {size} × {size} has a shortest path of {shortest[0]} to {shortest[1]} moves")


def find(rows: Sequence[str], mark: str) -> Cell:
    """Return where a mark stands; ``@`` and ``*`` stand on every map."""
    return next((r, row.index(mark)) for r, row in enumerate(rows) if mark in row)


def at(rows: Sequence[str], cell: Cell) -> str:
    """Return what a map shows at a cell; a wall outside of it."""
    r, c = cell
    return rows[r][c] if 0 <= r < len(rows) and 0 <= c < len(rows[r]) else "#"


def after(cell: Cell, move: str) -> Cell:
    """Return the cell that a move leads to."""
    dr, dc = STEPS[move]
    return cell[0] + dr, cell[1] + dc


def plan(rows: Sequence[str], start: Cell, goal: Cell) -> list[str] | None:
    """Return the moves of a shortest path, unseen cells taken for free; None when there is none."""
    came: dict[Cell, tuple[Cell, str] | None] = {start: None}
    frontier = deque([start])
    while frontier and goal not in came:
        cell = frontier.popleft()
        for move in STEPS:
            ahead = after(cell, move)
            if ahead not in came and at(rows, ahead) != "#":
                came[ahead] = (cell, move)
                frontier.append(ahead)
    if goal not in came:
        return None
    moves: list[str] = []
    step = came[goal]
    while step is not None:
        moves.append(step[1])
        step = came[step[0]]
    return moves[::-1]


def walk(rows: Sequence[str], start: Cell, moves: Sequence[str]) -> Cell:
    """Return where moves lead; they end at the first one into a wall, at a word that is no move, or at the goal."""
    cell = start
    for move in moves:
        if move not in STEPS or at(rows, ahead := after(cell, move)) == "#":
            break
        cell = ahead
        if at(rows, cell) == "*":
            break
    return cell


def merged(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """Return what two maps show together.

    >>> merged(["@?"], ["@#"])
    ('@#',)
    """
    return tuple(
        "".join(b if a == "?" else a for a, b in zip(x, y, strict=True)) for x, y in zip(one, other, strict=True)
    )
