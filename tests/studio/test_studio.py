"""The studio over real HTTP: what it shows of a log, and whom it lets look and change."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from waggledance.core import UNIT, Log, MessageId, Opening, Proposal, compose, local_peer_id, swarm_id
from waggledance.protocols import Debate
from waggledance.studio import Studio
from waggledance.topology import Ring


def first_channel(client: httpx.Client) -> str:
    name: str = client.get("/api/channels").json()["channels"][0]["name"]
    return name


def author_of(channel: dict[str, Any], n: int) -> str:
    """Return the id of who wrote the message at a place: it stands in the author's first one."""
    author: dict[str, str] | int = channel["messages"][n]["author"]
    first: dict[str, str] = channel["messages"][author]["author"] if isinstance(author, int) else author
    return first["id"]


def by_kind(channel: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [message for message in channel["messages"] if message["kind"] == kind]


def test_channels_are_listed_the_newest_first(log: Path, served: Any, asked: Any) -> None:
    with served(Studio(log)) as client:
        asked(log, "3 + 3?")
        found = client.get("/api/channels").json()
    assert [line["question"] for line in found["channels"]] == ["3 + 3?", "2 + 2?"]
    assert found["total"] == 2
    assert found["broken"] is None
    line = found["channels"][1]
    assert (line["protocol"], line["topology"], line["rule"]) == ("debate", "complete", "majority")
    assert (line["status"], line["answer"], line["live"]) == ("decided", "4", False)


def test_a_channel_holds_what_was_asked_said_and_decided(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        channel = client.get(f"/api/channels/{first_channel(client)}").json()
    assert channel["opening"]["question"] == "2 + 2?"
    assert [member["name"] for member in channel["members"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert [message["n"] for message in channel["messages"]] == list(range(channel["total"]))
    assert channel["decision"]["answer"] == "4"
    assert [(s["key"], s["share_ppm"], len(s["peers"])) for s in channel["decision"]["support"]] == [
        ("4", 800_000, 4),
        ("5", 200_000, 1),
    ]
    assert [dissent["name"] for dissent in channel["decision"]["dissent"]] == ["p0"]
    assert channel["hearing"] == {"everyone": True, "of": {}}


def test_a_message_stands_after_everything_that_it_builds_on(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        messages = client.get(f"/api/channels/{first_channel(client)}").json()["messages"]
    with Log(log) as kept:
        place = {message["id"]: message["n"] for message in messages}
        for message in kept.read(next(iter(kept.names()))):
            n = place[message.id.hex()]
            built_on = [*([message.previous] if message.previous else []), *message.parents]
            assert [n - back for back in messages[n].get("parents", [])] == [place[id.hex()] for id in built_on]
            assert all(back > 0 for back in messages[n].get("parents", []))


def test_a_message_that_a_channel_lacks_is_named_by_its_id(tmp_path: Path, served: Any) -> None:
    me, lost = local_peer_id("p"), Proposal(key="4", refs=(MessageId(bytes(32)),))
    with Log(tmp_path / "log.db") as log:
        log.append(*compose(me, lost, 1, None, (), 1, 5, swarm_id("s"), "c"))
    with served(Studio(tmp_path / "log.db")) as client:
        (message,) = client.get("/api/channels/c").json()["messages"]
    assert message["refs"] == ["00" * 32]
    assert "parents" not in message, "what is empty is left out"
    assert "cost" not in message


def test_a_first_answer_heard_nobody_and_a_second_one_whom_the_topology_let_it(
    tmp_path: Path, served: Any, asked: Any
) -> None:
    asked(tmp_path / "log.db", protocol=Debate(rounds=1, topology=Ring(1)))
    with served(Studio(tmp_path / "log.db")) as client:
        channel = client.get(f"/api/channels/{first_channel(client)}").json()
    proposals = by_kind(channel, "proposal/1")
    assert not any("refs" in message for message in proposals if message["round"] == 0)
    second = [message for message in proposals if message["round"] == 1]
    assert len(second) == 5
    for message in second:
        me, *heard = (author_of(channel, message["n"] - back) for back in (0, *message["refs"]))
        assert sorted({*heard} - {me}) == sorted(channel["hearing"]["of"][me])
    assert not channel["hearing"]["everyone"]


def test_a_message_opened_shows_its_body_and_its_size(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        name = first_channel(client)
        message = by_kind(client.get(f"/api/channels/{name}").json(), "proposal/1")[0]
        whole = client.get(f"/api/messages/{name}/{message['id']}").json()
    assert {field: whole[field] for field in ("id", "kind", "text")} == {
        field: message[field] for field in ("id", "kind", "text")
    }
    assert whole["body"]["key"] == message["key"]
    assert whole["raw_bytes"] > 200
    assert whole["signed"] is False
    assert whole["exchanges"] == []


@pytest.mark.parametrize("path", ["/api/channels/none", "/api/channels/none/live", "/api/messages/none/00", "/x.js"])
def test_what_is_not_there_is_404_with_what_why_and_what_to_do(log: Path, served: Any, path: str) -> None:
    with served(Studio(log)) as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"what", "why", "do"}


@pytest.mark.parametrize("query", ["from=-1", "from=x", "limit=99999999", "limit=1e3", "from=²", "limit=" + "9" * 400])
def test_a_page_that_makes_no_sense_is_refused(log: Path, served: Any, query: str) -> None:
    with served(Studio(log)) as client:
        answer = client.get(f"/api/channels/{first_channel(client)}?{query}")
    assert answer.status_code == 400
    assert "a number from 0" in answer.json()["error"]["why"]


def test_pages_put_together_are_the_channel(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        name = first_channel(client)
        whole = client.get(f"/api/channels/{name}").json()
        pages, at = [], 0
        while at is not None:
            page = client.get(f"/api/channels/{name}?from={at}&limit=7").json()
            pages += page["messages"]
            at = page["next"]
    assert whole["next"] is None
    assert pages == whole["messages"]


def test_a_text_with_html_in_it_comes_as_json_and_nothing_else(tmp_path: Path, served: Any, asked: Any) -> None:
    evil = "<script>alert(1)</script>"
    asked(tmp_path / "log.db", evil)
    with served(Studio(tmp_path / "log.db")) as client:
        answers = [client.get(path) for path in ("/api/channels", f"/api/channels/{first_channel(client)}")]
    for answer in answers:
        assert evil in answer.text
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_answer_forbids_what_a_page_must_not_do(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        answers = [client.get(path) for path in ("/", "/api/channels", "/api/none", "/api/channels/none")]
        answers.append(client.post("/api/pins", json={}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "data:" not in policy
        assert answer.headers["x-frame-options"] == "DENY"


def test_what_the_browser_has_already_is_not_sent_again(log: Path, served: Any, asked: Any) -> None:
    with served(Studio(log)) as client:
        mark = client.get("/api/channels").headers["etag"]
        again = client.get("/api/channels", headers={"if-none-match": mark})
        asked(log, "5 + 5?")
        anew = client.get("/api/channels", headers={"if-none-match": mark})
    assert again.status_code == 304
    assert again.content == b""
    assert anew.status_code == 200


def test_a_log_that_is_not_there_yet_is_shown_empty_and_then_as_it_grows(
    tmp_path: Path, served: Any, asked: Any
) -> None:
    with served(Studio(tmp_path / "log.db")) as client:
        assert client.get("/api/channels").json()["channels"] == []
        asked(tmp_path / "log.db")
        assert len(client.get("/api/channels").json()["channels"]) == 1


def test_a_log_that_is_replaced_or_vanishes_is_shown_as_it_is(
    log: Path, tmp_path: Path, served: Any, asked: Any
) -> None:
    with served(Studio(log)) as client:
        before = first_channel(client)
        asked(tmp_path / "other.db", "7 + 7?")
        (tmp_path / "other.db").replace(log)
        assert client.get("/api/channels").json()["channels"][0]["question"] == "7 + 7?"
        assert client.get(f"/api/channels/{before}").status_code == 404
        log.unlink()
        gone = client.get("/api/channels").json()
    assert "not there any more" in gone["broken"]
    assert [line["question"] for line in gone["channels"]] == ["7 + 7?"]


def test_a_channel_without_an_opening_is_shown_and_it_is_said(tmp_path: Path, served: Any) -> None:
    me = local_peer_id("p")
    with Log(tmp_path / "log.db") as log:
        log.append(*compose(me, Proposal(key="4"), 1, None, (), 1, 5, swarm_id("s"), "lost"))
    with served(Studio(tmp_path / "log.db")) as client:
        assert client.get("/api/channels").json()["channels"][0]["status"] == "unfinished"
        channel = client.get("/api/channels/lost").json()
    assert "no opening" in channel["broken"]
    assert channel["messages"][0]["key"] == "4"
    assert channel["decision"] is None
    assert channel["messages"][0]["author"]["name"] == me.hex()[:8]


def test_a_kind_that_nobody_knows_is_shown_as_such(tmp_path: Path, served: Any) -> None:
    class Sting(Proposal, frozen=True):
        kind = "sting/7"

    from waggledance.core._message import KINDS

    message, raw = compose(local_peer_id("p"), Sting(key="9"), 1, None, (), 1, 5, swarm_id("s"), "c")
    del KINDS["sting/7"]
    with Log(tmp_path / "log.db") as log:
        log.append(message, raw)
    with served(Studio(tmp_path / "log.db")) as client:
        channel = client.get("/api/channels/c").json()
        whole = client.get(f"/api/messages/c/{channel['messages'][0]['id']}").json()
    assert channel["newer"] is True
    assert channel["messages"][0]["kind"] == "sting/7"
    assert "does not know" in channel["messages"][0]["text"]
    assert whole["body"]["fields"]["key"] == "9"


def test_a_message_that_was_tampered_with_is_left_out_and_it_is_said(log: Path, served: Any) -> None:
    with closing(sqlite3.connect(log, isolation_level=None)) as connection:
        [raw] = connection.execute("SELECT raw FROM messages WHERE kind = 'proposal/1' AND arrival = 3").fetchone()
        assert raw.count(b"\xa14") == 2, "its key and its text"
        connection.execute("UPDATE messages SET raw = ? WHERE arrival = 3", (raw.replace(b"\xa14", b"\xa19"),))
    with served(Studio(log)) as client:
        channel = client.get(f"/api/channels/{first_channel(client)}").json()
    assert "are not what was written" in channel["broken"]
    assert channel["total"] == 17


def test_words_are_found_in_any_case_and_in_any_language(tmp_path: Path, served: Any, asked: Any) -> None:
    asked(tmp_path / "log.db", "How many BEES dance in Zürich?", expects="free")
    with served(Studio(tmp_path / "log.db")) as client:

        def hits(q: str, **more: str) -> list[dict[str, str]]:
            found: list[dict[str, str]] = client.get("/api/search", params={"q": q, **more}).json()["hits"]
            return found

        name = first_channel(client)
        assert [hit["channel"] for hit in hits("bees DANCE")] == [name]
        assert "many BEES dance" in hits("bees")[0]["snippet"]
        assert len(hits("ZÜRICH")) == 1
        assert len(hits("in Zürich")) == 1
        assert hits("wasps") == []
        assert hits("dance bees") == [], "as they stand, not word by word"
        assert len(hits("bees", channel=name)) == 1
        assert client.get("/api/search?q=bees&channel=none").status_code == 404
        assert client.get("/api/search?q=").status_code == 400
        assert client.get("/api/search", params={"q": "x" * 201}).status_code == 400


def test_options_name_rules_and_models_that_work_here(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        found = client.get("/api/options").json()
    assert "majority" in found["rules"]
    assert "borda" in found["rules"]


def test_a_mesh_of_nobody_is_empty(log: Path, served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAGGLEDANCE_HOME", str(tmp_path / "home"))
    with served(Studio(log)) as client:
        assert client.get("/api/mesh").json() == {"swarms": []}


def test_a_mesh_is_told_member_by_member_as_a_peer_of_this_machine_sees_it(
    log: Path, served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from waggledance.core import Member
    from waggledance.mesh import Genesis, Home, Seen, Status, new_key, write_status

    monkeypatch.setenv("WAGGLEDANCE_HOME", str(tmp_path / "home"))
    home = Home()
    home.keep_genesis(Genesis(name="bees", members=(Member(new_key(home.key_file("ada")).peer, "ada"),)))
    status = Status(
        swarm="bees", swarm_id="", name="ada", key="", pid=1, at_ms=0, listening=(), links=0, epoch=0, waiting=(),
        members=(Seen("ada", "00", UNIT, "alive"), Seen("ben", "01", 0, "suspect", 2.5)), channels=3, open=0,
        messages=0, answered=0, failed=0, refused={"stranger": 2}, dropped={}, alarms=("full",),
    )  # fmt: skip
    home.peer("bees", "ada").folder.mkdir(parents=True)
    write_status(home.peer("bees", "ada").status, status)
    with served(Studio(log)) as client:
        (swarm,) = client.get("/api/mesh").json()["swarms"]
    assert swarm["members"] == [
        {"name": "ada", "weight": UNIT, "state": "alive", "rtt_ms": None},
        {"name": "ben", "weight": 0, "state": "suspect", "rtt_ms": 2.5},
    ]
    assert (swarm["runs"], swarm["channels"], swarm["refused"], swarm["alarms"]) == (
        False,
        3,
        {"stranger": 2},
        ["full"],
    )


def test_what_a_run_may_cost_stands_in_its_channel(tmp_path: Path, served: Any) -> None:
    from waggledance import Swarm
    from waggledance.core import Budget
    from waggledance.peers import FunctionPeer

    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([FunctionPeer(f"p{i}", lambda _: "4") for i in range(3)], log=log)
        swarm.ask_sync("2 + 2?", budget=Budget(calls=20, seconds=1.5, usd=0.25))
        swarm.ask_sync("3 + 3?")
        limited, free = log.names()
    with served(Studio(tmp_path / "log.db")) as client:
        assert client.get(f"/api/channels/{limited}").json()["budget"]["limits"] == {
            "tokens": None,
            "calls": 20,
            "messages": None,
            "seconds": 1.5,
            "usd_micro": 250_000,
        }
        assert client.get(f"/api/channels/{free}").json()["budget"]["limits"] is None


# -- pins -------------------------------------------------------------------------------------------------------


def pinned(client: httpx.Client, note: str = "look") -> dict[str, str]:
    name = first_channel(client)
    id = client.get(f"/api/channels/{name}").json()["messages"][1]["id"]
    return {"channel": name, "id": id, "note": note}


def as_page(client: httpx.Client) -> dict[str, str]:
    """Return what a browser sends with a change, after it was given the token with the page."""
    client.get("/")
    return {"origin": str(client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}


def test_a_pin_is_set_changed_kept_beside_the_log_and_removed(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        ours, pin = as_page(client), pinned(client)
        assert client.post("/api/pins", json=pin, headers=ours).json() == {"pins": [pin]}
        changed = pin | {"note": "again"}
        assert client.post("/api/pins", json=changed, headers=ours).json() == {"pins": [changed]}
    beside = log.with_name("log.db.pins.json")
    assert beside.stat().st_mode & 0o777 == 0o600
    with served(Studio(log)) as client:
        assert client.get("/api/pins").json() == {"pins": [changed]}
        gone = client.delete("/api/pins", params=pin, headers=as_page(client))
        assert gone.json() == {"pins": []}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"channel": "c", "id": "nothex"}', "application/json"),
        (b'{"channel": "c"}', "application/json"),
        (b'{"channel": "c", "id": "' + b"0" * 64 + b'", "note": "' + b"x" * 3_000 + b'"}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"{}", "text/plain"),
        (b" " * (2 << 20), "application/json"),
    ],
)
def test_a_pin_that_is_none_is_refused_and_nothing_is_written(log: Path, served: Any, body: bytes, kind: str) -> None:
    with served(Studio(log)) as client:
        answer = client.post("/api/pins", content=body, headers=as_page(client) | {"content-type": kind})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"what", "why", "do"}
    assert not log.with_name("log.db.pins.json").exists()


def test_pins_that_cannot_be_read_are_said_to_be_so_and_are_not_overwritten(log: Path, served: Any) -> None:
    beside = log.with_name("log.db.pins.json")
    beside.write_text("{broken")
    with served(Studio(log)) as client:
        assert client.get("/api/pins").status_code == 400
        assert client.post("/api/pins", json=pinned(client), headers=as_page(client)).status_code == 400
    assert beside.read_text() == "{broken"


# -- who may ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["evil.example", "evil.example:80", "localhost.evil.example", "10.0.0.7", ""])
def test_a_host_name_that_is_not_ours_is_refused(log: Path, served: Any, name: str) -> None:
    with served(Studio(log)) as client:
        assert client.get("/api/channels", headers={"host": name}).status_code == 421
        assert client.get("/", headers={"host": name}).status_code == 421


@pytest.mark.parametrize("name", ["localhost:9", "LOCALHOST", "127.0.0.1", "[::1]:80"])
def test_the_names_of_this_machine_are_ours(log: Path, served: Any, name: str) -> None:
    with served(Studio(log)) as client:
        assert client.get("/api/channels", headers={"host": name}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_change_from_another_page_is_refused_even_with_the_cookie(
    log: Path, served: Any, headers: dict[str, str]
) -> None:
    with served(Studio(log)) as client:
        client.get("/")
        assert client.post("/api/pins", json=pinned(client), headers=headers).status_code == 403


def test_a_change_needs_the_token_in_cookie_or_header(log: Path, served: Any) -> None:
    studio = Studio(log)
    with served(studio) as client:
        origin, pin = {"origin": str(client.base_url).rstrip("/")}, pinned(client)
        assert client.post("/api/pins", json=pin, headers=origin).status_code == 401
        assert client.post("/api/pins", json=pin, headers={"x-waggle-token": "guess"}).status_code == 401
        assert client.post("/api/pins", json=pin, headers={"x-waggle-token": studio.guard.token}).status_code == 200
        client.get("/")
        assert client.post("/api/pins", json=pin).status_code == 401, "a cookie alone, from nobody knows where"
        assert client.post("/api/pins", json=pin, headers=origin).status_code == 200


def test_a_locked_studio_shows_nothing_without_the_token(log: Path, served: Any) -> None:
    studio = Studio(log, locked=True)
    with served(studio) as client:
        assert client.get("/").status_code == 401
        assert client.get("/api/channels").status_code == 401
        assert client.get("/?token=guess").status_code == 401
        port = client.base_url.port or 0
        assert studio.address("127.0.0.1", port).endswith(f":{port}/?token={studio.guard.token}")
        entered = client.get(f"/?token={studio.guard.token}")
        assert entered.status_code == 303
        assert entered.headers["location"] == "/"
        assert "HttpOnly" in entered.headers["set-cookie"]
        assert client.get("/").status_code == 200
        assert client.get("/api/channels").status_code == 200


def test_what_others_can_reach_is_locked(log: Path) -> None:
    assert Studio(log, host="0.0.0.0").guard.locked
    assert Studio(log, host="192.168.1.5").guard.locked
    assert not Studio(log, host="localhost").guard.locked
    assert not Studio(log, host="::1").guard.locked


def test_the_page_is_not_left_by_any_path(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        for path in (
            "/../_page.py",
            "/%2e%2e/_page.py",
            "/assets/../../_page.py",
            "/assets/%2e%2e%2f%2e%2e%2f_page.py",
        ):
            answer = client.get(path)
            assert answer.status_code == 404, path
            assert "def page" not in answer.text


def test_an_opening_of_a_question_of_choice_has_its_options(tmp_path: Path, served: Any) -> None:
    from waggledance import Swarm
    from waggledance.core import Question
    from waggledance.peers import FunctionPeer

    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([FunctionPeer(f"p{i}", lambda _: "B") for i in range(3)], log=log)
        swarm.ask_sync(Question(text="Which?", expects="choice", options=("bees", "wasps")))
        (name,) = log.names()
        assert isinstance(log.read(name)[0].body, Opening)
    with served(Studio(tmp_path / "log.db")) as client:
        channel = client.get(f"/api/channels/{name}").json()
        assert client.get("/api/channels").json()["channels"][0]["answer"] == "wasps"
    assert channel["opening"]["options"] == ["bees", "wasps"]
    assert (channel["decision"]["key"], channel["decision"]["answer"]) == ("B", "wasps")
