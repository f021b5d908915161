"""A turn of a conversation: bounded, and never empty."""

from __future__ import annotations

from typing import Any

import pytest

from waggledance.core import Part, Say, UsageError, local_peer_id

ADA = local_peer_id("ada")
PART = Part(type="text/plain", text="four")


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        ({}, "nothing is said"),
        ({"text": " \n"}, "nothing is said"),
        ({"text": "a" * 16_001}, "split it"),
        ({"parts": (PART,) * 17}, "at most 16 parts"),
        ({"text": "a", "to": (ADA, ADA)}, "twice"),
        ({"text": "cafe\u0301"}, "NFC"),
    ],
)
def test_a_turn_that_breaks_a_rule_is_not_born(given_: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Say(**given_)


def test_parts_alone_say_something() -> None:
    assert Say(parts=(PART,)).words == "[text/plain] four"
