"""Which edits of a result are published: those that are legal as the plan stands, so that nobody repeats the others.

Source: Zhang et al. 2025, "UFO³", arXiv:2511.11332: a refused edit is shown to whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence

from waggledance.core import RunFailed
from waggledance.tasks._edit import MAX_OPS, Add, Drop, Link, Op, Replace
from waggledance.tasks._work import Work

_SHOWN = 5
"""Of refused edits, in the reason for trying again."""


def legal_edits(work: Work, ops: Sequence[Op]) -> list[Op]:
    """Return the edits of a result that may be published: all of them, or on the last try those that are legal.

    Raises:
        RunFailed: some are not legal, and there is another try; says which and why. Or they do not fit one message.
    """
    if len(ops) >= MAX_OPS:
        raise RunFailed(f"the revision has {len(ops)} edits; at most {MAX_OPS - 1} fit a message with its result")
    if not ops:
        return []
    plain = [op for op in ops if isinstance(op, Add | Link | Drop | Replace)]
    wrong = [
        f"{type(op).__name__.lower()}: a revision adds, links, drops and replaces" for op in ops if op not in plain
    ]
    refused = work.plan.would_refuse(plain)
    wrong += [f"edit {n} ({type(plain[n]).__name__.lower()}): {why}" for n, why in refused.items()]
    tried = len(work.plan.entries[work.task.id].failed_by)
    if wrong and tried + 1 < work.task.tries:
        raise RunFailed(f"{len(wrong)} edits of the revision are not legal: {'; '.join(wrong[:_SHOWN])}")
    return [op for n, op in enumerate(plain) if n not in refused]
