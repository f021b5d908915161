"""Peers as the settings seat them."""

from __future__ import annotations

import pytest

from waggledance import NobodyAnswered, Swarm
from waggledance.cli._config import in_force
from waggledance.cli._seating import seat, tables
from waggledance.models import Scripted
from waggledance.protocols import Vote
from waggledance.testing import on_virtual_time


def asked(patience_s: float) -> str | None:
    """Return what one peer answers, whose model takes 200 s."""
    force = in_force({"ask.peers": 1, "ask.model": ("slow",), "ask.patience_s": patience_s}, env={})
    slow = Scripted("Answer: 4", delay_s=200)

    async def ask() -> str | None:
        swarm = Swarm(seat(tables(force), {"slow": slow}, force, human=False).peers, protocol=Vote(patience_s=400))
        return (await swarm.ask("2 + 2?", expects="number")).key

    return on_virtual_time(ask())


def test_who_is_patient_waits_for_a_slow_models_answer() -> None:
    assert asked(patience_s=300) == "4"


def test_little_patience_with_a_round_cuts_no_answer_off_earlier_than_usual() -> None:
    with pytest.raises(NobodyAnswered, match="no answer within 120 s"):
        asked(patience_s=1)
