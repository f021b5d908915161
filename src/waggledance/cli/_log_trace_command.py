"""`waggle log trace`: a channel's run as OpenTelemetry spans, to a collector or to stdout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waggledance.cli._log_place import place_of, read_channel
from waggledance.cli._printing import print_text, say
from waggledance.core import Log, UsageError
from waggledance.safety import export_trace, exporter_to

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


def trace_log(
    channel: str | None,
    log: Path | None,
    config: Path | None,
    *,
    to: str | None,
    headers: Sequence[str],
    prompts: bool,
) -> None:
    """Export one channel, or all of them.

    Args:
        channel: its name, or how it begins; every channel when None.
        log: the log's file.
        config: a waggle.toml.
        to: the collector's address; ``-`` for stdout, one JSON object a span.
        headers: each ``NAME=VALUE``, sent to the collector.
        prompts: whether what was said, asked and answered goes along.
    """
    exporter: Any = _printed() if to == "-" else exporter_to(to, headers=_headers(headers))
    spans = 0
    try:
        with Log(place_of(log, config), "r") as opened:
            names = opened.names() if channel is None else (read_channel(opened, channel)[0].channel,)
            for name in names:
                spans += export_trace(
                    opened.read(name), exporter, exchanges=opened.exchanges(name), prompts=prompts, to=to or ""
                )
    finally:
        exporter.shutdown()
    say(f"{spans:,} spans of {len(names):,} channels {'printed' if to == '-' else 'sent'}")


def _headers(given: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name.strip() and equals):
            raise UsageError(f"--header {name!r:.40} says nothing: write --header NAME=VALUE")
        headers[name.strip()] = value
    return headers


def _printed() -> SpanExporter:
    """Return an exporter that prints one JSON object a span."""
    from waggledance.safety import needs_otel

    needs_otel()
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Printed(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            for span in spans:
                print_text(span.to_json(indent=None))
            sys.stdout.flush()
            return SpanExportResult.SUCCESS

    return Printed()
