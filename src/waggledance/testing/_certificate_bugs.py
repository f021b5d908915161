"""Certifiers that are wrong on purpose: what a search must find, to be believed when it finds nothing."""

from __future__ import annotations

from typing import Any

from waggledance.consensus import Ack, Certifier
from waggledance.consensus._claims import Found
from waggledance.core import Body


class OnePhaseAcrossEpochs(Certifier):
    """Acks at once what it recomputed, in every epoch anew."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._signs_first = Ack

    def _ack(self, said: list[Body]) -> None:
        """Say nothing: it has acked already."""


class CarriesTheHighestAck(OnePhaseAcrossEpochs):
    """The same, but claims what has the latest ack that it has seen."""

    def _to_claim(self) -> Found | None:
        acked = sorted(self._ballots.acks.signed, reverse=True)
        carried = next((found for _, digest in acked if (found := self._claims.found(digest)) is not None), None)
        return carried or self._claims.propose()


class ForgetsItsLock(Certifier):
    """Preps whatever it recomputed, locked or not."""

    def _allows(self, digest: bytes) -> bool:
        return True
