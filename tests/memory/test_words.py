"""Search by words: a query is data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from unicodedata import combining, normalize

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from waggledance.memory import Record, RecordStore
from waggledance.memory import _words as searching
from waggledance.memory._store_file import open_file
from waggledance.memory._words import by_words, query_mark, words_of


def bare(word: str) -> str:
    """Return a word without accents, which do not matter."""
    return "".join(letter for letter in normalize("NFD", word) if not combining(letter))


@example(query="ÀN")
@given(query=st.text(max_size=80) | st.text(alphabet="\"'*^:(){}[]-+ANDORNEARkey,0 \x00", max_size=40))
@settings(max_examples=150)
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


# -- beside the plain way ---------------------------------------------------------------------------------------------

WORDS = ["bee", "hive", "comb", "wax", "rare"]


class Written:
    """A memory of records of few words, and the plain way to search it: weigh whatever matches."""

    def __init__(self, path: Path, texts: Sequence[str]) -> None:
        seen = Counter[str]()
        with RecordStore(path) as store:
            for text in texts:
                seen[text] += 1
                store.put(Record.of("finding", f"time {seen[text]}", text))
        self.connection = open_file(path)
        self.text_of: dict[int, str] = {}
        for row, raw in self.connection.execute("SELECT row, raw FROM records"):
            self.text_of[row] = msgspec.msgpack.decode(raw, type=Record).text

    def plain(self, query: str, matching: str) -> list[int]:
        mark = query_mark(query)
        found = self.connection.execute(
            "SELECT r.row FROM words JOIN records AS r ON r.row = words.rowid WHERE words MATCH ? "
            "ORDER BY words.rank, (r.tie | ?) - (r.tie & ?)",
            (matching, mark, mark),
        )
        return [row for (row,) in found]

    def found(self, query: str, count: int, condition: str = "1") -> list[int]:
        return by_words(self.connection, query, count, condition, ())

    def texts(self, rows: Sequence[int]) -> list[str]:
        return [self.text_of[row] for row in rows]


@pytest.fixture
def few_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let twelve matches be many, and six enough."""
    monkeypatch.setattr(searching, "MAX_MATCHES", 12)
    monkeypatch.setattr(searching, "DRAWN", 6)


said = st.lists(st.lists(st.sampled_from(WORDS[:4]), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=60)
asked = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True)


@given(texts=said, rare=st.integers(0, 3), query=asked, count=st.integers(1, 8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@pytest.mark.usefixtures("few_matches")
def test_a_search_finds_what_the_plain_way_finds_unless_so_many_match_that_some_are_drawn(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], rare: int, query: list[str], count: int
) -> None:
    memory = Written(tmp_path_factory.mktemp("m") / "memory", [*texts, *["rare bee"] * rare])
    stands = {word: len(memory.plain("", f'"{word}"')) for word in query}
    held = {word: n for word, n in stands.items() if n}
    found = memory.found(" ".join(query), count)
    every = memory.plain(" ".join(query), " OR ".join(query))
    assert set(found) <= set(every)
    assert len(found) == len(set(found)) <= count
    if not held:
        assert found == []
    elif min(held.values()) <= 12:
        telling = list[str]()
        for n in sorted(set(held.values())):
            same = [word for word in held if held[word] == n]
            if telling and sum(held[word] for word in telling + same) > 12:
                break
            telling += same
        assert found == memory.plain(" ".join(query), " OR ".join(telling))[:count]
    else:
        whole = memory.plain(" ".join(query), " AND ".join(held))
        assert found[: len(whole)] == whole[:count] or len(whole) > max(12, 2 * count)
        assert len(found) >= min(count, min(held.values()))
        firsts = [set(held) <= set(text.split()) for text in memory.texts(found)]
        assert firsts == sorted(firsts, reverse=True)  # whoever holds all words stands before who does not
    memory.connection.close()


@pytest.mark.usefixtures("few_matches")
def test_what_is_drawn_depends_on_the_records_alone_and_not_on_when_they_came(tmp_path: Path) -> None:
    texts = [f"bee {number}" for number in range(200)]
    found = list[list[str]]()
    for turn in range(3):
        memory = Written(tmp_path / str(turn), texts)
        found.append(memory.texts(memory.found("bee", 5)))
        memory.connection.close()
        Random(turn).shuffle(texts)
    assert len(found[0]) == 5
    assert found[0] == found[1] == found[2]


@pytest.mark.usefixtures("few_matches")
def test_of_common_words_a_long_record_that_holds_all_comes_before_short_ones_that_repeat_one(tmp_path: Path) -> None:
    both = "bee hive" + " wax" * 20
    memory = Written(tmp_path / "memory", ["bee bee bee"] * 30 + ["hive hive hive"] * 30 + [both] * 2)
    assert memory.texts(memory.found("bee hive", 2)) == [both, both]
    assert both not in memory.texts(memory.plain("bee hive", "bee OR hive")[:3])
    memory.connection.close()


@pytest.mark.usefixtures("few_matches")
def test_a_narrow_condition_brings_all_that_meet_it_however_common_the_words(tmp_path: Path) -> None:
    memory = Written(tmp_path / "memory", ["bee hive"] * 300 + ["bee hive comb"] * 3)
    last = "r.row > 300"
    assert sorted(memory.texts(memory.found("bee hive", 10, last))) == ["bee hive comb"] * 3
    assert len(memory.found("bee", 10, "r.row > 295")) == 8
    for query in ("bee", "bee hive"):
        assert len(memory.found(query, 30, "r.row > 250")) == 30
    memory.connection.close()


@pytest.mark.usefixtures("few_matches")
def test_every_record_has_its_chance_to_be_drawn(tmp_path: Path) -> None:
    """And the chance is the same: of 240, some 12 are drawn, by hashes of their own."""
    times = Counter[str]()
    for turn in range(12):
        memory = Written(tmp_path / str(turn), [f"bee {turn} x{number}" for number in range(240)])
        times.update(text.split()[2] for text in memory.texts(memory.found("bee", 6)))
        memory.connection.close()
    assert sum(times.values()) == 72
    assert max(times.values()) <= 4


@pytest.mark.parametrize("query", ["café tea", "tea CAFÉ nothing"])
@pytest.mark.usefixtures("few_matches")
def test_a_rare_word_that_the_index_spells_otherwise_is_rare_all_the_same(tmp_path: Path, query: str) -> None:
    memory = Written(tmp_path / "memory", ["tea"] * 100 + ["cafe"])
    assert memory.texts(memory.found(query, 3)) == ["cafe"]
    memory.connection.close()
