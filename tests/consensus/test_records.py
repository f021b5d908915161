"""Records of a history: what was settled, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from waggledance.consensus import CalibratedLogOdds, History, records
from waggledance.core import Message, PeerId, Proposal, UsageError, local_peer_id

ANN, BOB = local_peer_id("ann"), local_peer_id("bob")


def history() -> History:
    said: list[dict[PeerId, str | None]] = [{ANN: "4", BOB: "5"}, {ANN: "4", BOB: None}, {ANN: "7", BOB: "7"}]
    return History.of(said, [{ANN: 900_000, BOB: 600_000}, {ANN: 900_000}, {ANN: 100_000}])


def test_only_settled_answers_are_counted_at_the_confidence_they_stated() -> None:
    found = records(history(), history().known(["4", "9", None]))
    assert (found[ANN].settled, found[ANN].counts(900_000)) == (2, (1, 1))
    assert (found[BOB].settled, found[BOB].counts(600_000)) == (1, (0, 1))


def test_an_answer_without_confidence_is_counted_as_such() -> None:
    found = records(history(), history().known([None, None, "7"]))
    assert (found[BOB].settled, found[BOB].right[-1], found[ANN].counts(100_000)) == (1, 1, (1, 0))


def test_log_odds_reads_them_and_falls_back_while_they_are_short(say: Callable[..., Message[Proposal]]) -> None:
    rule = CalibratedLogOdds(records(history(), history().known(["4", "9", "7"])))
    assert "decided by plain majority" in rule([say("ann", "4"), say("bob", "4")], (), {}).notes[0]


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="known has one entry a question: 3"):
        records(history(), np.array([0]))
