"""No two names in a room look alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.gateways._chat_names import checked_name, looks_like


@pytest.mark.parametrize("other", ["ADA", "аdа", "а d а", "ada_", "a.d.a", "ａｄａ", "ADA-", "αdα", "ádá"])
def test_what_looks_like_ada_is_adas(other: str) -> None:
    assert looks_like(other) == looks_like("ada")


@pytest.mark.parametrize(("a", "b"), [("swarm", "swann"), ("ada", "ida"), ("bob", "rob"), ("李", "王"), ("ада", "bob")])
def test_names_that_differ_to_the_eye_differ(a: str, b: str) -> None:
    assert looks_like(a) != looks_like(b)


@pytest.mark.parametrize(("a", "b"), [("Ivo", "lvo"), ("bill", "biII"), ("b0b", "bob"), ("tim", "tirn")])
def test_letters_of_one_shape_are_one_letter(a: str, b: str) -> None:
    assert looks_like(a) == looks_like(b)


@pytest.mark.parametrize("name", ["", "  ", "a" * 33, "<b>", "a\u202eb", "a\u200bb", "123", "...", "swаrm", "a;b"])
def test_names_that_could_deceive_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        checked_name(name)


@pytest.mark.parametrize(
    "name", ["ada", "Ada L.", "O'Neil", "Zoë", "Łukasz", "Анна", "李小龙", "さくら", "محمد", "r2-d2", "अनु"]
)
def test_people_are_called_what_they_are_called(name: str) -> None:
    assert checked_name(f"  {name} ") == checked_name(name)


@given(st.text(max_size=40))
def test_a_name_that_is_kept_stays_as_it_is(name: str) -> None:
    try:
        kept = checked_name(name)
    except UsageError:
        return
    assert checked_name(kept) == kept
    assert looks_like(kept)
