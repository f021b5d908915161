"""What the package says it knows: figures that are shares, with intervals around them, of arms that can be typed."""

from __future__ import annotations

from collections import Counter

from waggledance.cli._explain import explained
from waggledance.core import Decision
from waggledance.lab import evidence


def test_every_figure_lies_in_its_interval_and_every_comparison_can_be_made_again() -> None:
    for one in evidence():
        assert one.command.split()[0] in ("waggle", "python")
        assert len(one.arms) >= 2
        for found in one.arms:
            assert 0 <= found.low <= found.right <= found.high <= 1
            assert found.calls >= 1


def test_what_is_explained_names_every_arm_and_what_the_figures_do_not_say() -> None:
    told = explained(Decision(status="undecided", key=None, rule="majority", used=()), Counter(), "vote", chosen=False)
    words = "\n".join("".join(text for text, _ in line) for line in told)
    for one in evidence():
        assert one.reads in words
        assert all(found.arm in words for found in one.arms)
