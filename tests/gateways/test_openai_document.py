"""The door's OpenAPI document says what the door does: requests made up from it are answered as it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from waggledance import FunctionPeer, Swarm
from waggledance.gateways import Host, Hosted, OpenAIDoor, app_of
from waggledance.gateways._openai_document import document
from waggledance.protocols import Vote

schemathesis = pytest.importorskip("schemathesis")
positive_data_acceptance = pytest.importorskip("schemathesis.specs.openapi.checks").positive_data_acceptance
"""Left out: a schema cannot say all that a request must be, such as that a tool that must be called is offered."""

HOST = Host({"default": Hosted(Swarm([FunctionPeer("ada", lambda question: "4")], protocol=Vote()))})
APP = app_of(HOST, [OpenAIDoor(HOST)], hosts=())
SCHEMA = schemathesis.openapi.from_dict(document())


async def unending(scope: Any, receive: Any, send: Any) -> None:
    """Serve requests; each of them is made on a loop of its own, whose end is not the server's."""
    if scope["type"] == "http":
        await APP(scope, receive, send)
        return
    for told in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{told}.complete"})


SCHEMA.app = unending


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_every_request_that_can_be_made_up_is_answered_as_the_document_says(case: Any) -> None:
    body: Any = case.body
    if type(body) is dict and "model" in body:
        body["model"] = "default"  # any other is just not found
    case.call_and_validate(excluded_checks=[positive_data_acceptance])
