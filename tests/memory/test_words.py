"""Search by words: a query is data."""

from __future__ import annotations

from unicodedata import combining, normalize

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from waggledance.memory import Record, RecordStore
from waggledance.memory._words import words_of


def bare(word: str) -> str:
    """Return a word without accents, which do not matter."""
    return "".join(letter for letter in normalize("NFD", word) if not combining(letter))


@example(query="ÀN")
@given(query=st.text(max_size=80) | st.text(alphabet="\"'*^:(){}[]-+ANDORNEARkey,0 \x00", max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_query_raises_or_finds_what_none_of_its_words_stand_in(query: str) -> None:
    with RecordStore() as store:
        store.put(Record.of("finding", "key one", "an apple"))
        store.put(Record.of("finding", "other", "zebra"))
        if not query.strip():
            return
        found = {f.kept.record.key for f in store.search(query, mode="words")}
        words = {bare(word) for word in words_of(query)}
        assert "other" not in found or words & {"other", "zebra"}
        assert "key one" not in found or words & {"key", "one", "an", "apple"}


@pytest.mark.parametrize(
    "query",
    ['NEAR("ada lovelace", 1)', "key:lovelace", "lovelace*", "^lovelace", "NOT lovelace", '"lovelace', "lovelace"],
)
def test_what_is_an_operator_to_fts5_means_nothing_here(query: str) -> None:
    with RecordStore() as store:
        store.put(Record.of("finding", "who", "Ada Lovelace"))
        store.put(Record.of("finding", "lovelaces", "another word that only begins alike"))
        assert [f.kept.record.key for f in store.search(query, mode="words")] == ["who"]


def test_names_and_numbers_are_found_exactly_and_accents_do_not_matter() -> None:
    with RecordStore() as store:
        for number in range(300):
            store.put(Record.of("finding", f"invoice {4000 + number}", "the same words in every one"))
        store.put(Record.of("finding", "café Zürich"))
        assert [f.kept.record.key for f in store.search("invoice 4123", k=1, mode="words")] == ["invoice 4123"]
        assert store.search("cafe zurich", k=1, mode="words")[0].kept.record.key == "café Zürich"


def test_a_word_of_every_record_still_counts_where_there_is_no_rarer_one() -> None:
    with RecordStore() as store:
        for number in range(30):
            store.put(Record.of("finding", f"apple {number}"))
        assert len(store.search("apple", k=40, mode="words")) == 30
