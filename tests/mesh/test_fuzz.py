"""Bytes from anybody, drawn and changed: nothing crashes, nothing is accepted in a second form, no state goes wrong.

The laws stand in `benchmarks/fuzz.py`, which also drives them with atheris where that is installed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loading import load
from waggledance.core import PeerFault, frame
from waggledance.core._message import decode

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"


FUZZ = load(PROGRAM)
SAMPLES: dict[str, list[bytes]] = {target: FUZZ.samples(target) for target in FUZZ.TARGETS}
Checks = dict[str, Callable[[bytes], None]]


@pytest.fixture(scope="module")
def checks() -> Iterator[Checks]:
    with FUZZ.laws() as laws:
        yield laws


@pytest.mark.parametrize("target", SAMPLES)
def test_valid_samples_are_taken(checks: Checks, target: str) -> None:
    for sample in SAMPLES[target]:
        checks[target](sample)


@pytest.mark.parametrize("target", SAMPLES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.differing_executors])
@given(data=st.binary(max_size=300))
def test_whatever_bytes_come_no_law_breaks(checks: Checks, target: str, data: bytes) -> None:
    checks[target](data)


@pytest.mark.parametrize("target", SAMPLES)
@settings(max_examples=300, suppress_health_check=[HealthCheck.differing_executors])
@given(seed=st.integers(0, 2**64))
def test_whatever_is_changed_in_what_is_valid_no_law_breaks(checks: Checks, target: str, seed: int) -> None:
    rng = Random(seed)
    checks[target](FUZZ.changed(rng.choice(SAMPLES[target]), SAMPLES[target], rng))


def test_a_live_node_keeps_what_is_valid_among_all_that_is_not() -> None:
    live, rng = FUZZ.Live(), Random(1)
    with closing(live):
        for _ in range(1_000):
            live.take(FUZZ.changed(rng.choice(SAMPLES["datagram"]), SAMPLES["datagram"], rng))
        for sample in SAMPLES["datagram"]:
            live.take(sample)
    node = live.node
    assert [message.body.text for message in node.lobby.copy.messages()] == ["grüezi"]
    assert node.refusals().total() > 500
    assert node.refusals().keys() <= {
        "malformed", "signature", "stranger", "version", "oversize", "not-canonical", "limits", "swarm", "channel",
        "rate", "opening", "chain",
    }  # fmt: skip


def test_a_reader_that_takes_a_second_form_is_found_out(checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    def lenient(received: bytes) -> Any:
        try:
            raw, signature = FUZZ.msgspec.msgpack.decode(received, type=tuple[bytes, bytes])
            return decode(raw, signature)
        except FUZZ.msgspec.DecodeError as why:
            raise PeerFault("malformed", "no frame") from why

    monkeypatch.setattr(FUZZ, "open_frame", lenient)
    [note, _] = SAMPLES["frame"]
    second = b"\x92" + note[1:].replace(b"\xc4", b"\xc5\x00", 1)  # the same with a longer header
    assert frame(lenient(second)) == note != second
    with pytest.raises(AssertionError, match="two frames"):
        checks["frame"](second)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_minute_of_fuzzing_breaks_no_law() -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--seconds", "60"], capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.splitlines()[-1].split()[1].replace(",", "")) > 100_000
