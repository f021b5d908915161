"""From what a peer said to the canonical key of its answer."""

from waggledance.core import Proposal, Question


def parse(text: str, question: Question) -> Proposal:
    """Return the proposal that a text makes."""
    key = text.strip() or None
    return Proposal.of(key, text, lapse="" if key else "the answer is empty")
