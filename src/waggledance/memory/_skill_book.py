"""A book of skills: what a swarm has practised for one person, kept in one memory of theirs.

A question's pattern is its kind and its words with numbers left out; it is of a pattern that is known already where the
two are alike (`alike_from`), so near duplicates are one. Only questions that stand alone and whose answers can be equal
have one: within a conversation, with tools, or in free words the same words need not want the same.

The book is private: what one caller asked is shown to the swarm again as an example, so each caller has a book of their
own. A book that fails costs no decision.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
from blake3 import blake3

from waggledance.core import (
    Decision,
    Message,
    PeerId,
    Proposal,
    Question,
    RunFailed,
    UnknownName,
    UsageError,
    WaggleError,
    well_formed,
)
from waggledance.memory._exemplars import alike_from
from waggledance.memory._kept import Where
from waggledance.memory._question_pattern import PATTERNS, has_pattern, pattern_of, with_options, words_of
from waggledance.memory._record import Record, RecordId
from waggledance.memory._skills import MAX_SHOWN_CHARS, Outcome, Skill, needed, skill_of
from waggledance.memory._store import RecordStore
from waggledance.protocols import Tried, agreed_on

if TYPE_CHECKING:
    from waggledance.topology import Embed

logger = logging.getLogger(__name__)

OUTCOME = "outcome"
"""The sort of what became of a question."""
MAX_PATTERNS = 1_000
"""Beyond that one without a usable skill goes, drawn by its hash."""

_OF = "of"
_LOOKED_UP = 5
_ANY_PATTERN = Where(sorts=tuple(PATTERNS.values()))


class SkillBook:
    """What a swarm has practised for one person.

    Args:
        path: its file, a memory that only the owner may read; in this process alone when None.
        embed: how questions become vectors; `topology.by_meaning()` when None.

    Raises:
        UsageError: the file is something else, damaged, or cannot be made.
    """

    def __init__(self, path: str | Path | None = None, *, embed: Embed | None = None) -> None:
        self.store = RecordStore(path, embed=embed)
        self._embed = embed
        self._alike_ppm: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a book without one is gone."""
        self.store.close()

    def match(self, question: Question) -> Skill | None:
        """Return the skill that a question may be answered by; of several a mature one, then the most alike one.

        None where there is none, or the book cannot be read.
        """
        try:
            skills = [skill for id in self._alike(question) if (skill := self.skill(id)) is not None and skill.usable]
        except (WaggleError, sqlite3.Error) as why:
            logger.warning("the book of skills cannot be read: %s", why)
            return None
        return next((skill for skill in skills if skill.stage == "mature"), skills[0] if skills else None)

    def learn(
        self, question: Question, decision: Decision, messages: Iterable[Message[Any]], used: Skill | None = None
    ) -> None:
        """Keep what became of a question, if it has a pattern and others than who said it best judged the answer.

        Args:
            question: what was asked.
            decision: what was decided.
            messages: of its channel.
            used: the skill that it was answered by, if it was.
        """
        if not has_pattern(question):
            return
        said = _last_said(decision, messages)
        judges = 0 if used is not None and _differed(said) else judges_of(decision, said)
        if judges is None:
            return
        right = judges > 0
        try:
            pattern = used.pattern if used is not None else self.pattern(question)
            outcome = Outcome(
                pattern=pattern,
                number=max((one.number for one in self._outcomes(pattern)), default=0) + 1,
                run=decision.id.hex(),
                right=right,
                judges=judges,
                question=_shown(with_options(question)) if right else "",
                answer=_shown(decision.text or decision.key or "") if right else "",
            )
            self._keep(outcome)
        except (WaggleError, sqlite3.Error) as why:
            logger.warning("the book of skills did not keep this question: %s", why)

    def verify(self, run: str, *, right: bool) -> Skill | None:
        """Say that the answer to a question was right, or wrong, whatever peers judged; return what that makes of it.

        Args:
            run: the decision's id in hexadecimal digits, or how it alone begins.
            right: whether it was.

        Raises:
            UnknownName: the book has no such question, or has left it out since.
            UsageError: several begin like that.
        """
        found = {outcome.run: outcome for outcome in self._outcomes() if run and outcome.run.startswith(run.lower())}
        if len(found) > 1:
            raise UsageError(f"{len(found)} questions begin with {run!r}; give more digits")
        if not found:
            raise UnknownName("question in the book of skills", run, [outcome.run for outcome in self._outcomes()][:20])
        [outcome] = found.values()
        self._keep(msgspec.structs.replace(outcome, right=right, verified=True))
        return self.skill(outcome.pattern)

    def skill(self, pattern: RecordId) -> Skill | None:
        """Return what a pattern's outcomes amount to; None where there are none."""
        return skill_of(self._outcomes(pattern))

    def skills(self) -> tuple[tuple[str, Skill], ...]:
        """Return all skills, each with its pattern in words; sorted by these."""
        found = [(words_of(kept.record), self.skill(kept.id)) for kept in self.store.records(_ANY_PATTERN)]
        return tuple(sorted((words, skill) for words, skill in found if skill is not None))

    def forget(self, pattern: RecordId) -> bool:
        """Drop a pattern and all that became of its questions; say whether it was here."""
        for kept in self.store.neighbours(pattern, _OF, back=True):
            self.store.forget(kept.id)
        return self.store.forget(pattern)

    # -- inside -------------------------------------------------------------------------------------------------

    def _alike(self, question: Question) -> list[RecordId]:
        """Return the patterns that a question is of, most alike first."""
        if not has_pattern(question):
            return []
        pattern = pattern_of(question)
        if self._alike_ppm is None:
            from waggledance.topology import by_meaning

            self._alike_ppm = alike_from(self._embed or by_meaning())
        found = self.store.search(pattern.words, _LOOKED_UP, Where(sorts=(pattern.sort,)), "meaning")
        return [one.kept.id for one in found if (one.likeness_ppm or 0) >= self._alike_ppm]

    def pattern(self, question: Question) -> RecordId:
        """Return the pattern that a question is of, which it begins where there is none alike.

        Raises:
            RunFailed: the book is full of skills, or cannot be written.
        """
        alike = self._alike(question)
        if alike:
            return alike[0]
        patterns = self.store.records(_ANY_PATTERN)
        if len(patterns) >= MAX_PATTERNS:
            idle = [kept.id for kept in patterns if not ((skill := self.skill(kept.id)) is not None and skill.usable)]
            if not idle:
                raise RunFailed(f"the book of skills has {MAX_PATTERNS:,} skills, which is its limit; forget some")
            self.forget(min(idle, key=lambda id: blake3(b"waggle/idle/1\0" + id).digest()))
        return self.store.put(pattern_of(question))

    def _outcomes(self, pattern: RecordId | None = None) -> tuple[Outcome, ...]:
        if pattern is None:
            kept = self.store.records(Where(sorts=(OUTCOME,)))
        else:
            kept = self.store.neighbours(pattern, _OF, back=True)
        return tuple(outcome for one in kept if (outcome := _outcome(one.record)) is not None)

    def _keep(self, outcome: Outcome) -> None:
        """Keep an outcome, and drop those of its pattern that matter no more, and of its run."""
        others = [one for one in self._outcomes(outcome.pattern) if one.run != outcome.run]
        kept = {_record(one).id for one in needed([*others, outcome])}
        record = _record(outcome)
        if record.id in kept:
            self.store.put(record)
        for old in self.store.neighbours(outcome.pattern, _OF, back=True):
            if old.id not in kept:
                self.store.forget(old.id)


def judges_of(decision: Decision, said: Sequence[Message[Proposal]]) -> int | None:
    """Return how many others gave the decided answer beside who said it best.

    Args:
        decision: what was decided.
        said: the last answer of each peer; of those who were asked first only where nobody else was.

    Returns:
        1 or more; None where nobody can say: nothing was decided, or no more than half of those who answered, or one
        peer alone, gave that answer.
    """
    if decision.status != "decided" or decision.key is None:
        return None
    others = [m for m in said if not isinstance(m.body, Tried)] or said
    answered = [m for m in others if m.body.key is not None]
    same = sum(m.body.key == decision.key for m in answered)
    return same - 1 if same > 1 and 2 * same > len(answered) else None


def _last_said(decision: Decision, messages: Iterable[Message[Any]]) -> tuple[Message[Proposal], ...]:
    """Return each peer's last answer among those that a decision rests on; and its try, if it was asked first."""
    used = frozenset(decision.used)
    last: dict[tuple[bool, PeerId], Message[Proposal]] = {}
    for message in sorted((m for m in messages if m.id in used), key=lambda m: (m.body.round, m.id)):
        if isinstance(message.body, Proposal):
            last[isinstance(message.body, Tried), message.author] = message
    return tuple(last.values())


def _differed(said: Sequence[Message[Proposal]]) -> bool:
    """Say whether two were asked first, at least one of them answered, and they did not agree."""
    tried = [m for m in said if isinstance(m.body, Tried)]
    return any(m.body.key is not None for m in tried) and not agreed_on(tried)


def _record(outcome: Outcome) -> Record:
    text = msgspec.json.encode(outcome).decode()
    return Record.of(OUTCOME, outcome.run, text, links=[(_OF, outcome.pattern)])


def _outcome(record: Record) -> Outcome | None:
    """Return what a record says became of a question; None where somebody else wrote it, who says something else."""
    try:
        return msgspec.json.decode(record.text, type=Outcome)
    except msgspec.MsgspecError:
        return None


def _shown(words: str) -> str:
    """Return words as an example has room for: the end is where an answer stands."""
    words = well_formed(words).strip()
    half = MAX_SHOWN_CHARS // 2
    return words if len(words) <= MAX_SHOWN_CHARS else f"{words[:half]} … {words[-half:]}"
