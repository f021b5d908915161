"""A planner whose peer's model looks at the plans of others, one part a line, and says what is wrong with them.

Source: Liu et al. 2025, CaPo, arXiv:2411.04679: evaluators name missing steps, load and conflicts. That each line names
a part is ours: an objection that names no edit cannot be met.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from waggledance.core import Message, well_formed
from waggledance.tasks._edit import Add, Link
from waggledance.tasks._negotiation import MAX_OBJECTIONS, MAX_WHY_CHARS, Objection, PlanDraft
from waggledance.tasks._planner import Atomic, Parts, Planner
from waggledance.tasks._unsent import unsent
from waggledance.tasks._work import Result, Work

_LINE = re.compile(r"\W*(?:(?:part|step|edit)\s+)?(\d{1,3})\s*[.):-]+\s*(\S.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Critical:
    """A planner beside whom the peer at this seat objects to others' drafts, by a note about ``"objections"``.

    Put it into `Negotiated`: ``Negotiated(Critical(roma()))``.
    """

    planner: Planner

    name: ClassVar[str] = "critical"

    async def expand(self, work: Work) -> Atomic | Parts:
        """Break a task up, as the planner does."""
        return await self.planner.expand(work)

    async def aggregate(self, work: Work) -> Result:
        """Put a task together, as the planner does."""
        return await self.planner.aggregate(work)

    async def object_to(self, work: Work, draft: Message[PlanDraft]) -> Sequence[Objection]:
        """Ask the peer what is wrong with a draft.

        Raises:
            RunFailed: it had nothing to say, or a budget is spent.
        """
        said = await work.note("objections", (unsent("draft", draft_lines(draft.body)),))
        return read_objections(said.text, draft.body)


def draft_lines(draft: PlanDraft) -> str:
    """Return the parts that a draft adds, as they are written: numbered from 1, with what each comes after."""
    parts = [op.task for op in draft.ops if isinstance(op, Add)]
    number = {part.id: n for n, part in enumerate(parts, 1)}
    lines: list[str] = []
    for part in parts:
        links = [op for op in draft.ops if isinstance(op, Link) and op.after == part.id and op.before in number]
        first = ", ".join(str(number[link.before]) for link in links)
        goal = " ".join(part.goal.split())
        lines.append(f"{number[part.id]}. {part.kind}: {goal}{f' after: {first}' if first else ''}")
    return "\n".join(lines)


def read_objections(text: str, draft: PlanDraft) -> tuple[Objection, ...]:
    """Read what a model has against a draft: at most 32 lines that begin with the number of a part that it has.

    Everything else is passed over: "none", praise, parts that are not there.
    """
    edits = [n for n, op in enumerate(draft.ops) if isinstance(op, Add)]
    found: list[Objection] = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is not None and 1 <= int(match[1]) <= len(edits):
            found.append(Objection(edit=edits[int(match[1]) - 1], why=well_formed(match[2])[:MAX_WHY_CHARS]))
    return tuple(found[:MAX_OBJECTIONS])
