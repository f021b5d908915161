"""Estimators of what peers weigh, by name: for the command line. Each looks at all tasks, and at the keys of probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from waggledance.consensus import History, Proposals, Weights, em_answers
from waggledance.core import UnknownName
from waggledance.lab._arm import Weigh


def em(proposed: Sequence[Proposals], known: Sequence[str | None]) -> Weights:
    """Return log-odds weights from who agrees with whom over all tasks, anchored at probes; see `em_answers`."""
    history = History.of_proposals(proposal for of_task in proposed for proposal in of_task)
    keys = {of_task[0].channel: key for of_task, key in zip(proposed, known, strict=True) if of_task}
    truth = history.known([keys[channel] for channel in history.questions])
    return em_answers(history, known=truth).weights()


ESTIMATORS: Mapping[str, Weigh] = MappingProxyType({"em": em})


def estimator_by_name(name: str) -> Weigh:
    """Return the estimator of this name.

    Raises:
        UnknownName: there is none; says the nearest.
    """
    if name not in ESTIMATORS:
        raise UnknownName("estimator of weights", name, ESTIMATORS)
    return ESTIMATORS[name]
