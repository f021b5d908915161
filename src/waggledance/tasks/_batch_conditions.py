"""Conditions of a plan's file on a row: which of the conditions of links hold for its fields and results."""

from __future__ import annotations

from collections.abc import Mapping

from waggledance.core import UsageError
from waggledance.tasks._batch_template import as_text, found
from waggledance.tasks._condition import check_condition, holds
from waggledance.tasks._row import Row

_OF_TASKS = ("ok", "done", "end", "some", "fail")
"""Conditions of links on how a task ended; a result that is there has ended well."""


class Condition:
    """Holds for a row when, for each name, one of the conditions beside it does; a pure function of the row.

    Args:
        table: by step or field (with dots for what lies within), a condition such as ``yes`` or ``above:3``, or a list.

    Raises:
        UsageError: there is none, or one is no condition.
    """

    def __init__(self, table: Mapping[str, str | bool | tuple[str | bool, ...]]) -> None:
        if not table:
            raise UsageError("a condition names a step or a field, as in {review: yes}")
        self._wanted = [(name, tuple(name.split(".")), _several(wanted)) for name, wanted in table.items()]
        self.names = frozenset(path[0] for _, path, _ in self._wanted)
        """Which steps and fields it looks at."""
        self.version = "; ".join(f"{name}: {' or '.join(wanted)}" for name, _, wanted in self._wanted)
        """The same for conditions that say the same."""

    def __call__(self, row: Row) -> bool:
        for _, path, wanted in self._wanted:
            text = as_text(found(row, path))
            if not any(holds(one, text) for one in wanted):
                return False
        return True


def _several(wanted: str | bool | tuple[str | bool, ...]) -> tuple[str, ...]:
    listed = wanted if isinstance(wanted, tuple) else (wanted,)
    if not listed:
        raise UsageError("an empty list of conditions never holds")
    spelled = tuple(("yes" if one else "no") if isinstance(one, bool) else one for one in listed)
    for one in spelled:
        if one in _OF_TASKS:
            raise UsageError(
                f"{one!r} is a condition of links between tasks; of a row: yes, no, has:…, above:…, below:…"
            )
        check_condition(one)
    return spelled
