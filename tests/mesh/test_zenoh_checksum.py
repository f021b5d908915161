from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.mesh._zenoh_checksum import checked, with_checksum


@settings(max_examples=60)
@given(st.binary(max_size=300), st.data())
def test_a_datagram_of_which_a_burst_of_bits_was_altered_is_not_handed_on(datagram: bytes, data: st.DataObject) -> None:
    carried = with_checksum(datagram)
    assert checked(carried) == datagram
    at = data.draw(st.integers(0, len(carried) - 4))
    burst = data.draw(st.binary(min_size=4, max_size=4).filter(lambda burst: burst != carried[at : at + 4]))
    assert checked(carried[:at] + burst + carried[at + 4 :]) is None


def test_a_datagram_that_ends_in_parts_of_others_is_not_handed_on() -> None:
    half_written, behind = with_checksum(bytes(4000))[:2435], with_checksum(b"another" * 100)
    assert checked(half_written + behind) is None
    assert checked((half_written + behind)[:4004]) is None


def test_what_is_too_short_for_a_checksum_is_not_handed_on() -> None:
    assert [checked(carried) for carried in (b"", b"a", b"abc")] == [None, None, None]
    assert checked(with_checksum(b"")) == b""
