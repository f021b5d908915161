"""Every run as a trace: OpenTelemetry spans, from a finished log or while the run goes on.

    invoke_workflow debate              the run, from its opening to its outcome
      invoke_agent ada                  a message: what a peer was invoked for; linked to the messages it builds on
        chat gpt-5-mini                 what its model was asked
        execute_tool search             what its tools were asked

Ids come from the channel and from the messages, so the same run is the same trace, whoever exports it and how often.
Times are the peers' own clocks. Needs the extra ``otel``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from waggledance.core import (
    Cut,
    Exchange,
    Message,
    MessageId,
    Opening,
    Outcome,
    PeerId,
    Roster,
    UsageError,
    with_extra,
)
from waggledance.safety._causal_past import causes_of
from waggledance.safety._otel_attributes import name_of, of_exchange, of_message, of_outcome, of_run

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Link, Span, SpanContext

AnyMessage = Message[Any]
NS_A_MS = 1_000_000
MAX_LINKS = 64


def needs_otel() -> None:
    """Refuse to go on without OpenTelemetry's libraries.

    Raises:
        UsageError: they are not installed.
    """
    try:
        for name in ("opentelemetry.exporter.otlp.proto.http", "opentelemetry.sdk.trace"):
            import_module(name)
    except ImportError as why:
        raise UsageError(with_extra(f"traces need OpenTelemetry ({why})", "otel")) from why


class Tracing:
    """Makes spans of one channel, message by message.

    A message's span is made when it is heard, with the exchanges that were heard before it; the run's span ends with
    the outcome, or with `close`.

    Args:
        processor: takes the spans as they end.
        prompts: whether what was said, asked and answered goes along.

    Raises:
        UsageError: OpenTelemetry is not installed.
    """

    def __init__(self, processor: SpanProcessor, *, prompts: bool = False) -> None:
        needs_otel()
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        from waggledance import __version__

        self._prompts, self._ids = prompts, _given_ids()
        resource = Resource.create({"service.name": "waggledance", "service.version": __version__})
        provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("waggledance", __version__)
        self._run: Span | None = None
        self._trace = b""
        self._asker: PeerId | None = None
        self._names: dict[PeerId, str] = {}
        self._spans: dict[MessageId, SpanContext] = {}
        self._exchanges: dict[tuple[PeerId, int], list[Exchange]] = {}
        self._latest_ms = 0
        self.spans = 0
        """How many were made."""

    def hear_exchange(self, exchange: Exchange) -> None:
        """Take what a peer asked of a model or a tool, before the message that it went into."""
        self._exchanges.setdefault((exchange.author, exchange.sequence), []).append(exchange)

    def hear(self, message: AnyMessage) -> None:
        """Take a message."""
        if message.id in self._spans:
            return
        self._latest_ms = max(self._latest_ms, message.wall_ms)
        body = message.body
        if isinstance(body, Opening | Roster):
            self._names |= {member.id: member.name for member in body.members}
        if isinstance(body, Opening) and self._run is None:
            self._begin(message)
        elif self._run is not None and isinstance(body, Outcome) and message.author == self._asker:
            self._run.set_attributes(of_outcome(message, prompts=self._prompts))
            self._end_run(message.wall_ms)
        elif not isinstance(body, Cut | Roster):
            self._invoked(message)

    def close(self) -> None:
        """End the run's span if no outcome has; exchanges that went into no message become spans of the run."""
        for asked in [*self._exchanges.values()]:
            for exchange in asked:
                self._asked(exchange, self._run, b"")
        self._exchanges.clear()
        if self._run is not None:
            self._run.set_attribute("waggle.status", "unfinished")
            self._end_run(self._latest_ms)

    # -- spans --------------------------------------------------------------------------------------------------

    def _begin(self, opening: Message[Opening]) -> None:
        self._asker = opening.author
        self._trace = blake3(b"waggle/trace/1\0" + opening.swarm + opening.channel.encode()).digest()
        self._run = self._started(
            f"invoke_workflow {opening.body.protocol or 'question'}",
            opening.id,
            None,
            opening.wall_ms,
            of_run(opening, prompts=self._prompts),
        )
        self._spans[opening.id] = self._run.get_span_context()

    def _end_run(self, wall_ms: int) -> None:
        if self._run is not None:
            self._run.end(max(wall_ms, self._latest_ms) * NS_A_MS)
            self._run = None
            self.spans += 1

    def _invoked(self, message: AnyMessage) -> None:
        """Make the span of a message, and of what was asked for it."""
        from opentelemetry.trace import Link, Status, StatusCode

        asked = self._exchanges.pop((message.author, message.sequence), [])
        cost_ms = getattr(getattr(message.body, "cost", None), "milliseconds", 0)
        began = min([message.wall_ms - cost_ms, *(exchange.wall_ms for exchange in asked)])
        causes = [self._spans[id] for id in causes_of(message) if id in self._spans]
        links: list[Link] = [Link(context) for context in causes[-MAX_LINKS:]]
        name = self._names.get(message.author) or message.author.hex()[:8]
        attributes = of_message(message, name, prompts=self._prompts)
        span = self._started(f"invoke_agent {name}", message.id, self._run, began, attributes, links)
        self._spans[message.id] = span.get_span_context()
        for exchange in asked:
            self._asked(exchange, span, message.id)
        lapse = getattr(message.body, "lapse", "")
        if lapse:
            span.set_status(Status(StatusCode.ERROR, lapse))
        span.end(max(message.wall_ms, began) * NS_A_MS)
        self.spans += 1

    def _asked(self, exchange: Exchange, within: Span | None, message: bytes) -> None:
        """Make the span of an exchange."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        mark = b"%d\0%d\0%s\0%s" % (exchange.number, exchange.step, exchange.author, message)
        kind = SpanKind.CLIENT if exchange.kind == "model" else SpanKind.INTERNAL
        attributes = of_exchange(exchange, prompts=self._prompts)
        span = self._started(name_of(exchange), mark, within, exchange.wall_ms, attributes, kind=kind)
        if exchange.failure:
            span.set_status(Status(StatusCode.ERROR, exchange.failure))
        span.end((exchange.wall_ms + exchange.milliseconds) * NS_A_MS)
        self._latest_ms = max(self._latest_ms, exchange.wall_ms + exchange.milliseconds)
        self.spans += 1

    def _started(
        self,
        name: str,
        mark: bytes,
        within: Span | None,
        wall_ms: int,
        attributes: Any,
        links: Sequence[Link] = (),
        kind: Any = None,
    ) -> Span:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind, set_span_in_context

        self._ids.give(self._trace, mark)
        context = Context() if within is None else set_span_in_context(within, Context())
        return self._tracer.start_span(
            name, context, kind=kind or SpanKind.INTERNAL, attributes=attributes, links=links,
            start_time=wall_ms * NS_A_MS,
        )  # fmt: skip


def trace(
    messages: Iterable[AnyMessage],
    processor: SpanProcessor,
    *,
    exchanges: Iterable[Exchange] = (),
    prompts: bool = False,
) -> int:
    """Give a processor the spans of a channel; return how many they are.

    Args:
        messages: of one channel, causes before effects, as `Log.read` returns them.
        processor: takes the spans.
        exchanges: what peers asked of models and tools.
        prompts: whether what was said, asked and answered goes along.

    Raises:
        UsageError: OpenTelemetry is not installed.
    """
    tracing, said = Tracing(processor, prompts=prompts), list(messages)
    for exchange in exchanges:
        tracing.hear_exchange(exchange)
    ends = [m for m in said if isinstance(m.body, Outcome)]
    for message in (*(m for m in said if not isinstance(m.body, Outcome)), *ends):  # an outcome ends the run's span
        tracing.hear(message)
    tracing.close()
    return tracing.spans


def _given_ids() -> Any:
    """Return a generator of ids that gives those of the run and of what the span is of."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class GivenIds(IdGenerator):
        def __init__(self) -> None:
            self._trace, self._span = 1, 1

        def give(self, trace: bytes, mark: bytes) -> None:
            self._trace = int.from_bytes(trace[:16]) or 1
            self._span = int.from_bytes(blake3(b"waggle/span/1\0" + trace + mark).digest(8)) or 1

        def generate_trace_id(self) -> int:
            return self._trace

        def generate_span_id(self) -> int:
            return self._span

    return GivenIds()
