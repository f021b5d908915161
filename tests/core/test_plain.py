"""What a body may be made of: the quick way to see that nothing is out of place says the same as the slow one."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Body, Cut, Note, PeerFault, Proposal
from waggledance.core._message import decode_body
from waggledance.core._plain import check_plain, has_only_text

DECOMPOSED = "e\u0301"


class Measured(Body, frozen=True, kw_only=True):
    kind: ClassVar[str] = "test-measured/1"
    at: float = 0.0
    named: dict[str, str] = {}  # noqa: RUF012  (msgspec copies it)


class Named(Body, frozen=True, kw_only=True):
    kind: ClassVar[str] = "test-named/1"
    name: str = ""


class Nested(Body, frozen=True, kw_only=True):
    kind: ClassVar[str] = "test-nested/1"
    inner: Nested | None = None


def encoded(value: object) -> bytes:
    return msgspec.msgpack.Encoder(order="sorted").encode(value)


def test_bodies_of_text_numbers_and_sequences_are_seen_through_and_others_are_gone_through() -> None:
    assert all(map(has_only_text, (Note, Proposal, Cut, Named)))
    assert not any(map(has_only_text, (Measured, Nested)))


@pytest.mark.parametrize("wrong", [Measured(at=float("inf")), Measured(at=-0.0), Measured(named={"x": DECOMPOSED})])
def test_what_is_out_of_place_in_a_body_of_another_kind_is_refused(wrong: Measured) -> None:
    assert decode_body(wrong.kind, encoded(Measured())) == Measured()
    with pytest.raises(PeerFault, match=r"the float (inf|-0.0)|Unicode form NFC"):
        decode_body(wrong.kind, encoded(wrong))


@pytest.mark.parametrize("text", [DECOMPOSED, "plain", "\u00e9", "\u212b"])
def test_text_in_another_unicode_form_is_refused_in_a_body_that_does_not_look_itself(text: str) -> None:
    raw = encoded(Named(name=text))
    if text in (DECOMPOSED, "\u212b"):
        with pytest.raises(PeerFault, match="Unicode form NFC"):
            decode_body(Named.kind, raw)
    else:
        assert decode_body(Named.kind, raw) == Named(name=text)


@given(name=st.text(max_size=20))
def test_text_is_let_in_exactly_when_going_through_it_finds_nothing(name: str) -> None:
    raw = encoded(Named(name=name))
    plain: Any = msgspec.msgpack.decode(raw)

    def refused(check: Any, *given: Any) -> bool:
        try:
            check(*given)
        except PeerFault:
            return True
        return False

    assert refused(decode_body, Named.kind, raw) == refused(check_plain, plain)
