"""Records in a prompt: claims with their authors, short, and nothing that acts.

What comes back is put into a note, and notes are fenced by `peers.Prompts` between marks that they cannot contain; here
each record becomes one plain line, without what a chat template could take for its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from waggledance.core import PeerId, UsageError, show
from waggledance.memory._kept import Kept
from waggledance.memory._record import CHARS_A_TOKEN
from waggledance.peers._others import defanged
from waggledance.peers._plain import line

LINE_CHARS = 400
"""Of one record."""
BUDGET_TOKENS = 350
"""Of all together: what one note in a prompt has room for."""
_NAME_CHARS = 40
_NAMES = 3


def told(records: Iterable[Kept], names: Mapping[PeerId, str] | None = None, budget_tokens: int = BUDGET_TOKENS) -> str:
    """Return records as lines of a prompt, in the order given, as many as fit; empty where none does.

    Args:
        records: what a memory gave.
        names: of their authors; others are shown by the beginning of their key.
        budget_tokens: of all lines together, ≥ 0.

    Raises:
        UsageError: the budget is negative.
    """
    if budget_tokens < 0:
        raise UsageError(f"a budget has 0 or more tokens, got {budget_tokens}")
    lines: list[str] = []
    left = budget_tokens * CHARS_A_TOKEN
    for kept in records:
        words = f"{kept.record.key}: {kept.record.text}" if kept.record.text else kept.record.key
        one = f"- {_who(kept, names or {})}: {line(defanged(words), LINE_CHARS)}"
        if len(one) + 1 > left:
            break
        lines.append(one)
        left -= len(one) + 1
    return "\n".join(lines)


def _who(kept: Kept, names: Mapping[PeerId, str]) -> str:
    """Return whose claim it is."""
    if not kept.authors:
        return "I noted"
    shown = [line(defanged(names.get(author, show(author))), _NAME_CHARS) for author in kept.authors[:_NAMES]]
    more = f" and {len(kept.authors) - _NAMES} more" if len(kept.authors) > _NAMES else ""
    return f"{', '.join(shown)}{more} said"
