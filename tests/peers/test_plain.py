from unicodedata import category, is_normalized

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.peers._plain import line, plain

ANY_TEXT = st.text(st.characters())  # surrogates included


@given(text=ANY_TEXT)
def test_plain_text_has_nothing_that_acts_and_can_be_encoded(text: str) -> None:
    left = plain(text)
    assert is_normalized("NFC", left)
    assert not [c for c in left if category(c) in ("Cc", "Cs") and c not in "\n\t"]
    assert plain(left.encode().decode()) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b]0;owned\x07\x1b[2Jhello", "]0;owned[2Jhello"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u200bb\ufeffc", "abc"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("a\ud800b", "ab"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_characters_that_act_or_hide_are_dropped(text: str, left: str) -> None:
    assert plain(text) == left


@given(text=ANY_TEXT, chars=st.integers(0, 400), bytes=st.integers(4, 400))
def test_plain_text_is_no_longer_than_allowed(text: str, chars: int, bytes: int) -> None:
    left = plain(text * 40, max_chars=chars, max_bytes=bytes)
    assert len(left) <= chars
    assert len(left.encode()) <= bytes


def test_a_long_text_keeps_its_beginning_and_its_end_and_says_so() -> None:
    left = plain("begin " + "x" * 100_000 + " end")
    assert left.startswith("begin ")
    assert left.endswith(" end")
    assert "the middle of a longer text was left out" in left


def test_a_run_of_marks_without_end_is_cut() -> None:
    left = plain("e" + "\u0315\u0300" * 10_000 + "!")
    assert len(left) < 210
    assert left.endswith("…!")
    assert plain(left) == left


@given(text=ANY_TEXT, chars=st.integers(2, 80))
def test_a_line_is_one_line(text: str, chars: int) -> None:
    left = line(text, chars)
    assert "\n" not in left
    assert len(left) <= chars
