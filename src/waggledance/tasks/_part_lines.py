"""Parts of a task as a model writes them: one a line, or as JSON; read leniently, because models keep to no form.

    1. look: Find the length of the Nile in kilometres.
    2. think: Compare the two. after: 1

Source: the form of ROMA's planner (sentient-agi/ROMA: goal, type, dependencies), as lines for small models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from waggledance.core import RunFailed

KINDS = ("look", "think", "write", "code")
"""What sorts of work parts are; another word before a colon is part of the goal."""
_SAME_KIND = {"retrieve": "look", "search": "look", "find": "look", "reason": "think", "compute": "think"}

_NUMBERED = re.compile(r"\s*(?:[-*•]\s*)?(?:(?:part|step|task)\s+)?(\d{1,3})\s*[.):]\s*(.+)", re.IGNORECASE)
_AFTER = re.compile(
    r"[\s,;(\[-]*\b(?:after|depends on|needs)\b:?\s*((?:parts?|steps?|tasks?|none|and|[\d,#\s])*)[)\].]*$",
    re.IGNORECASE,
)
_ATOMIC = re.compile(r"\W*atomic\b\W*", re.IGNORECASE)
_JSON = re.compile(r"\[.*\]|\{.*\}", re.DOTALL)


class PartLine(msgspec.Struct, frozen=True):
    """One part as it was written."""

    number: int
    goal: str
    kind: str = "think"
    after: tuple[int, ...] = ()
    """Numbers of the parts whose results it needs."""


def read_parts(text: str) -> tuple[PartLine, ...]:
    """Read what a planner wrote; nothing for "atomic".

    Words before and after the lines are passed over, and so is emphasis; parts that say the same are one.

    Raises:
        RunFailed: it says neither "atomic" nor any part; or a part waits for one that is not there, or for itself; says
            which, so that the next try can mend it.

    >>> [part.after for part in read_parts("1. look: the Nile\\n2. look: the Amazon\\n3. compare (after: 1, 2)")]
    [(), (), (1, 2)]
    >>> read_parts("Atomic.")
    ()
    """
    parts = list(_from_lines(text)) or _from_json(text)
    if not parts:
        if any(_ATOMIC.fullmatch(line) for line in text.splitlines()):
            return ()
        raise RunFailed("the plan has no part that can be read: write one a line, as '1. look: what to find'")
    return _checked(_merged(parts))


def _from_lines(text: str) -> Iterator[PartLine]:
    for line in text.replace("**", "").splitlines():
        found = _NUMBERED.fullmatch(line)
        if found is not None:
            goal, after = _split_after(found[2])
            kind, goal = _split_kind(goal)
            if goal:
                yield PartLine(int(found[1]), goal, kind, after)


def _split_after(text: str) -> tuple[str, tuple[int, ...]]:
    found = _AFTER.search(text)
    if found is None or not re.search(r"\d|none", found[1], re.IGNORECASE):
        return text.strip(), ()
    return text[: found.start()].strip(), tuple(sorted({int(n) for n in re.findall(r"\d{1,3}", found[1])}))


def _split_kind(text: str) -> tuple[str, str]:
    word, colon, rest = text.partition(":")
    kind = word.strip(" ()[]").casefold()
    kind = _SAME_KIND.get(kind, kind)
    return (kind, rest.strip()) if colon and kind in KINDS else ("think", text.strip())


def _from_json(text: str) -> list[PartLine]:
    """Return the parts of the first JSON in a text: a list of objects, or an object that holds one; else nothing."""
    found = _JSON.search(text)
    if found is None:
        return []
    try:
        read: Any = msgspec.json.decode(found[0])
    except (msgspec.DecodeError, RecursionError):
        return []
    held: list[Any] = list(cast("dict[str, Any]", read).values()) if isinstance(read, dict) else [read]
    lists: list[list[Any]] = [value for value in held if isinstance(value, list)]
    rows = [cast("Mapping[str, Any]", row) for row in (lists[0] if lists else ()) if isinstance(row, dict)]
    parts: list[PartLine] = []
    for place, row in enumerate(rows, 1):
        goal = next((row[key] for key in ("goal", "task", "description", "name") if isinstance(row.get(key), str)), "")
        kind = str(row.get("kind", row.get("type", row.get("task_type", "think")))).casefold()
        kind = _SAME_KIND.get(kind, kind)
        number = row.get("id", row.get("number"))
        if goal.strip():
            parts.append(PartLine(number if isinstance(number, int) else place, goal.strip(),
                                  kind if kind in KINDS else "think", _numbers(row)))  # fmt: skip
    return parts


def _numbers(row: Mapping[str, Any]) -> tuple[int, ...]:
    names = [key for key in ("after", "dep", "deps", "dependencies") if isinstance(row.get(key), list)]
    given = [str(n) for n in cast("list[Any]", row[names[0]])] if names else []
    return tuple(sorted({int(n) for n in given if re.fullmatch(r"\d{1,3}", n)}))


def same_words(text: str) -> str:
    """Return a goal without case, spacing and final stop: what two goals that say the same have alike.

    >>> same_words("Find  the Nile.") == same_words("find the nile")
    True
    """
    return " ".join(text.casefold().split()).rstrip(" .!?")


def _merged(parts: list[PartLine]) -> list[PartLine]:
    """Let parts that say the same be one, and number them in their order."""
    first: dict[str, int] = {}
    new: dict[int, int] = {}
    for part in parts:
        if part.number in new:
            raise RunFailed(f"two parts have the number {part.number}: number each once")
        new[part.number] = first.setdefault(same_words(part.goal), len(first) + 1)
    merged: dict[int, PartLine] = {}
    for part in parts:
        number = new[part.number]
        after = {new.get(n, 0) for n in part.after}
        if 0 in after:
            missing = next(n for n in part.after if n not in new)
            raise RunFailed(f"part {part.number} comes after part {missing}, which is not there")
        kept = merged.get(number)
        after |= set(() if kept is None else kept.after)
        merged[number] = PartLine(number, part.goal, part.kind, tuple(sorted(after)))
    return list(merged.values())


def _checked(parts: list[PartLine]) -> tuple[PartLine, ...]:
    """Refuse parts that wait for each other."""
    waiting = {part.number: set(part.after) for part in parts}
    while free := [number for number, after in waiting.items() if not after & waiting.keys()]:
        for number in free:
            del waiting[number]
    if waiting:
        names = ", ".join(map(str, sorted(waiting)))
        raise RunFailed(f"the parts {names} wait for each other or for one that does: let one of them come first")
    return tuple(parts)
