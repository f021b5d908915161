"""Peers and crowds from a bank: they propose what a model once answered, and prefer what it once preferred."""

from __future__ import annotations

from waggledance.core import Proposal, Question
from waggledance.lab._bank import Answer
from waggledance.lab._overheard import Retold, a_call
from waggledance.peers import Agent


async def retold(line: Answer, question: Question) -> Proposal:
    """Return what an agent makes of a recorded answer: it reads the words as they would be read today."""
    return await Agent(line.model, Retold(line.model, line.completion)).propose(a_call(question, line.seed))
