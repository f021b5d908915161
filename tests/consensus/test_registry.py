"""Rules by name."""

import pytest

from waggledance.consensus import RULES, by_name, name_of
from waggledance.core import UnknownName


def test_every_rule_is_found_by_the_name_it_gives_itself() -> None:
    assert set(RULES) == {
        "majority", "confidence", "confidence-bins", "log-odds", "borda", "condorcet", "bradley-terry", "win-rate",
        "centroid",
    }  # fmt: skip
    assert all(name_of(by_name(name)) == name for name in RULES)


def test_an_unknown_rule_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="no rule 'condorset'; did you mean 'condorcet'"):
        by_name("condorset")
