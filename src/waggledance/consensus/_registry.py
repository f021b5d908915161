"""Every rule of this room by its name: for the command line, and for deciding again from a log."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from waggledance.consensus._borda import borda
from waggledance.consensus._bradley_terry import bradley_terry
from waggledance.consensus._centroid import centroid
from waggledance.consensus._condorcet import condorcet
from waggledance.consensus._confidence import confidence_bins, confidence_vote
from waggledance.consensus._log_odds import CalibratedLogOdds
from waggledance.consensus._majority import majority
from waggledance.consensus._merged import Merged
from waggledance.consensus._rule import Rule, name_of
from waggledance.consensus._same import Exact, Numeric, Same
from waggledance.consensus._win_rate import win_rate
from waggledance.core import UnknownName, UsageError

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        name_of(rule): rule
        for rule in (
            majority,
            confidence_vote,
            confidence_bins,
            CalibratedLogOdds(),
            borda,
            condorcet,
            bradley_terry,
            win_rate,
            centroid,
        )
    }
)
"""Rules by name. ``log-odds`` is majority until it is given tables, as in ``CalibratedLogOdds(tables)``."""


def by_name(name: str) -> Rule:
    """Return the rule of this name, or the rule over classes of answers that it says.

    Such as ``"majority merging numeric(0.01)"``: ``numeric`` with a relative and an absolute tolerance, ``semantic``
    with the least cosine of wordings, or ``exact``.

    Raises:
        UnknownName: there is none; says the nearest.
        UsageError: a tolerance is out of range.

    >>> by_name("borda") is borda
    True
    >>> by_name("borda merging numeric(0.01, 0.5)").name
    'borda merging numeric(0.01, 0.5)'
    """
    inner, merging, same = name.partition(" merging ")
    if merging:
        return Merged(by_name(inner), _same(same))
    if name not in RULES:
        raise UnknownName("rule", name, RULES)
    return RULES[name]


def _same(name: str) -> Same:
    """Return what says which answers are the same, from its name and numbers."""
    match = re.fullmatch(r"([a-z]+)(?:\(([0-9.e+-]+)(?:, *([0-9.e+-]+))?\))?", name)
    kind, *numbers = match.groups() if match is not None else (name,)
    try:
        given = [float(number) for number in numbers if number is not None]
    except ValueError as why:
        raise UsageError(f"the numbers of {name!r} cannot be read: {why}") from why
    if kind == "exact" and not given:
        return Exact()
    if kind == "numeric" and given:
        return Numeric(*given)
    if kind == "semantic" and len(given) == 1:
        from waggledance.consensus._semantic import Semantic  # needs numpy, so only when asked for

        return Semantic(given[0])
    raise UnknownName("way to merge answers", name, ("exact", "numeric(0.01, 0)", "semantic(0.6)"))
