"""Price tables."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path

import pytest

from waggledance.core import UsageError
from waggledance.lab import Prices


def test_a_model_without_a_price_counts_one_read_and_four_written() -> None:
    assert Prices({"a": (0.5, 2.0)}).of("b", 100, 10) == 140


def test_a_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text('{"a": [0.5, 2]}')
    assert Prices.read(path).of("a", 100, 10) == 70


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": [1]}', '{"a": ["x", 1]}', '{"a": [-1, 1]}', "{"])
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="price"):
        Prices.read(path)


@pytest.mark.parametrize("price", [nan, inf, -1.0])
def test_a_price_that_is_none_is_refused(price: float) -> None:
    with pytest.raises(UsageError, match="the price of 'a'"):
        Prices({"a": (1.0, price)})


def test_a_table_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Prices.read(tmp_path / "none.json")
