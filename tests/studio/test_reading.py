"""Words that somebody could say count as the answer that a peer's words would count as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from waggledance.core import Log, Proposal, compose, local_peer_id, swarm_id
from waggledance.studio import Studio


def read(client: httpx.Client, studio: Studio, name: str, text: object) -> httpx.Response:
    sent = {"x-waggle-token": studio.guard.token}
    return client.post(f"/api/channels/{name}/reading", json={"text": text}, headers=sent)


@pytest.mark.parametrize(
    ("expects", "text", "key"),
    [
        ("number", "First I thought 8.\nAnswer: 9.0 sheep", "9"),
        ("number", "I do not know.", None),
        ("yes/no", "No, it does not.", "no"),
        ("short", "", None),
    ],
)
def test_words_are_read_by_what_the_question_expects(
    tmp_path: Path, served: Any, asked: Any, expects: str, text: str, key: str | None
) -> None:
    asked(tmp_path / "log.db", "Well?", expects=expects)
    studio = Studio(tmp_path / "log.db")
    with served(studio) as client:
        name = client.get("/api/channels").json()["channels"][0]["name"]
        found = read(client, studio, name, text).json()
    assert found["key"] == key
    assert bool(found["lapse"]) == (key is None)


def test_words_where_nobody_asks_and_words_without_end_are_refused(tmp_path: Path, served: Any, asked: Any) -> None:
    asked(tmp_path / "log.db")
    with Log(tmp_path / "log.db") as log:
        log.append(*compose(local_peer_id("p"), Proposal(key="4"), 1, None, (), 1, 5, swarm_id("s"), "bare"))
    studio = Studio(tmp_path / "log.db")
    with served(studio) as client:
        name = next(line["name"] for line in client.get("/api/channels").json()["channels"] if line["name"] != "bare")
        assert read(client, studio, "bare", "4").status_code == 400
        assert read(client, studio, name, "4" * 100_001).status_code == 400
        assert read(client, studio, name, 4).status_code == 400
        assert read(client, studio, "nowhere", "4").status_code == 404
        assert client.post(f"/api/channels/{name}/reading", json={"text": "4"}).status_code == 401
