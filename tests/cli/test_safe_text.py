"""Texts from models reach no terminal as commands."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from waggledance.cli._safe_text import first_sentence, one_line, safe, safe_json


@given(st.text(max_size=200))
def test_no_control_or_direction_character_is_left(text: str) -> None:
    for made, allowed in ((safe(text), "\n"), (one_line(text), ""), (first_sentence(text), "")):
        assert not [c for c in made if unicodedata.category(c) in ("Cc", "Cs") and c not in allowed]
        assert not set(made) & set("\u202a\u202e\u2066\u2069\u200e\ufeff")
        made.encode()


@given(st.text(max_size=400), st.integers(2, 60))
def test_one_line_is_one_line_and_no_longer_than_asked(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_made_safe_means_the_same_and_hides_nothing(value: object) -> None:
    made = safe_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(made) == value
    assert not [c for c in made if unicodedata.category(c) in ("Cc", "Cs")]


def test_a_sentence_ends_where_a_reader_would_end_it() -> None:
    assert first_sentence("It is 3.5 metres. Then more.") == "It is 3.5 metres."
    assert first_sentence("Mr. Holmes did it. Did he?") == "Mr. Holmes did it."
    assert first_sentence("no end at all") == "no end at all"
    assert first_sentence("All but nine ran\naway! So 9.") == "All but nine ran away!"
