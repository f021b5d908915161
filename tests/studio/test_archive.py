"""What is read of a log: of a long channel no more than was asked for, and the same in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from waggledance.core import MessageId, Proposal, UnknownName
from waggledance.studio import Studio, _conversation
from waggledance.studio._archive import Archive

LONG = 18
"""Messages in a debate of five."""


@pytest.fixture
def long(log: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a log whose channel counts as a long one."""
    monkeypatch.setattr("waggledance.studio._archive.READ_AT_ONCE", LONG - 1)
    return log


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the arrival numbers of the rows of channels that were decoded."""
    rows: list[int] = []
    was = _conversation.opened

    def opened(row: Any) -> Any:
        rows.append(row.arrival)
        return was(row)

    monkeypatch.setattr(_conversation, "opened", opened)
    return rows


def test_a_long_channels_first_page_reads_no_more_than_it_shows(long: Path, served: Any, decoded: list[int]) -> None:
    with served(Studio(long)) as client:
        name = client.get("/api/channels").json()["channels"][0]["name"]
        first = client.get(f"/api/channels/{name}?limit=5").json()
        assert len(decoded) == 5
        assert (first["total"], first["next"], first["decision"]) == (LONG, 5, None)
        assert first["broken"] is None
        assert [member["name"] for member in first["members"]] == ["p0", "p1", "p2", "p3", "p4"]
        rest = client.get(f"/api/channels/{name}?from=5").json()
    assert len(decoded) == LONG, "and nothing twice"
    assert (rest["total"], rest["next"], rest["decision"]["answer"]) == (LONG, None, "4")
    assert [m["n"] for m in (*first["messages"], *rest["messages"])] == list(range(LONG))


def test_a_page_that_ends_where_the_channel_does_is_the_last(long: Path, served: Any) -> None:
    with served(Studio(long)) as client:
        name = client.get("/api/channels").json()["channels"][0]["name"]
        page = client.get(f"/api/channels/{name}?limit={LONG}").json()
    assert (page["next"], page["decision"]["answer"]) == (None, "4")


def test_a_first_page_is_sent_anew_once_the_decision_is_known(long: Path, served: Any) -> None:
    with served(Studio(long)) as client:
        name = client.get("/api/channels").json()["channels"][0]["name"]
        path = f"/api/channels/{name}?limit=5"
        mark = {"if-none-match": client.get(path).headers["etag"]}
        assert client.get(path, headers=mark).status_code == 304
        client.get(f"/api/channels/{name}")
        assert client.get(path, headers=mark).json()["decision"]["answer"] == "4"


def test_a_message_of_a_channel_that_nobody_read_is_found_alone(long: Path, decoded: list[int]) -> None:
    archive = Archive(long)
    archive.refresh()
    (name,) = archive.index.names()
    ids = [message.id for message in archive.drawn(name).conversation.came]
    other = Archive(long)
    other.refresh()
    decoded.clear()
    for id in (ids[0], ids[-1]):
        message = other.message(name, id)
        assert message is not None
        assert message.id == id
    assert decoded == []
    assert other.message(name, MessageId(bytes(32))) is None
    with pytest.raises(UnknownName, match="channel"):
        other.message("none", ids[0])
    archive.close()
    other.close()


def test_who_follows_a_long_channel_from_its_beginning_hears_all_of_it_and_the_decision(
    long: Path, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waggledance.studio._live.MESSAGES_AT_ONCE", 4)
    with served(Studio(long)) as client:
        name = client.get("/api/channels").json()["channels"][0]["name"]
        events = [line for line in client.get(f"/api/channels/{name}/live").text.splitlines() if "event: " in line]
    assert events == ["event: message"] * LONG + ["event: decision", "event: end"]


def test_an_id_is_held_once_however_many_messages_name_it(log: Path) -> None:
    archive = Archive(log)
    archive.refresh()
    (name,) = archive.index.names()
    conversation = archive.drawn(name).conversation
    named = 0
    for message in conversation.came:
        refs = message.body.refs if isinstance(message.body, Proposal) else ()
        for id in (*message.parents, *refs, *(() if message.previous is None else (message.previous,))):
            assert id is conversation.messages[id].id
            named += 1
    assert named > LONG
    archive.close()
