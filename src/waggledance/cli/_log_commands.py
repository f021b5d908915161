"""`waggle log list`, `show`, `verify`, `repair` and `export`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import typer

from waggledance.cli._counted import counted
from waggledance.cli._ending import complain
from waggledance.cli._log_place import place_of, read_channel
from waggledance.cli._printing import print_json, print_table, print_text, say
from waggledance.cli._safe_text import one_line, safe
from waggledance.cli._story import Story, as_plain
from waggledance.cli._story import as_json as message_as_json
from waggledance.core import (
    Exchange,
    Log,
    Message,
    Note,
    Proposal,
    Report,
    RunFailed,
    UnknownName,
    UsageError,
    export_jsonl,
    export_parquet,
    outcome_of,
    repair,
    verify,
)
from waggledance.models import Completion, Request

FORMATS = ("jsonl", "parquet")


def list_channels(log: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Print one line a channel: when it was asked, the question, what became of it."""
    with Log(place_of(log, config), "r") as opened:
        channels = opened.channels()
    if as_json:
        print_json({"log": str(opened.path), "channels": msgspec.to_builtins(channels)})
        return
    rows = [
        (c.channel, _when(c.asked_ms), c.messages, c.protocol, c.rule, c.status, one_line(c.answer or "–", 40),
         one_line(f"(fork of {c.forked_from}) {c.question}" if c.forked_from else c.question, 60))
        for c in channels
    ]  # fmt: skip
    names = ("channel", "asked", "messages", "protocol", "rule", "status", "answer", "question")
    print_table(names, rows, spare=("messages", "rule", "status", "protocol", "asked"))


def show_channel(
    channel: str, log: Path | None, config: Path | None, *, full: bool, prompts: bool, as_json: bool
) -> None:
    """Print every message of a channel in plain words, or whole, or as one JSON object a line; with what led to it."""
    with Log(place_of(log, config), "r") as opened:
        messages = read_channel(opened, channel)
        exchanges = opened.exchanges(messages[0].channel) if prompts else ()
    story = Story()
    for message in messages:
        told = story.hear(message)
        led = [x for x in exchanges if (x.author, x.sequence) == (message.author, message.sequence)]
        if as_json:
            print_json(message_as_json(message, story.names) | ({"exchanges": as_plain(led)} if prompts else {}))
        elif story.messages == 1 and story.question is not None:
            print_text(f"{messages[0].channel}: {safe(story.question.text)}")
            print_text("\n".join(f"  {chr(65 + i)}) {safe(o)}" for i, o in enumerate(story.question.options)))
            print_text(told or "")
        elif told is not None:
            print_text(told)
            if full:
                print_text(_whole(message))
        if not as_json:
            for exchange in led:
                print_text(_exchanged(exchange))
    if not as_json:
        print_text(_end(messages))


def verify_log(log: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Check a log; print what is intact and every fault."""
    report = verify(place_of(log, config))
    if as_json:
        print_json(_report(report))
    else:
        print_text(safe(str(report)))
    if not report.ok:
        complain(f"{counted(len(report.faults), 'fault')}; `waggle log repair` keeps what is intact")
        raise typer.Exit(RunFailed.exit_code)


def repair_log(log: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Keep the intact part of a damaged log."""
    report = repair(place_of(log, config))
    if as_json:
        print_json(_report(report))
    else:
        print_text(safe(str(report)))


def export_log(to: str, out: Path, channel: str | None, log: Path | None, config: Path | None) -> None:
    """Write a log's messages to one file."""
    if to not in FORMATS:
        raise UnknownName("format", to, FORMATS)
    if str(out) == "-" and to == "parquet":
        raise UsageError("a Parquet file cannot be written to stdout: give it a name with --out")
    if str(out) != "-" and not out.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {out.absolute().parent} to write {out.name} to")
    place = place_of(log, config)
    if channel is not None:
        with Log(place, "r") as opened:
            channel = read_channel(opened, channel)[0].channel
    write = export_jsonl if to == "jsonl" else export_parquet
    rows = write(place, "/dev/stdout" if str(out) == "-" else out, channel)
    say(f"{counted(rows, 'message')} written to {'stdout' if str(out) == '-' else out}")


def _whole(message: Message[Any]) -> str:
    text = message.body.text if isinstance(message.body, Note | Proposal) else ""
    return "\n".join(f"    {line}" for line in safe(text).splitlines())


def _exchanged(exchange: Exchange) -> str:
    """Return what was asked of a model or a tool, and what came back, set off from what was said."""
    asked, answered = exchange.asked, exchange.answered
    if exchange.kind == "model":
        turns = msgspec.json.decode(asked, type=Request).turns
        asked = "\n".join(f"[{turn.role}] {turn.text}" for turn in turns)
        if answered:
            completion = msgspec.json.decode(answered, type=Completion)
            wished = "".join(f"\n[wants {call.name}] {call.arguments}" for call in completion.calls)
            answered = completion.text + wished
    back = answered if not exchange.failure else f"failed: {exchange.failure}"
    head = f"  {exchange.skill} asked {one_line(exchange.of, 80)} ({exchange.milliseconds / 1_000:.1f} s):"
    lines = [f"    > {line}" for line in safe(asked).splitlines()] + [
        f"    < {line}" for line in safe(back).splitlines()
    ]
    return "\n".join([head, *lines])


def _report(report: Report) -> dict[str, Any]:
    return {"ok": report.ok, "intact": report.intact, **as_plain(report)}


def _end(messages: Sequence[Message[Any]]) -> str:
    outcome = outcome_of(messages)
    if outcome is None:
        return "unfinished: no outcome was written"
    body = outcome.body
    notes = "".join(f"\nnote: {one_line(note, 400)}" for note in body.notes)
    return f"{body.status} by {body.rule}: {one_line(body.key or 'no answer', 400)}{notes}"


def _when(wall_ms: int | None) -> str:
    if wall_ms is None:
        return "–"
    return datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
