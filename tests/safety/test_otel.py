"""Traces, as a collector on this machine gets them: OTLP over HTTP, decoded from its bytes."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from waggledance import Swarm
from waggledance.core import Log, RunFailed, Tool, ToolCall, UsageError
from waggledance.models import Completion, Request, Scripted
from waggledance.peers import Agent
from waggledance.protocols import Debate
from waggledance.safety import (
    Capabilities,
    Grant,
    Mediated,
    NotExported,
    Traced,
    export_trace,
    exporter_to,
)


class Collector:
    """A collector: takes spans over OTLP/HTTP, and keeps them."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.resources: list[dict[str, str]] = []
        self.answer = 200
        taken = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if taken.answer == 200:
                    taken.take(self.path, body, dict(self.headers))
                self.send_response(taken.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def take(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        assert path == "/v1/traces"
        request = ExportTraceServiceRequest.FromString(body)
        self.headers.append(headers)
        for resource in request.resource_spans:
            self.resources.append({a.key: a.value.string_value for a in resource.resource.attributes})
            for scope in resource.scope_spans:
                assert scope.scope.name == "waggledance"
                self.spans += scope.spans

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]


def said(span: Any) -> dict[str, Any]:
    """Return a span's attributes."""
    found: dict[str, Any] = {}
    for attribute in span.attributes:
        which = attribute.value.WhichOneof("value")
        value = getattr(attribute.value, which)
        found[attribute.key] = [each.string_value for each in value.values] if which == "array_value" else value
    return found


@pytest.fixture
def collector() -> Generator[Collector]:
    made = Collector()
    yield made
    made.close()


class Adding:
    async def tools(self) -> list[Tool]:
        return [Tool("add", "Adds two numbers."), Tool("wipe", "Wipes all.")]

    async def call(self, name: str, arguments: str) -> str:
        if arguments == "{}":
            raise RunFailed("nothing to add")
        return "42"


def wants(*calls: ToolCall) -> Completion:
    return Completion(
        text="", prompt_tokens=7, completion_tokens=3, finish="stop", seconds=0.0, calls=calls, usd_micro=12
    )


def model(request: Request) -> Completion | str | Exception:
    results = [turn for turn in request.turns if turn.role == "tool"]
    if results:
        return "The secret sum is 42. Answer: 42"
    return wants(ToolCall("c1", "add", '{"x":40,"y":2}'), ToolCall("c2", "add", "{}"), ToolCall("c3", "wipe", "{}"))


def swarm(log: Any) -> Swarm:
    box = Mediated(Adding(), Capabilities({"*": [Grant(tools="add")]}))
    thinker = Scripted(model, name="openai:gpt-test")
    agents = [Agent("ada", thinker, tools=[box]), Agent("ben", Scripted("Answer: 42", name="gguf:small"))]
    return Swarm(agents, protocol=Debate(rounds=1), log=log, name="traced")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Log(tmp_path / "log.db") as log:
        swarm(log).ask_sync("What is the secret 40 + 2?", expects="number")
    return tmp_path / "log.db"


def sent(path: Path, collector: Collector, **how: Any) -> int:
    with Log(path, "r") as log:
        [channel] = log.names()
        exporter = exporter_to(collector.url, headers={"x-key": "k"})
        return export_trace(log.read(channel), exporter, exchanges=log.exchanges(channel), **how)


def test_a_run_is_one_trace_of_peers_models_and_tools(path: Path, collector: Collector) -> None:
    assert sent(path, collector) == len(collector.spans)
    assert len({span.trace_id for span in collector.spans}) == 1
    by_id = {span.span_id: span for span in collector.spans}
    assert len(by_id) == len(collector.spans)
    [run] = collector.named("invoke_workflow debate(rounds=1)")
    assert not run.parent_span_id
    told = said(run)
    assert (told["gen_ai.operation.name"], told["waggle.status"], told["waggle.members"]) == (
        "invoke_workflow", "decided", 2,
    )  # fmt: skip
    ada = collector.named("invoke_agent ada")
    assert len(ada) == 2
    assert all(by_id[span.parent_span_id] is run for span in ada)
    assert {by_id[span.parent_span_id].name for span in collector.named("chat gpt-test")} == {"invoke_agent ada"}
    assert {by_id[span.parent_span_id].name for span in collector.named("chat small")} == {"invoke_agent ben"}
    assert collector.headers[0]["x-key"] == "k"
    assert collector.resources[0]["service.name"] == "waggledance"


def test_spans_say_what_the_conventions_ask_for(path: Path, collector: Collector) -> None:
    sent(path, collector)
    chat = said(collector.named("chat gpt-test")[0])
    assert chat["gen_ai.operation.name"] == "chat"
    assert chat["gen_ai.provider.name"] == "openai"
    assert chat["gen_ai.request.model"] == "gpt-test"
    assert chat["gen_ai.request.max_tokens"] == 256
    assert chat["gen_ai.request.temperature"] == pytest.approx(0.7)
    assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (7, 3)
    assert chat["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert chat["waggle.cost.usd_micro"] == 12
    assert collector.named("chat gpt-test")[0].kind == 3, "a client's"
    tools = collector.named("execute_tool add")
    assert said(tools[0])["gen_ai.tool.name"] == "add"
    assert said(tools[0])["gen_ai.operation.name"] == "execute_tool"
    failed = [span for span in tools if span.status.code == 2]
    assert failed
    assert {said(span)["error.type"] for span in failed} == {"_OTHER"}
    assert {span.status.message for span in failed} == {"nothing to add"}
    rulings = {
        said(span)["waggle.ruling"] for span in (*collector.named("mediate add"), *collector.named("mediate wipe"))
    }
    assert rulings == {"allow", "block"}
    assert said(collector.named("invoke_agent ben")[0])["gen_ai.agent.name"] == "ben"


def test_what_builds_on_what_is_a_link(path: Path, collector: Collector) -> None:
    sent(path, collector)
    first, second = sorted(collector.named("invoke_agent ada"), key=lambda span: said(span)["waggle.round"])
    others = [span for span in collector.named("invoke_agent ben") if said(span)["waggle.round"] == 0]
    assert {link.span_id for link in second.links} >= {first.span_id, others[0].span_id}


def test_words_go_along_only_when_asked_for(path: Path, collector: Collector) -> None:
    sent(path, collector)
    assert "secret" not in str(collector.spans)
    collector.spans.clear()
    sent(path, collector, prompts=True)
    chat = said(collector.named("chat gpt-test")[1])
    turns = json.loads(chat["gen_ai.input.messages"])
    assert turns[-1]["role"] == "tool"
    assert turns[-1]["parts"][0]["type"] == "tool_call_response"
    assert any(part["type"] == "tool_call" for turn in turns for part in turn["parts"])
    answer = json.loads(chat["gen_ai.output.messages"])
    assert answer == [{
        "role": "assistant", "finish_reason": "stop",
        "parts": [{"type": "text", "content": "The secret sum is 42. Answer: 42"}],
    }]  # fmt: skip
    run = said(collector.named("invoke_workflow debate(rounds=1)")[0])
    assert json.loads(run["gen_ai.input.messages"])[0]["parts"][0]["content"] == "What is the secret 40 + 2?"
    tool = said(collector.named("execute_tool add")[0])
    assert tool["gen_ai.tool.call.arguments"] == '{"x":40,"y":2}'
    assert tool["gen_ai.tool.call.result"] == "42"


def test_exporting_again_gives_the_same_ids(path: Path, collector: Collector) -> None:
    sent(path, collector)
    once = {(span.trace_id, span.span_id, span.name) for span in collector.spans}
    collector.spans.clear()
    sent(path, collector)
    assert {(span.trace_id, span.span_id, span.name) for span in collector.spans} == once


def test_a_run_is_traced_while_it_goes_on_as_afterwards(tmp_path: Path, collector: Collector) -> None:
    with Log(tmp_path / "live.db") as log:
        traced = Traced(log, to=collector.url)
        swarm(traced).ask_sync("What is the secret 40 + 2?", expects="number")
        traced.close()
        traced.close()
    live = {(span.span_id, span.name, span.parent_span_id) for span in collector.spans}
    collector.spans.clear()
    sent(tmp_path / "live.db", collector)
    assert live == {(span.span_id, span.name, span.parent_span_id) for span in collector.spans}


def test_a_run_that_did_not_end_says_so(path: Path, collector: Collector) -> None:
    with Log(path, "r") as log:
        messages = [m for m in log.read(log.names()[0]) if m.kind != "outcome/1"]
    export_trace(messages, exporter_to(collector.url))
    [run] = [span for span in collector.spans if span.name.startswith("invoke_workflow")]
    assert said(run)["waggle.status"] == "unfinished"


def test_an_empty_channel_is_no_trace(collector: Collector) -> None:
    assert export_trace([], exporter_to(collector.url)) == 0
    assert collector.spans == []


def test_a_collector_that_refuses_is_named(path: Path, collector: Collector) -> None:
    collector.answer = 400
    with Log(path, "r") as log, pytest.raises(NotExported, match="did not take the spans"):
        export_trace(log.read(log.names()[0]), exporter_to(collector.url, timeout_s=1), to=collector.url)


def test_a_collector_that_is_gone_ends_no_run(tmp_path: Path) -> None:
    traced = Traced(exporter=exporter_to("http://127.0.0.1:9", timeout_s=0.2))
    assert swarm(traced).ask_sync("What is the secret 40 + 2?", expects="number").key == "42"
    traced.close()


@pytest.mark.parametrize("wrong", ["", "localhost:4318", "ftp://x", "http://", "http://[", "7"])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match="no collector's address"):
        exporter_to(wrong)


def test_without_the_libraries_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("waggledance.safety._otel.import_module", gone)
    with pytest.raises(UsageError, match="otel"):
        Traced()
