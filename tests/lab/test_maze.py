"""The collaborative maze: drawn as the card says, scored strictly, walked by rules as well as the card says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Note, UsageError
from waggledance.lab import CollaborationMaze, Relay
from waggledance.lab._dialogue import accepts, agreed, proposed
from waggledance.lab._maze import Seating
from waggledance.lab._maze_grid import draw_maze, merged, plan, walk
from waggledance.lab._maze_rules import Loner, Sharer

MAZES = 60


@given(st.integers(0, 10_000))
def test_every_cell_but_start_and_goal_is_seen_by_exactly_one(seed: int) -> None:
    maze = draw_maze(seed)
    one, two = maze.views
    assert merged(one, two) == maze.rows
    hidden = [(a == "?") + (b == "?") for x, y in zip(one, two, strict=True) for a, b in zip(x, y, strict=True)]
    assert hidden.count(1) == 34
    assert hidden.count(0) == 2
    way = plan(maze.rows, maze.start, maze.goal)
    assert way is not None
    assert 6 <= len(way) <= 9
    assert walk(maze.rows, maze.start, way) == maze.goal


def test_a_walk_ends_at_the_first_wall() -> None:
    assert walk(("@.#", "..*"), (0, 0), ["right", "right", "down"]) == (0, 1)
    assert walk(("@.#", "..*"), (0, 0), ["right", "down", "right", "up"]) == (1, 2)


def test_a_walk_ends_at_what_is_no_move() -> None:
    assert walk(("@.#", "..*"), (0, 0), ["right", "stars", "down"]) == (0, 1)


def test_moves_count_when_the_very_next_turn_accepts_them() -> None:
    turns = ["Move: right", "Move: down", "Agree. Move: up", "No.", "I agree"]
    assert agreed(turns) == ["down"]
    assert proposed("I thought Move: up\nbut no\n**Move**: left, DOWN.") == ["left", "down"]
    assert not accepts("I can't agree with that")


@pytest.mark.parametrize(
    ("opens", "answers", "least", "most", "turns"),
    [
        ("chance", "chance", 0.0, 0.2, (40, 50)),
        ("loner", "loner", 0.25, 0.55, (0, 50)),
        ("step by step", "step by step", 1.0, 1.0, (14, 21)),
        ("share maps", "share maps", 1.0, 1.0, (3, 3)),
        ("share maps", "loner", 1.0, 1.0, (3, 3)),
    ],
)
async def test_pairs_without_a_model_walk_as_well_as_the_card_says(
    opens: str, answers: str, least: float, most: float, turns: tuple[int, int]
) -> None:
    bench = CollaborationMaze()
    references = bench.references()
    solved, spoken = await walked(bench, references[opens], references[answers])
    assert least <= solved <= most
    assert turns[0] <= spoken <= turns[1]


async def test_a_good_soloist_is_a_bad_partner_and_a_sharer_who_opens_for_it_closes_the_gap() -> None:
    bench = CollaborationMaze()
    alone = [bench.score(task, await bench.alone(task, Loner)).solved for task in bench.tasks("all", MAZES, seed=1)]
    pair, _ = await walked(bench, Loner, Loner)
    relay, _ = await walked(bench, lambda n, view: Relay(Sharer(n, view), Loner(n, view), handoff=1), Loner)
    assert all(alone)
    assert pair <= 0.55
    assert relay >= 0.95


async def test_progress_counts_where_the_goal_is_not_reached() -> None:
    bench = CollaborationMaze()
    scores = [bench.score(task, await bench.alone(task, Loner, whole=False)) for task in bench.tasks("all", 20, seed=1)]
    assert any(0 < score.value < 1 for score in scores)
    assert all(score.solved == (score.value == 1) for score in scores)


def test_a_maze_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="3 × 3"):
        draw_maze(1, size=3, shortest=(30, 40))
    with pytest.raises(UsageError, match="3 to 20"):
        draw_maze(1, size=2)
    with pytest.raises(UsageError, match="0 or more turns"):
        Relay(Loner("a", ("@*",)), Loner("b", ("@*",)), -1)


async def walked(bench: CollaborationMaze, opens: Seating, answers: Seating) -> tuple[float, float]:
    """Return the share solved and the mean number of turns."""
    solved = turns = 0
    for task in bench.tasks("all", MAZES, seed=1):
        run = await bench.run(task, opens, answers)
        solved += bench.score(task, run).solved
        turns += sum(isinstance(m.body, Note) for m in run.messages)
    return solved / MAZES, turns / MAZES
