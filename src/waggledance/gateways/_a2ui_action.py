"""What a user did on a surface of ours, as what is asked next: an action is data, and only ever another question.

Source: A2UI protocol 0.9, client_to_server.json and client_capabilities.json.
"""

from __future__ import annotations

from typing import Any

import msgspec

from waggledance.core import UsageError, well_formed
from waggledance.gateways._a2ui_surface import ASK, CATALOG, PREFIX, VERSION, WHY

MAX_ANSWER_CHARS = 1_000


class Action(msgspec.Struct, rename="camel"):
    """An action, as a renderer reports it."""

    name: str
    surface_id: str
    context: dict[str, Any] = {}


def asked_by(action: Action) -> str:
    """Return what a user asks by an action, in words.

    Raises:
        UsageError: it is none of our surfaces' actions, or lacks what it needs.
    """
    if not action.surface_id.startswith(PREFIX):
        raise UsageError(f"the surface {action.surface_id[:80]!r} is none that a swarm has made")
    if action.name == ASK:
        question = action.context.get("question")
        if not isinstance(question, str) or not question.strip():
            raise UsageError(f"the action {ASK} needs a question in its context: type one first")
        return well_formed(question)
    if action.name == WHY:
        answer = action.context.get("answer")
        if not isinstance(answer, str) or not 0 < len(answer) <= MAX_ANSWER_CHARS:
            raise UsageError(
                f"the action {WHY} needs an answer in its context, of 1 to {MAX_ANSWER_CHARS:,} characters"
            )
        return well_formed(f"What speaks for the answer {answer!r}, and what against it?")
    raise UsageError(f"our surfaces have no action {action.name[:80]!r}; they have {ASK} and {WHY}")


def draws(capabilities: object) -> bool:
    """Say whether a client's capabilities, as A2UI has them, are that it draws what we compose."""
    if not isinstance(capabilities, dict):
        return False
    try:
        return CATALOG in msgspec.convert(capabilities, dict[str, _Version])[VERSION].supported_catalog_ids
    except (KeyError, msgspec.ValidationError):
        return False


class _Version(msgspec.Struct, rename="camel"):
    supported_catalog_ids: list[str] = []
