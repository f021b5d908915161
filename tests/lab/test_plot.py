"""The picture of a report, and its files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waggledance.core import UsageError
from waggledance.lab import Arm, QuestionSet, RecordedCrowd, Report, compare
from waggledance.lab._keep import keep
from waggledance.lab._plot import plot

Planted = Callable[..., QuestionSet]


async def made(planted: Planted, folder: Path, chars: int | None) -> Report:
    recorded = planted(20, {"a": 0.9, "b": 0.6, "c": 0.4}, samples=4, chars=chars)
    crowd = RecordedCrowd(recorded.answers)
    arms = [Arm("vote", crowd), Arm("vote of two samples, with a name that is long", crowd, "vote(samples=2)")]
    return await compare(arms, recorded.tasks(), score=recorded.score, folder=folder)


@pytest.mark.parametrize("chars", [200, None])
async def test_a_picture_is_drawn_with_and_without_prices(planted: Planted, tmp_path: Path, chars: int | None) -> None:
    pytest.importorskip("matplotlib")
    report = await made(planted, tmp_path, chars)
    plot(report, tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


async def test_arms_of_one_cost_stand_side_by_side_and_no_name_covers_another(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = pytest.importorskip("matplotlib.figure")
    recorded = planted(20, {"a": 0.9, "b": 0.6, "c": 0.4}, samples=4, chars=200)
    crowd = RecordedCrowd(recorded.answers)
    arms = [Arm(f"the same vote once more, number {n}", crowd) for n in range(5)]
    report = await compare(arms, recorded.tasks(), score=recorded.score, folder=tmp_path)
    drawn: list[Any] = []
    monkeypatch.setattr(figure.Figure, "savefig", lambda self, *_, **__: drawn.append(self))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    plot(report, tmp_path / "p.png")
    (axes,), renderer = drawn[0].axes, drawn[0].canvas.get_renderer()
    names = {text.get_text(): text for text in axes.texts}
    assert names.keys() >= {arm.name for arm in arms}
    assert len({names[arm.name].xy[0] for arm in arms}) == 5
    boxes = [text.get_window_extent(renderer) for text in names.values()]
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    assert "1 for each read and 4 for each written" in axes.get_xlabel()  # nobody gave prices, so these are no dollars


async def test_without_matplotlib_all_else_is_kept_and_a_sentence_says_what_to_install(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await made(planted, tmp_path, 200)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r"pip install"):
        plot(report, tmp_path / "p.png")
    (sentence,) = keep(report, tmp_path)
    assert "-m pip install " in sentence
    assert "[lab]" in sentence
    assert (tmp_path / "report.md").read_text() == report.markdown()
    assert (tmp_path / "report.json").read_bytes() == report.to_json()
