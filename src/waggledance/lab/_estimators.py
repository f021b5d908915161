"""Estimators of what peers weigh, by name: for the command line. Each looks at all tasks and at no key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType

from waggledance.consensus import History, Proposals, Weights, em_answers
from waggledance.core import UnknownName
from waggledance.lab._arm import Weigh


def em(history: Sequence[Proposals]) -> Weights:
    """Return log-odds weights from who agrees with whom over all tasks; see `em_answers`."""
    return em_answers(History.of_proposals(chain.from_iterable(history))).weights()


ESTIMATORS: Mapping[str, Weigh] = MappingProxyType({"em": em})


def estimator_by_name(name: str) -> Weigh:
    """Return the estimator of this name.

    Raises:
        UnknownName: there is none; says the nearest.
    """
    if name not in ESTIMATORS:
        raise UnknownName("estimator of weights", name, ESTIMATORS)
    return ESTIMATORS[name]
