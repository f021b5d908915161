"""Records: every peer's calibration table from the questions of a history whose answer became known."""

from __future__ import annotations

from waggledance.consensus._answer_model import UNKNOWN
from waggledance.consensus._calibration import Table
from waggledance.consensus._history import NONE, History, Ints
from waggledance.core import PeerId, UsageError


def records(history: History, known: Ints) -> dict[PeerId, Table]:
    """Return what each peer stated and whether it was right, for `CalibratedLogOdds`.

    Questions whose answer is not known and peers' missing answers are left out; a peer that answered no settled
    question has an empty table, with which log-odds falls back to majority and says so.

    Args:
        history: m questions, n peers.
        known: shape (m,), codes of true answers, as `History.known` gives.

    Raises:
        UsageError: `known` has another length than the history.

    >>> ann = PeerId(b"ann")
    >>> history = History.of([{ann: "4"}, {ann: "5"}], [{ann: 900_000}, {ann: 900_000}])
    >>> records(history, history.known(["4", "6"]))[ann].counts(900_000)
    (1, 1)
    """
    if known.shape != (len(history.questions),):
        raise UsageError(f"known has one entry a question: {len(history.questions)}, got shape {known.shape}")
    right = history.codes == known[:, None]
    settled = (history.codes != NONE) & (known != UNKNOWN)[:, None]
    tables: dict[PeerId, Table] = {}
    for p, peer in enumerate(history.peers):
        rows = settled[:, p]
        stated: list[int] = history.confidence_ppm[rows, p].tolist()
        was_right: list[bool] = right[rows, p].tolist()
        pairs = zip(stated, was_right, strict=True)
        tables[peer] = Table.fit((None if ppm == NONE else ppm, hit) for ppm, hit in pairs)
    return tables
