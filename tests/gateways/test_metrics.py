"""What a server counts: requests by door, orders by how they ended, what they cost."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from waggledance import Agent, Swarm
from waggledance.gateways import Host, Hosted, Keys, OpenAIDoor, app_of
from waggledance.models import Scripted
from waggledance.protocols import Vote

KEY = "a-secret-of-twenty-0"


async def test_requests_orders_and_costs_are_counted_and_no_caller_is_named() -> None:
    host = Host({"default": Hosted(Swarm([Agent("p", Scripted("Ice floats."))], protocol=Vote()))})
    app = app_of(host, [OpenAIDoor(host)], keys=Keys({"mia": KEY}))
    body = {"model": "default", "messages": [{"role": "user", "content": "Tell me of ice."}]}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        await http.post("/v1/chat/completions", json=body)
        http.headers["authorization"] = f"Bearer {KEY}"
        for _ in range(2):
            await http.post("/v1/chat/completions", json=body)
        await http.get("/nowhere")
        text = (await http.get("/metrics")).text
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["waggle_http_requests_total", "200", "openai"] == 2
    assert found["waggle_http_requests_total", "401", "openai"] == 1
    assert found["waggle_http_requests_total", "404", "none"] == 1
    assert found["waggle_http_first_byte_seconds_count", "openai"] == 3
    assert found["waggle_orders_total", "default", "done"] == 2
    assert found["waggle_tokens_total", "completion", "default"] == 4
    assert found["waggle_calls_total", "default"] == 2
    assert found["waggle_orders_working",] == 0
    assert "mia" not in text
    assert KEY not in text
