"""A log as a table for others' tools: complete, the same bytes each time, and readable by DuckDB."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from waggledance.core import (
    Channel,
    Key,
    Log,
    Message,
    Proposal,
    UnknownName,
    UsageError,
    Verdict,
    encode,
    export_jsonl,
    export_parquet,
    local_peer_id,
    swarm_id,
)
from waggledance.core import Judgement as JudgementBody
from waggledance.core._message import decode

SWARM = swarm_id("bees")
ADA, BEA = local_peer_id("ada"), local_peer_id("bea")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of two channels: a judged proposal, and a signed message beside one of a kind nobody knows."""
    with Log(tmp_path / "log.db") as log:
        first, second = Channel(SWARM, "q1"), Channel(SWARM, "q2")
        first.subscribe(log.append)
        said = first.publish(ADA, Proposal(key="4", text="it is 4, says «Ada»"), [], 5)
        verdict = Verdict(subjects=(said.id,), scores=(900_000,), reason="so it is")
        first.publish(BEA, JudgementBody(verdicts=(verdict,), round=1), [said], 6)
        key = Key(bytes(32))
        signed = key.signed(second.publish(key.peer, Proposal(key=None, lapse="no idea"), [], 7))
        log.append(signed, encode(signed))
        fields = msgspec.msgpack.decode(encode(said))
        body = msgspec.msgpack.encode({"angle": 40, "raw": b"\xff"}, order="sorted")
        raw = msgspec.msgpack.encode(fields | {"bo": body, "ch": "q2", "ki": "dance/9"}, order="sorted")
        log.append(decode(raw), raw)
    return tmp_path / "log.db"


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def messages(path: Path) -> list[Message[Any]]:
    with Log(path, "r") as log:
        return [m for name in log.names() for m in log.read(name)]


def test_every_message_is_a_line_with_its_ids_in_hexadecimal(path: Path, tmp_path: Path) -> None:
    assert export_jsonl(path, tmp_path / "out.jsonl") == 4
    rows = lines(tmp_path / "out.jsonl")
    assert [row["id"] for row in rows] == [m.id.hex() for m in messages(path)]
    proposal, judgement = rows[:2]
    assert proposal["body"]["text"] == "it is 4, says «Ada»"
    assert (proposal["channel"], proposal["arrival"], proposal["author"]) == ("q1", 1, ADA.hex())
    assert (proposal["previous"], proposal["signature"], proposal["wall_ms"]) == (None, None, 5)
    assert judgement["parents"] == [proposal["id"]]
    assert (judgement["kind"], judgement["round"], judgement["lamport"]) == ("judgement/1", 1, 2)
    assert judgement["body"]["verdicts"] == [{"subjects": [proposal["id"]], "scores": [900_000], "reason": "so it is"}]
    assert len(next(row for row in rows if row["signature"])["signature"]) == 128
    unknown = next(row for row in rows if row["kind"] == "dance/9")
    assert (unknown["body"], unknown["round"]) == ({"angle": 40, "raw": "ff"}, None)


def test_one_channel_can_be_written_alone(path: Path, tmp_path: Path) -> None:
    assert export_jsonl(path, tmp_path / "out.jsonl", "q2") == 2
    assert {row["channel"] for row in lines(tmp_path / "out.jsonl")} == {"q2"}
    with pytest.raises(UnknownName, match="no channel 'q3'"):
        export_jsonl(path, tmp_path / "out.jsonl", "q3")


def test_the_same_log_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for out in outs:
        export_jsonl(path, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_parquet_holds_the_same_rows_for_duckdb_to_query(path: Path, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    out = tmp_path / "it's a log.parquet"
    assert export_parquet(path, out) == 4
    export_jsonl(path, tmp_path / "out.jsonl")
    with duckdb.connect() as database:
        written = database.read_parquet(str(out))
        rows = [dict(zip(written.columns, row, strict=True)) for row in written.fetchall()]
        share = database.sql("SELECT count(*) FROM written WHERE body->>'$.key' = '4' AND kind = 'proposal/1'")
        assert share.fetchall() == [(1,)]
    assert [row | {"body": json.loads(row["body"])} for row in rows] == lines(tmp_path / "out.jsonl")


def test_without_duckdb_it_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name == "duckdb":
            raise ImportError(name)
        return real(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"install .*\[parquet\]"):
        export_parquet(path, path.with_suffix(".parquet"))
