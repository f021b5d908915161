"""The workspace: the view stays small, and nothing that was said gets lost behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from waggledance.core import UsageError
from waggledance.memory import TEAM, Record, Workspace, summarised


def thought(number: int) -> Record:
    return Record.of("thought", f"thought {number}", "x" * (40 + number % 160), scope=TEAM)


async def first_words(records: Sequence[Record]) -> str:
    return " ".join(record.key for record in records)


def grown(entries: int, limit: int) -> list[tuple[int, Record]]:
    """Append entries one by one, and summarise whenever the view has outgrown its limit."""
    said: list[tuple[int, Record]] = []
    for number in range(entries):
        said.append((len(said), thought(number)))
        while over := Workspace.of(said).outgrown(limit):
            summary = asyncio.run(summarised(over, first_words, scope=TEAM, max_tokens=limit // 8))
            said.append((len(said), summary))
    return said


def test_after_500_entries_the_view_keeps_to_its_limit_and_every_original_is_within_reach() -> None:
    said = grown(500, 1_000)
    space = Workspace.of(said)
    assert space.tokens <= 1_000
    assert len(space.view) < 60
    reached = {id for record in space.view for id in space.behind(record.id)}
    assert {record.id for _, record in said} == reached
    assert thought(499) in space.view


def test_two_peers_with_the_same_records_see_the_same_view_in_any_order() -> None:
    said = grown(120, 500)
    views = {Workspace.of(Random(seed).sample(said, len(said))).view for seed in range(5)}
    assert len(views) == 1
    assert Workspace.of([*said, *said]).view in views


def test_nothing_is_summarised_while_there_is_room() -> None:
    assert Workspace.of([(0, thought(1))]).outgrown(1_000) == ()
    assert Workspace.of([]).view == ()


def test_a_summary_never_tells_more_people_than_what_it_was_made_from() -> None:
    records = [thought(1), Record.of("thought", "a private one")]
    with pytest.raises(UsageError, match="would tell"):
        asyncio.run(summarised(records, first_words, scope=TEAM, max_tokens=10))
    for wrong, room in (([], 10), (records[:1], 0)):
        with pytest.raises(UsageError, match="stands for something"):
            asyncio.run(summarised(wrong, first_words, scope=TEAM, max_tokens=room))
    with pytest.raises(UsageError, match="at least one token"):
        Workspace.of([]).outgrown(0)
