"""Every rule of this room by its name: for the command line, and for deciding again from a log."""

from collections.abc import Mapping
from types import MappingProxyType

from waggledance.consensus._borda import borda
from waggledance.consensus._bradley_terry import bradley_terry
from waggledance.consensus._centroid import centroid
from waggledance.consensus._condorcet import condorcet
from waggledance.consensus._confidence import confidence_bins, confidence_vote
from waggledance.consensus._log_odds import CalibratedLogOdds
from waggledance.consensus._majority import majority
from waggledance.consensus._rule import Rule, name_of
from waggledance.consensus._win_rate import win_rate
from waggledance.core import UnknownName

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
    """Return the rule of this name.

    Raises:
        UnknownName: there is none; says the nearest.

    >>> by_name("borda") is borda
    True
    """
    if name not in RULES:
        raise UnknownName("rule", name, RULES)
    return RULES[name]
