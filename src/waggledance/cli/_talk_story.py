"""What watchers are told of a conversation: its turns, and how far its tasks are."""

from __future__ import annotations

from waggledance.cli._safe_text import one_line
from waggledance.consensus import FloorReport, FloorTurn


def talk_line(body: FloorTurn | FloorReport, who: str) -> str:
    """Return a turn, or how far a task is, in one line."""
    said = one_line(body.text, 160)
    lapse = f" [{one_line(body.lapse, 160)}]" if body.lapse else ""
    if isinstance(body, FloorTurn):
        takes = " takes the floor" if body.takes else ""
        return f"turn {body.round + 1}, {who}{takes}: {said or 'nothing'}{lapse}"
    match body.progress:
        case "done":
            return f"{who} has done its task: {said}"
        case "failed":
            return f"{who} could not do its task{lapse}"
        case _:
            return f"{who} begins its task"
