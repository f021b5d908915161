"""What tests of protocols share."""

import pytest

from waggledance.core import LoopClock


@pytest.fixture
def stopped_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write every message at one moment, so that ids, and what is drawn by them, are those of the last test run."""
    monkeypatch.setattr(LoopClock, "wall_ms", lambda clock: 0)  # type: ignore[misc]
