"""Calibration tables and measures of stated confidence."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import Table, auroc, brier, ece
from waggledance.core import UNIT, UsageError

pairs_of = st.lists(st.tuples(st.integers(0, UNIT), st.booleans()), min_size=2, max_size=30)


def test_a_level_counts_with_one_right_and_one_wrong_added() -> None:
    table = Table.fit([(900_000, True), (910_000, True), (900_000, False), (100_000, True), (None, False)])
    assert table.settled == 5
    assert table.chance(890_000) == 3 / 5
    assert table.chance(500_000) == 1 / 2
    assert table.chance(None) == 4 / 7
    assert table.weight_ppm(900_000, 4) == round(UNIT * log(3 / 2 * 3))


def test_a_peer_below_guessing_has_negative_weight() -> None:
    assert Table.fit([(UNIT, False)] * 20).weight_ppm(UNIT, 4) < 0


def test_a_table_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="22 rows"):
        Table((1,), (1,))
    with pytest.raises(UsageError, match="at least as many"):
        Table((1, *[0] * 21), (0,) * 22)


@given(pairs=pairs_of)
def test_auroc_is_the_chance_that_a_right_answer_states_more(pairs: list[tuple[int, bool]]) -> None:
    right = [stated for stated, was_right in pairs if was_right]
    wrong = [stated for stated, was_right in pairs if not was_right]
    if not right or not wrong:
        with pytest.raises(UsageError, match="of one sort"):
            auroc(pairs)
        return
    by_hand = sum((r > w) + (r == w) / 2 for r in right for w in wrong) / (len(right) * len(wrong))
    assert auroc(pairs) == pytest.approx(by_hand)


@given(pairs=pairs_of)
def test_brier_and_ece_are_what_their_definitions_say(pairs: list[tuple[int, bool]]) -> None:
    assert brier(pairs) == pytest.approx(sum((c / UNIT - right) ** 2 for c, right in pairs) / len(pairs))
    levels: dict[int, list[tuple[float, bool]]] = {}
    for c, right in pairs:
        levels.setdefault(int(c / 50_000 + 0.5), []).append((c / UNIT, right))
    gaps = [abs(sum(right for _, right in group) - sum(c for c, _ in group)) for group in levels.values()]
    assert ece(pairs) == pytest.approx(sum(gaps) / len(pairs))


def test_measures_of_nothing_are_refused() -> None:
    for measure in (ece, brier, auroc):
        with pytest.raises(UsageError, match="at least one"):
            measure([])
