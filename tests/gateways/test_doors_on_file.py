"""Twelve questions at every door: the frames that come back are those on file, but for ids, clocks and seconds.

`doors.json` is rewritten by ``WAGGLE_REWRITE=1 pytest tests/gateways/test_doors_on_file.py``; read its diff.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client as McpClient
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette

from waggledance import FunctionPeer, Swarm
from waggledance.gateways import A2A, AGUI, Host, Hosted, McpGateway, OpenAIDoor, app_of
from waggledance.protocols import by_name

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
FILE = Path(__file__).with_name("doors.json")


@dataclass(frozen=True)
class Asked:
    """A question, in no door's words: what was said before it, what it expects, and what each peer answers."""

    text: str
    answers: tuple[str, ...]
    expects: str = "number"
    options: tuple[str, ...] = ()
    before: tuple[tuple[str, str], ...] = ()
    protocol: str = "vote"

    @property
    def waggle(self) -> dict[str, Any]:
        """The fields by which every door is told more than its own protocol has words for."""
        return {"expects": self.expects, **({"options": list(self.options)} if self.options else {})}


NINE = ("Answer: 9",) * 3
QUESTIONS = {
    "all agree": Asked("How much is 17 - 8?", NINE),
    "one dissents": Asked("How much is 17 - 8?", ("Answer: 8", *NINE[1:])),
    "nobody can be read": Asked("How much is 17 - 8?", ("no idea",) * 3),
    "one is silent": Asked("How much is 17 - 8?", ("", *NINE[1:])),
    "yes or no": Asked("Do bees dance?", ("Yes.\nAnswer: yes",) * 3, "yes/no"),
    "a choice": Asked("Which is heavier?", ("Answer: B",) * 3, "choice", ("water", "lead")),
    "a short answer": Asked("Who dances?", ("Answer: the bee",) * 3, "short"),
    "free words": Asked("Say hello.", ("Hello, <b>you</b>!",) * 3, "free"),
    "code": Asked("Write f.", ("```python\ndef f(): return 1\n```",) * 3, "code"),
    "within a conversation": Asked("And doubled?", ("Answer: 18",) * 3,
                                   before=(("user", "How much is 17 - 8?"), ("assistant", "9"))),
    "other scripts": Asked("Was heißt 蜜蜂 🐝?", ("Answer: Biene",) * 3, "short"),
    "a debate": Asked("How much is 17 - 8?", ("Answer: 8", *NINE[1:]), protocol="debate(rounds=1)"),
}  # fmt: skip


async def openai(url: str, asked: Asked) -> Any:
    turns = [{"role": role, "content": text} for role, text in (*asked.before, ("user", asked.text))]
    body = {"model": "waggle/default", "messages": turns, "stream": True, "waggle": asked.waggle}
    async with httpx.AsyncClient(timeout=30) as http:
        return events_of((await http.post(f"{url}/v1/chat/completions", json=body)).text)


async def a2a(url: str, asked: Asked) -> Any:
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": asked.text}],
               "metadata": {"urn:waggledance:question:1": asked.waggle}}  # fmt: skip
    async with httpx.AsyncClient(timeout=30, headers={"a2a-version": "1.0"}) as http:
        return events_of((await http.post(f"{url}/message:stream", json={"message": message})).text)


async def agui(url: str, asked: Asked) -> Any:
    turns = [{"id": str(i), "role": role, "content": text}
             for i, (role, text) in enumerate((*asked.before, ("user", asked.text)))]  # fmt: skip
    run = {"threadId": "t", "runId": "r", "messages": turns, "forwardedProps": {"waggle": asked.waggle}}
    async with httpx.AsyncClient(timeout=30) as http:
        return events_of((await http.post(f"{url}/agui", json=run)).text)


async def mcp(url: str, asked: Asked) -> Any:
    async with (
        httpx2.AsyncClient(timeout=30) as http,
        McpClient(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        result: Any = await client.call_tool("ask", {"question": asked.text, **asked.waggle})
        return [{"error": result.is_error, "text": [block.text for block in result.content],
                 "structured": result.structured_content}]  # fmt: skip


DOORS: dict[str, Callable[[str, Asked], Any]] = {"openai": openai, "a2a": a2a, "agui": agui, "mcp": mcp}
NOT_ON_FILE = re.compile(r"seconds|created|timestamp|latency|Ms$|_ms$", re.IGNORECASE)
AN_ID = re.compile(r"(?:\b|(?<=[_-]))(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24,})\b")
A_CHANNEL = re.compile(r"\bq\d+-[0-9a-f]{6}\b")
SECONDS = re.compile(r"\b\d+\.\d s\b")


def events_of(text: str) -> list[Any]:
    """Return what server-sent events hold; all of an answer that is none."""
    data = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")] or [text]
    return [json.loads(line) if line.startswith("{") else line for line in data]


def without_luck(value: Any, key: str = "") -> Any:
    """Return a frame with marks in the place of ids, channels, clocks and seconds."""
    if isinstance(value, dict):
        return {name: without_luck(inner, name) for name, inner in value.items()}  # pyright: ignore
    if isinstance(value, list):
        inside: list[Any] = [without_luck(inner, key) for inner in value]  # pyright: ignore
        return sorted(inside, key=lambda row: row["peer"]) if key == "dissent" else inside
    if NOT_ON_FILE.search(key):
        return "(time)"
    if isinstance(value, str) and value.startswith('{"'):
        return json.dumps(without_luck(json.loads(value)), ensure_ascii=False)
    if isinstance(value, str):
        return SECONDS.sub("(time)", A_CHANNEL.sub("(channel)", AN_ID.sub("(id)", value)))
    return value


def _answer(said: str, _question: str) -> str:
    return said


@asynccontextmanager
async def asking(served: Served, asked: Asked) -> AsyncGenerator[str]:
    peers = [FunctionPeer(f"p{i}", partial(_answer, said)) for i, said in enumerate(asked.answers)]
    host = Host({"default": Hosted(Swarm(peers, protocol=by_name(asked.protocol)))})
    async with served(app_of(host, [OpenAIDoor(host), A2A(host), McpGateway(host), AGUI(host)])) as url:
        yield url


async def frames(served: Served, asked: Asked) -> dict[str, Any]:
    async with asking(served, asked) as url:
        return {name: without_luck(await door(url, asked)) for name, door in DOORS.items()}


def laid_out(table: dict[str, dict[str, list[Any]]]) -> str:
    """Return the table as JSON with one frame a line."""
    questions: list[str] = []
    for name, doors in table.items():
        rows = [
            f"  {json.dumps(door)}: [\n"
            + ",\n".join(f"   {json.dumps(frame, ensure_ascii=False)}" for frame in frames)
            + "\n  ]"
            for door, frames in doors.items()
        ]
        questions.append(f" {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(questions) + "\n}\n"


@pytest.mark.parametrize("name", QUESTIONS)
async def test_what_every_door_answers_is_on_file(served: Served, name: str) -> None:
    said = json.loads(json.dumps(await frames(served, QUESTIONS[name])))
    known: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    if os.environ.get("WAGGLE_REWRITE"):
        FILE.write_text(laid_out({**known, name: said}), "utf-8")
        return
    for door, expected in known[name].items():
        assert said[door] == expected, door


def test_the_file_has_twelve_questions_and_every_door() -> None:
    known = json.loads(FILE.read_text("utf-8"))
    assert list(known) == list(QUESTIONS)
    assert len(known) == 12
    assert all(list(row) == list(DOORS) for row in known.values())
