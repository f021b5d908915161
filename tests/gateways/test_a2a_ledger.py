"""Tasks are kept, paged from the newest, and forgotten when they are old; a file that cannot be used says so."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import RunFailed
from waggledance.gateways import _a2a_ledger
from waggledance.gateways._a2a_ledger import WORKING, Entry, Ledger

DONE = 3


def entry(id: str, *, at_ms: int = 0, state: int = DONE, context: str = "c", caller: str = "ada") -> Entry:
    return Entry(id=id, swarm="s", caller=caller, context=context, state=state, changed_ms=at_ms, task=id.encode())


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([WORKING, DONE]), st.sampled_from("cd")), max_size=12),
    size=st.integers(1, 5),
    state=st.sampled_from([0, WORKING, DONE]),
    context=st.sampled_from(["", "c", "d"]),
)
@settings(max_examples=60)
def test_pages_together_are_what_a_plain_sort_gives(
    rows: list[tuple[int, int, str]], size: int, state: int, context: str
) -> None:
    ledger, kept = Ledger(None), list[Entry]()
    for i, (at_ms, of, within) in enumerate(rows):
        ledger.write(entry(str(i), at_ms=at_ms, state=of, context=within))
        ledger.write(entry(f"x{i}", caller="eve"))
        found = ledger.find(str(i))
        assert found is not None
        kept.append(found)
    wanted = [e for e in kept if state in (0, e.state) and context in ("", e.context)]
    wanted.sort(key=lambda e: (e.changed_ms, e.place), reverse=True)
    seen: list[Entry] = []
    while True:
        after = (seen[-1].changed_ms, seen[-1].place) if seen else None
        page, total = ledger.page("s", "ada", size=size, state=state, context=context, after=after)
        assert (total, len(page) <= size) == (len(wanted), True)
        if not page:
            break
        seen += page
    assert seen == wanted
    ledger.close()


def test_the_oldest_of_very_many_are_forgotten_and_none_that_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_a2a_ledger, "MAX_ENDED", 5)
    ledger = Ledger(None)
    ledger.write(entry("working", state=WORKING))
    for i in range(99):
        ledger.write(entry(str(i), at_ms=i))
        ledger.push_to(str(i), "hook", b"there")
    assert [e.id for e in ledger.page("s", "ada", size=9)[0]] == ["98", "97", "96", "95", "94", "working"]
    assert (ledger.pushes("93"), ledger.pushes("94")) == ({}, {"hook": b"there"})
    assert [e.id for e in ledger.unfinished()] == ["working"]
    ledger.close()


def test_what_is_kept_is_there_again_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "tasks"
    first = Ledger(file)
    first.write(entry("a", state=WORKING))
    first.opened("a", "q1")
    first.close()
    again = Ledger(file)
    found = again.find("a")
    assert found is not None
    assert (found.channel, found.task) == ("q1", b"a")
    again.write(entry("b"))
    assert [e.id for e in again.page("s", "ada", size=9)[0]] == ["b", "a"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again.close()


def test_a_file_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"no database at all, but long enough to look like one" * 20)
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute("PRAGMA user_version=99")
    newer.close()
    for name, why in (("damaged", "cannot be read"), ("newer", "newer version"), ("no/folder", "cannot be read")):
        with pytest.raises(RunFailed, match=why):
            Ledger(tmp_path / name)
