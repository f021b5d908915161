"""Named conditions on a result, for links that are followed only sometimes: pure functions that every peer has alike.

Closures cannot travel in a message; a name can. Source: Zhang et al. 2025, "UFO³", arXiv:2511.11332 (its conditional
dependencies carry a text that a model judges; ours are decided by code, so that all peers agree).
"""

from __future__ import annotations

import re

from waggledance.core import UsageError

_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)


def check_condition(when: str) -> None:
    """Refuse what is no condition.

    Raises:
        UsageError: says which there are.
    """
    name, _, argument = when.partition(":")
    if when in ("ok", "done", "end", "some", "fail", "yes", "no"):
        return
    if name in ("has", "lacks") and argument.strip():
        return
    if name in ("above", "below") and _as_number(argument) is not None:
        return
    raise UsageError(
        f"{when!r:.80} is no condition of a link: 'ok', 'done', 'end', 'some', 'fail', 'yes', 'no', 'has:WORDS', "
        "'lacks:WORDS', 'above:NUMBER' or 'below:NUMBER'"
    )


def holds(when: str, result: str) -> bool:
    """Say whether a condition holds for the result of a task that is done; ``"fail"`` never does.

    ``yes`` and ``no`` look at the result's first word; ``has`` and ``lacks`` at its words in small letters; ``above``
    and ``below`` at its last number, and do not hold without one.

    >>> holds("yes", "Yes, all nine."), holds("above:8", "There are 9 of them"), holds("has:nine", "No")
    (True, True, False)
    """
    name, _, argument = when.partition(":")
    text = result.casefold()
    match name:
        case "ok" | "done" | "end" | "some":
            return True
        case "yes" | "no":
            return re.match(rf"\W*{name}\b", text) is not None
        case "has":
            return argument.strip().casefold() in text
        case "lacks":
            return argument.strip().casefold() not in text
        case "above" | "below":
            found, limit = _as_number(result), _as_number(argument)
            if found is None or limit is None:
                return False
            return found > limit if name == "above" else found < limit
        case _:
            return False


def _as_number(text: str) -> float | None:
    """Return the last number that a text names, or None."""
    found = _NUMBER.findall(text)
    return float(found[-1].replace("_", "")) if found else None
