"""Where traces go: to a collector that speaks OTLP over HTTP, from a log at once or from a run while it goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from waggledance.core import Exchange, Message, RunFailed, UsageError
from waggledance.safety._otel import Tracing, needs_otel, trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from waggledance._run import Journal

logger = logging.getLogger(__name__)

TRACES = "/v1/traces"
SPANS_AT_ONCE = 512
TIMEOUT_S = 10.0
CHANNELS_OPEN = 64


class NotExported(RunFailed):
    """A collector did not take the spans; carries where it is and how many it has taken before."""

    def __init__(self, to: str, taken: int) -> None:
        super().__init__(to, taken)
        self.to, self.taken = to, taken

    def __str__(self) -> str:
        return (
            f"the collector at {self.to} did not take the spans ({self.taken:,} were taken before). See that it runs "
            "there and speaks OTLP over HTTP; exporting again makes no span twice, as ids stay the same"
        )


def exporter_to(to: str | None, *, headers: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S) -> Any:
    """Return what sends spans to a collector.

    Args:
        to: its address, such as ``"http://127.0.0.1:4318"``; what OpenTelemetry's own variables say when None, such as
            ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        headers: of every request, such as a key.
        timeout_s: how long to try, > 0.

    Raises:
        UsageError: OpenTelemetry is not installed, or that is no address.
    """
    needs_otel()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=None if to is None else _address(to), headers=headers, timeout=timeout_s)


def _address(to: str) -> str:
    """Return where spans are posted to: the address itself if it has a path, else the usual path there."""
    try:
        parts = urlsplit(to)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{to!r:.200} is no collector's address; write it as http://127.0.0.1:4318")
    return to if parts.path.strip("/") else to.rstrip("/") + TRACES


def export_trace(
    messages: Iterable[Message[Any]],
    exporter: SpanExporter,
    *,
    exchanges: Iterable[Exchange] = (),
    prompts: bool = False,
    to: str = "",
) -> int:
    """Send the spans of a channel; return how many were taken.

    Args:
        messages: of one channel, causes before effects.
        exporter: such as `exporter_to` returns.
        exchanges: what peers asked of models and tools.
        prompts: whether what was said, asked and answered goes along.
        to: what to call the collector in an error.

    Raises:
        UsageError: OpenTelemetry is not installed.
        NotExported: the collector did not take them.
    """
    needs_otel()
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExportResult

    class Collected(SpanProcessor):
        def __init__(self) -> None:
            self.spans: list[ReadableSpan] = []

        def on_end(self, span: ReadableSpan) -> None:
            self.spans.append(span)

    collected = Collected()
    trace(messages, collected, exchanges=exchanges, prompts=prompts)
    for start in range(0, len(collected.spans), SPANS_AT_ONCE):
        batch = collected.spans[start : start + SPANS_AT_ONCE]
        if exporter.export(batch) is not SpanExportResult.SUCCESS:
            raise NotExported(to or "its address", start)
    return len(collected.spans)


class Traced:
    """A journal that sends each run's spans while it goes on; for ``Swarm(..., log=Traced(log, to="http://…"))``.

    Spans are sent from a thread of their own: a collector that is slow or gone holds nothing up, and its trouble is
    logged. Call `close` when no more runs come, so that what is left is sent.

    Args:
        journal: where messages go on to; nowhere when None.
        to: the collector, see `exporter_to`.
        exporter: instead of `to`.
        prompts: whether what was said, asked and answered goes along.

    Raises:
        UsageError: OpenTelemetry is not installed, or that is no address.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        to: str | None = None,
        exporter: SpanExporter | None = None,
        prompts: bool = False,
    ) -> None:
        needs_otel()
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._journal, self._prompts = journal, prompts
        self._processor = BatchSpanProcessor(exporter_to(to) if exporter is None else exporter)
        self._open: dict[str, Tracing] = {}
        self._heard: set[str] = set()

    def append(self, message: Message[Any], raw: bytes) -> None:
        """Pass a message on, and make its span."""
        if self._journal is not None:
            self._journal.append(message, raw)
        self._tracing(message.channel).hear(message)

    def append_exchange(self, exchange: Exchange) -> None:
        """Pass an exchange on where it is kept; its span is made with the message that it goes into."""
        keep: Callable[[Exchange], None] | None = getattr(self._journal, "append_exchange", None)
        if keep is not None:
            keep(exchange)
        self._tracing(exchange.channel).hear_exchange(exchange)

    async def flush(self) -> None:
        """Return when everything taken so far is kept; spans are sent when they are."""
        if self._journal is not None:
            await self._journal.flush()

    def __len__(self) -> int:
        return len(self._heard) if self._journal is None else len(self._journal)

    def __contains__(self, channel: str) -> bool:
        return channel in (self._heard if self._journal is None else self._journal)

    def close(self) -> None:
        """End the spans of runs that have not ended, and send what is left. Closing twice is harmless."""
        for tracing in self._open.values():
            tracing.close()
        self._open.clear()
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    def _tracing(self, channel: str) -> Tracing:
        tracing = self._open.pop(channel, None)
        if tracing is None:
            tracing = Tracing(self._processor, prompts=self._prompts)
            self._heard.add(channel)
            while len(self._open) >= CHANNELS_OPEN:
                self._open.pop(next(iter(self._open))).close()
        self._open[channel] = tracing
        return tracing
