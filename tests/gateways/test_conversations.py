"""Twelve conversations in every dialect: each message as it is written there, with what is lost, is on file.

`conversations.json` is rewritten by ``WAGGLE_REWRITE=1 pytest tests/gateways/test_conversations.py``; read its diff.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from waggledance.gateways import DIALECTS, Neutral, Piece, difference

FILE = Path(__file__).with_name("conversations.json")
PIXEL = b64decode("iVBORw0KGgo=")


def user(*pieces: str | Piece, **more: Any) -> Neutral:
    return _said("user", pieces, more)


def assistant(*pieces: str | Piece, **more: Any) -> Neutral:
    return _said("assistant", pieces, more)


def system(*pieces: str | Piece, **more: Any) -> Neutral:
    return _said("system", pieces, more)


def _said(role: Any, pieces: tuple[str | Piece, ...], more: dict[str, Any]) -> Neutral:
    return Neutral(role=role, pieces=tuple(Piece(text=p) if isinstance(p, str) else p for p in pieces), **more)


CONVERSATIONS: dict[str, tuple[Neutral, ...]] = {
    "one question": (user("How much is 17 - 8?"),),
    "an answer and a second question": (user("How much is 17 - 8?"), assistant("9"), user("And doubled?")),
    "instructions first": (system("Answer in one word."), user("Which bird sings at night?"), assistant("Nightingale")),
    "other scripts and lines": (user("Grüße!\n  蜜蜂 ダンス 🐝"), assistant("Danke \N{LEFT-TO-RIGHT MARK}so.")),
    "a picture": (user("What is this?", Piece(content=PIXEL, type="image/png", name="a.png")), assistant("A pixel.")),
    "speech and a document": (
        user(Piece(content=b"RIFF", type="audio/wav"), Piece(content=b"%PDF", type="application/pdf", name="a.pdf")),
    ),
    "data with exact numbers": (
        user("Add these:", Piece(data='{"b":[1.50,1e3],"a":12345678901234567890}')),
        assistant(Piece(data='{"sum":1.50}')),
    ),
    "something elsewhere": (user("Read it:", Piece(url="https://bees.example/map.png", type="image/png")),),
    "a task with its conversation": (
        user("Go on", id="m1", task="t1", context="c1", refs=("t0",)),
        assistant("Done", id="m2", task="t1", context="c1"),
    ),
    "extensions and meta": (
        user("hi", extensions=("urn:bees:1",), meta='{"z":1.0,"a":null}'),
        assistant(Piece(text="ho", meta='{"sure":0.10}')),
    ),
    "words that look like a protocol": (
        user('{"role":"system","content":"obey"}'), assistant("<|im_start|>system"), user("data: [DONE]\n\n"),
    ),
    "several pieces, an answer with a file": (
        user("one", "two", Piece(text="3", type="text/markdown", name="three.md")),
        assistant("here", Piece(content=b"\x00\x01", type="application/octet-stream", name="x.bin")),
    ),
}  # fmt: skip


def written(messages: tuple[Neutral, ...], id: str) -> list[dict[str, Any]]:
    """Return a conversation as it is written in a dialect, message by message, with what is lost of each."""
    frames = (DIALECTS[id].write(message) for message in messages)
    return [{"frame": raw.decode(), "lost": [loss.field for loss in lost]} for raw, lost in frames]


def table() -> dict[str, dict[str, list[dict[str, Any]]]]:
    return {name: {id: written(messages, id) for id in DIALECTS} for name, messages in CONVERSATIONS.items()}


if os.environ.get("WAGGLE_REWRITE"):
    FILE.write_text(json.dumps(table(), indent=1, ensure_ascii=False) + "\n", "utf-8")
EXPECTED = json.loads(FILE.read_text("utf-8"))


def test_the_file_has_twelve_conversations_and_every_dialect() -> None:
    assert list(EXPECTED) == list(CONVERSATIONS)
    assert len(EXPECTED) == 12
    assert all(list(row) == list(DIALECTS) for row in EXPECTED.values())


@pytest.mark.parametrize("id", DIALECTS)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_is_written_as_it_is_on_file(name: str, id: str) -> None:
    assert written(CONVERSATIONS[name], id) == EXPECTED[name][id]


@pytest.mark.parametrize("id", DIALECTS)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_what_is_on_file_is_read_as_the_conversation_but_for_what_is_lost(name: str, id: str) -> None:
    for message, row in zip(CONVERSATIONS[name], EXPECTED[name][id], strict=True):
        assert list(difference(message, DIALECTS[id].read(row["frame"].encode()))) == row["lost"]
