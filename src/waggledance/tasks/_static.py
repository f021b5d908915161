"""Static skills: by what peers say of themselves, and nothing else. The baseline that learning has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from waggledance.core import Message
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router, Scored, in_order
from waggledance.tasks._task import Task


@dataclass(frozen=True)
class StaticSkills(Router):
    """Rank by self-rating; it believes every card for ever."""

    name: ClassVar[str] = "static"

    def start(self) -> Claims:
        return Claims()


class Claims:
    """A state that learns nothing."""

    def learn(self, said: Message[TaskOutcome]) -> None:
        """Take no notice."""

    def copy(self) -> Claims:
        return self

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        """Rank by self-rating."""
        return in_order(task, cards, [card.claim_ppm(task.kind) for card in cards])
