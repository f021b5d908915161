"""A replay that is asked for on the page: a new channel, followed like any other; the original stays as it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from waggledance.core import Log, Peer, RunFailed
from waggledance.peers import FunctionPeer
from waggledance.studio import Studio


class Anew:
    """Live peers that all say one thing; counts who is asked."""

    def __init__(self, says: str) -> None:
        self.says, self.asked, self.closed = says, list[tuple[str, str]](), 0

    def __call__(self, name: str, model: str) -> Peer:
        self.asked.append((name, model))
        return FunctionPeer(name, lambda _question: self.says)

    async def close(self) -> None:
        self.closed += 1


def order(client: httpx.Client, channel: str, **body: Any) -> httpx.Response:
    client.get("/")
    headers = {"origin": str(client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    return client.post(f"/api/channels/{channel}/replay", json={"at": None, "edits": [], **body}, headers=headers)


def ended(client: httpx.Client, channel: str) -> dict[str, Any]:
    """Return a channel once its replay has ended."""
    with client.stream("GET", f"/api/channels/{channel}/live") as answer:
        assert "event: end" in list(answer.iter_lines())
    found: dict[str, Any] = client.get(f"/api/channels/{channel}").json()
    return found


def only(client: httpx.Client) -> str:
    name: str = client.get("/api/channels").json()["channels"][-1]["name"]
    return name


def proposals(channel: dict[str, Any], name: str) -> list[dict[str, Any]]:
    said = channel["messages"]
    first = next(m["n"] for m in said if isinstance(m["author"], dict) and m["author"]["name"] == name)
    return [m for m in said if m["kind"] == "proposal/1" and first in (m["n"], m["author"])]


def test_with_nothing_changed_the_same_is_decided_and_nobody_is_asked(log: Path, served: Any) -> None:
    anew = Anew("7")
    with served(Studio(log, peers=lambda: anew)) as client:
        parent = only(client)
        answer = order(client, parent, live="needed")
        assert answer.status_code == 202
        fork = ended(client, answer.json()["channel"])
        lines = client.get("/api/channels").json()["channels"]
    assert fork["name"] != parent
    assert fork["decision"]["answer"] == "4"
    assert anew.asked == []
    assert anew.closed == 1
    assert [line["forked_from"] for line in lines] == [{"channel": parent, "edits": 0}, None]
    with Log(log, "r") as opened:
        assert opened.names() == (parent, fork["name"])


def test_a_message_said_otherwise_is_heard_otherwise_and_only_who_heard_it_is_asked_anew(
    log: Path, served: Any
) -> None:
    anew = Anew("7")
    with served(Studio(log, peers=lambda: anew)) as client:
        parent = client.get(f"/api/channels/{only(client)}").json()
        said = proposals(parent, "p1")[0]
        edit = {"do": "replace", "id": said["id"], "text": "It is 7.", "key": "7"}
        fork = ended(client, order(client, parent["name"], edits=[edit], live="needed").json()["channel"])
        line = client.get("/api/channels").json()["channels"][0]
        unchanged = client.get(f"/api/channels/{parent['name']}").json()
    assert line["forked_from"] == {"channel": parent["name"], "edits": 1}
    assert proposals(fork, "p1")[0]["text"] == "It is 7."
    assert {name for name, _ in anew.asked} >= {"p0", "p2", "p3", "p4"}
    assert unchanged == parent


def test_last_words_said_otherwise_change_the_decision_and_nobody_has_to_be_asked(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        parent = client.get(f"/api/channels/{only(client)}").json()
        last = [proposals(parent, name)[-1]["id"] for name in ("p1", "p2", "p3")]
        edits = [{"do": "replace", "id": id, "text": "It is 7.", "key": "7"} for id in last]
        fork = ended(client, order(client, parent["name"], edits=edits, live="never").json()["channel"])
    assert fork["decision"]["answer"] == "7"
    assert [s["key"] for s in fork["decision"]["support"]] == ["7", "4", "5"]


def test_another_rule_needs_nobody(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        answer = order(client, only(client), edits=[{"do": "rule", "rule": "centroid"}], live="never")
        bad = order(client, only(client), edits=[{"do": "rule", "rule": "none-such"}], live="never")
        fork = client.get(f"/api/channels/{answer.json()['channel']}").json()
    assert answer.status_code == 202
    assert fork["opening"]["rule"] == "centroid"
    assert bad.status_code == 404
    assert "none-such" in bad.json()["error"]["why"]


def test_without_live_calls_what_the_record_lacks_is_said(log: Path, served: Any) -> None:
    with served(Studio(log, peers=lambda: Anew("7"))) as client:
        parent = client.get(f"/api/channels/{only(client)}").json()
        edit = {"do": "replace", "id": proposals(parent, "p1")[0]["id"], "text": "7", "key": "7"}
        answer = order(client, parent["name"], edits=[edit], live="never")
    assert answer.status_code == 409
    assert "the record does not say" in answer.json()["error"]["why"]
    assert "live calls" in answer.json()["error"]["do"]


@pytest.mark.parametrize(
    "body",
    [
        {"edits": [{"do": "dance"}]},
        {"edits": [{"do": "drop"}]},
        {"edits": [{"do": "drop", "id": "xyz"}]},
        {"edits": [{"do": "drop", "id": "00" * 32}]},
        {"edits": [{"do": "model", "peer": "nobody", "model": "scripted"}]},
        {"edits": [{"do": "rule", "rule": "majority"}] * 101},
        {"at": "xyz"},
        {"at": "00" * 32},
        {"live": "always"},
        {"edits": "all"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_writes_nothing(
    log: Path, served: Any, body: dict[str, Any]
) -> None:
    with served(Studio(log, peers=lambda: Anew("7"))) as client:
        answer = order(client, only(client), **body)
        left = client.get("/api/channels").json()["total"]
    assert answer.status_code in (400, 404), answer.text
    assert set(answer.json()["error"]) == {"what", "why", "do"}
    assert left == 1


def test_a_channel_that_is_none_cannot_be_replayed(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        assert order(client, "none").status_code == 404


def test_while_another_process_writes_a_replay_is_refused_with_who_does(log: Path, served: Any) -> None:
    with Log(log), served(Studio(log, peers=lambda: Anew("7"))) as client:
        answer = order(client, only(client))
    assert answer.status_code == 409
    assert "is writing to it" in answer.json()["error"]["why"]


def test_when_it_has_ended_others_can_write_again(log: Path, served: Any, asked: Callable[..., Any]) -> None:
    with served(Studio(log, peers=lambda: Anew("7"))) as client:
        ended(client, order(client, only(client)).json()["channel"])
        until = time.monotonic() + 10
        while log.with_name("log.db.lock").exists() and time.monotonic() < until:
            time.sleep(0.01)
        asked(log, "8 + 8?")
        assert client.get("/api/channels").json()["total"] == 3


def test_a_replay_whose_live_peers_are_out_of_order_ends_and_says_why(log: Path, served: Any) -> None:
    class Broken(Anew):
        def __call__(self, name: str, model: str) -> Peer:
            raise RunFailed(f"no model for {name}")

    with served(Studio(log, peers=lambda: Broken(""))) as client:
        parent = client.get(f"/api/channels/{only(client)}").json()
        edit = {"do": "replace", "id": proposals(parent, "p1")[0]["id"], "text": "7", "key": "7"}
        answer = order(client, parent["name"], edits=[edit], live="needed")
        assert answer.status_code == 202
        fork = ended(client, answer.json()["channel"])
    assert "no model for" in (fork["broken"] or "") + "".join(m.get("lapse", "") for m in fork["messages"])


def test_two_replays_at_once_have_channels_of_their_own(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        parent = only(client)
        client.get("/")
        with ThreadPoolExecutor(2) as both:
            begun = [both.submit(order, client, parent) for _ in range(2)]
        names = sorted(future.result().json()["channel"] for future in begun)
        assert names == [f"{parent}~1", f"{parent}~2"]
        totals = [ended(client, name)["total"] for name in names]
    assert totals[0] == totals[1]


def test_nobody_from_elsewhere_starts_a_replay(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        channel = only(client)
        client.get("/")
        evil = client.post(f"/api/channels/{channel}/replay", json={}, headers={"origin": "http://evil.example"})
        bare = client.post(f"/api/channels/{channel}/replay", json={})
        assert client.get("/api/channels").json()["total"] == 1
    assert (evil.status_code, bare.status_code) == (403, 401)
