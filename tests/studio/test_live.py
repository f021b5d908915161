"""A channel is followed while another process writes it: nothing is lost, nothing comes twice, and it ends."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from waggledance.core import Log, Proposal, Words, compose, local_peer_id, swarm_id
from waggledance.studio import Studio
from waggledance.studio import _live as live_module

WRITER = Path(__file__).with_name("a_writer.py")


class Writer:
    """The other process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert self._answer() == "ready"

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        assert self._answer() == "written"

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def writing(log: Path, channel: str = "c") -> Generator[Writer]:
    process = subprocess.Popen(
        [sys.executable, str(WRITER), str(log), channel], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Writer(process)
    finally:
        process.kill()
        process.communicate()


def events(lines: Iterator[str]) -> Iterator[tuple[str, Any, str]]:
    """Yield a stream's events: name, content, id."""
    name, id = "", ""
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("id: "):
            id = line[4:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:]), id
            name, id = "", ""


def test_what_another_process_writes_comes_in_order_with_its_place_and_ends_with_the_outcome(
    tmp_path: Path, served: Any
) -> None:
    with writing(tmp_path / "log.db") as writer, served(Studio(tmp_path / "log.db")) as client:
        assert client.get("/api/channels/c").json()["live"] is True
        assert client.get("/api/channels").json()["channels"][0]["live"] is True
        with client.stream("GET", "/api/channels/c/live?after=0") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            stream = events(answer.iter_lines())
            for n in range(1, 4):
                writer.say(f"I say {n}")
                name, message, id = next(stream)
                assert (name, message["text"], message["n"], id) == ("message", f"I say {n}", n, str(n))
            writer.say("decide")
            rest = [name for name, _, _ in stream]
        assert rest == ["message", "message", "decision", "end"]
        assert client.get("/api/channels/c").json()["live"] is False


def test_who_comes_back_goes_on_where_it_was(tmp_path: Path, served: Any) -> None:
    with writing(tmp_path / "log.db") as writer, served(Studio(tmp_path / "log.db")) as client:
        for n in range(1, 6):
            writer.say(f"I say {n}")
        with client.stream("GET", "/api/channels/c/live?after=0", headers={"last-event-id": "3"}) as answer:
            stream = events(answer.iter_lines())
            assert [next(stream)[1]["text"] for _ in range(2)] == ["I say 4", "I say 5"]


def test_two_who_watch_see_the_same(tmp_path: Path, served: Any) -> None:
    live = "/api/channels/c/live"
    with (
        writing(tmp_path / "log.db") as writer,
        served(Studio(tmp_path / "log.db")) as client,
        client.stream("GET", live) as one,
        client.stream("GET", live) as two,
    ):
        writer.say("hello")
        writer.say("decide")
        seen = [[event[:2] for event in events(answer.iter_lines())] for answer in (one, two)]
    assert seen[0] == seen[1]
    assert [name for name, _ in seen[0]] == ["message"] * 4 + ["decision", "end"]


def test_a_writer_that_is_killed_ends_the_stream_and_leaves_all_that_it_had_flushed(
    tmp_path: Path, served: Any
) -> None:
    with writing(tmp_path / "log.db") as writer, served(Studio(tmp_path / "log.db")) as client:
        writer.say("my last words")
        with client.stream("GET", "/api/channels/c/live?after=0") as answer:
            stream = events(answer.iter_lines())
            assert next(stream)[1]["text"] == "my last words"
            writer.process.kill()
            writer.process.wait()
            assert [name for name, _, _ in stream] == ["end"]
        channel = client.get("/api/channels/c").json()
    assert channel["live"] is False
    assert [message["text"] for message in channel["messages"]] == ["2 + 2?", "my last words"]
    assert channel["decision"] is None
    assert channel["broken"] is None


def test_a_log_that_is_replaced_ends_the_stream(tmp_path: Path, served: Any, asked: Any) -> None:
    asked(tmp_path / "other.db")
    with (
        writing(tmp_path / "log.db"),
        served(Studio(tmp_path / "log.db")) as client,
        client.stream("GET", "/api/channels/c/live?after=0") as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        (tmp_path / "other.db").replace(tmp_path / "log.db")
        assert [name for name, _, _ in events(lines)] == ["end"]


def test_a_finished_channel_is_told_whole_and_ends_at_once(log: Path, served: Any) -> None:
    with served(Studio(log)) as client:
        channel = client.get("/api/channels").json()["channels"][0]["name"]
        whole = client.get(f"/api/channels/{channel}").json()
        with client.stream("GET", f"/api/channels/{channel}/live") as answer:
            told = list(events(answer.iter_lines()))
    assert [event[1] for event in told if event[0] == "message"] == whole["messages"]
    assert told[-2][1] == whole["decision"]
    assert told[-1][0] == "end"


def test_words_come_to_those_who_watch_the_channel_while_they_are_said(tmp_path: Path, served: Any) -> None:
    studio = Studio(tmp_path / "log.db")
    bee = local_peer_id("bee")
    with (
        writing(tmp_path / "log.db") as writer,
        served(studio) as client,
        client.stream("GET", "/api/channels/c/live?after=0") as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        studio.hear("another", Words(bee, "bee", 1, "not for you"))
        studio.hear("c", Words(bee, "bee", 1, "I thi"))
        studio.hear("c", Words(bee, "bee", 1, "nk"))
        writer.say("I think")
        stream = events(lines)
        heard = [next(stream) for _ in range(3)]
    assert [content["text"] for name, content, _ in heard if name == "words"] == ["I thi", "nk"]
    assert [content["text"] for name, content, _ in heard if name == "message"] == ["I think"]


def test_one_who_watches_slowly_has_few_words_kept_for_it_and_no_messages(tmp_path: Path) -> None:
    viewer = live_module._Viewer("c", -1, 1)
    studio = Studio(tmp_path / "log.db")
    studio.live._viewers.add(viewer)
    for n in range(10_000):
        studio.live._hear("c", Words(local_peer_id("bee"), "bee", 1, str(n)))
    assert len(viewer.words) == live_module.WORDS_KEPT
    assert viewer.words[-1].text == "9999"


def test_one_who_does_not_read_holds_up_nobody_and_nothing_piles_up_for_it(tmp_path: Path, served: Any) -> None:
    bee, swarm, previous = local_peer_id("bee"), swarm_id("s"), None
    with Log(tmp_path / "log.db") as log:
        for n in range(1, 1_501):
            said = Proposal(key="4", text="🐝" * 2_000)
            message, raw = compose(bee, said, n, previous, (), n, 0, swarm, "c")
            log.append(message, raw)
            previous = message.id
    studio = Studio(tmp_path / "log.db")
    with served(studio) as client, socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        idle.connect((client.base_url.host, client.base_url.port or 0))
        idle.sendall(b"GET /api/channels/c/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        while not studio.live._viewers:
            client.get("/api/options")
        with client.stream("GET", "/api/channels/c/live") as answer:
            assert sum(name == "message" for name, _, _ in events(answer.iter_lines())) == 1_500
        (waiting,) = studio.live._viewers
        assert waiting.next <= live_module.MESSAGES_AT_ONCE * 2


def test_as_many_as_can_watch_and_the_next_one_is_told_so(
    log: Path, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "VIEWERS_AT_MOST", 0)
    with served(Studio(log)) as client:
        channel = client.get("/api/channels").json()["channels"][0]["name"]
        answer = client.get(f"/api/channels/{channel}/live")
    assert answer.status_code == 503
    assert "Close one" in answer.json()["error"]["do"]


def test_who_asks_for_the_head_of_a_stream_waits_for_no_end(tmp_path: Path, served: Any) -> None:
    with writing(tmp_path / "log.db"), served(Studio(tmp_path / "log.db")) as client:
        answer = client.head("/api/channels/c/live")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("after", ["x", "-2", "1.5", "²", "9" * 40])
def test_a_place_that_is_none_is_refused(log: Path, served: Any, after: str) -> None:
    with served(Studio(log)) as client:
        channel = client.get("/api/channels").json()["channels"][0]["name"]
        assert client.get(f"/api/channels/{channel}/live", params={"after": after}).status_code == 400


def test_a_channel_that_was_left_unfinished_is_not_live_because_somebody_writes_another(
    tmp_path: Path, served: Any
) -> None:
    with writing(tmp_path / "log.db", "left") as first:
        first.say("and then I was killed")
    with writing(tmp_path / "log.db", "next"), served(Studio(tmp_path / "log.db")) as client:
        lines = {line["name"]: line for line in client.get("/api/channels").json()["channels"]}
        left = client.get("/api/channels/left").json()
    assert {name: (line["status"], line["live"]) for name, line in lines.items()} == {
        "left": ("unfinished", False),
        "next": ("unfinished", True),
    }
    assert left["live"] is False
