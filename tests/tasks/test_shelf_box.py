"""Tools that peers vouch for are an agent's toolbox: its model calls them, and they run in the sandbox."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from waggledance import Swarm
from waggledance.core import Channel, Message, RunFailed, ToolCall, local_peer_id, swarm_id
from waggledance.models import Completion, Request, Scripted
from waggledance.peers import Agent
from waggledance.protocols import Debate
from waggledance.tasks import Sandbox, ShelfBox, ToolOffer, ToolRetire, ToolShelf, ToolVouch
from waggledance.tasks._shelf_box import parameters_of

ANNA, BEN, CLEO = (local_peer_id(name) for name in ("anna", "ben", "cleo"))
CODE = """
def digits_sum(number: int, base: int = 10):
    total = 0
    while number:
        total += number % base
        number //= base
    return total
"""
OFFER = ToolOffer(name="digits_sum", about="Sums the digits of a number", code=CODE, tests="import tool")


class Shelf:
    """A channel in which a tool is offered and two vouch for it."""

    def __init__(self, *, vouchers: int = 2) -> None:
        self.channel = Channel(swarm_id("t"), "t")
        self.say(ANNA, OFFER)
        for peer in (BEN, CLEO)[:vouchers]:
            self.say(peer, ToolVouch(tool=OFFER.tool, passed=True))

    def say(self, by: Any, body: Any) -> Message[Any]:
        return self.channel.publish(by, body, list(self.channel.messages()), 0)

    def __call__(self) -> ToolShelf:
        return ToolShelf(self.channel.messages())


def test_a_model_calls_a_tool_that_peers_wrote_and_answers_by_what_it_returned() -> None:
    call = ToolCall("c1", "digits_sum", '{"number": 98765}')

    def script(request: Request) -> Any:
        if request.turns[-1].role == "tool":
            return f"Answer: {request.turns[-1].text}"
        return Completion(text="", prompt_tokens=5, completion_tokens=5, finish="stop", seconds=0.0, calls=(call,))

    model = Scripted(script)
    agent = Agent("ada", model, tools=[ShelfBox(Shelf(), Sandbox())])
    decision = Swarm([agent], protocol=Debate(rounds=0)).ask_sync("What do the digits of 98765 add up to?")
    assert decision.key == "35"
    (offered,) = model.requests[0].tools
    assert (offered.name, offered.description) == ("digits_sum", "Sums the digits of a number")
    assert '"required":["number"]' in offered.parameters


def test_a_tool_that_is_not_vouched_for_retired_or_not_trusted_is_not_offered_and_not_run() -> None:
    retired = Shelf()
    box = ShelfBox(retired, Sandbox())
    assert len(asyncio.run(box.tools())) == 1
    retired.say(ANNA, ToolRetire(tool=OFFER.tool))
    for none in (box, ShelfBox(Shelf(vouchers=1), Sandbox()), ShelfBox(Shelf(), Sandbox(), trusted=[BEN])):
        assert asyncio.run(none.tools()) == []
        with pytest.raises(RunFailed, match="enough peers vouch"):
            asyncio.run(none.call("digits_sum", '{"number": 1}'))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [("{", "no JSON"), ("[1]", "no JSON object"), ('{"figure": 1}', "failed"), ('{"number": "x"}', "failed")],
)
def test_wrong_arguments_are_a_failure_that_says_so(arguments: str, said: str) -> None:
    with pytest.raises(RunFailed, match=said):
        asyncio.run(ShelfBox(Shelf(), Sandbox()).call("digits_sum", arguments))


def test_of_two_tools_of_one_name_the_one_with_more_vouchers_is_used() -> None:
    shelf = Shelf()
    other = ToolOffer(name="digits_sum", about="Another", code="def digits_sum(number): return -1", tests="import tool")
    shelf.say(BEN, other)
    for peer in (ANNA, CLEO, local_peer_id("dora")):
        shelf.say(peer, ToolVouch(tool=other.tool, passed=True))
    assert asyncio.run(ShelfBox(shelf, Sandbox()).call("digits_sum", '{"number": 12}')) == "-1"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("def f(): return 1", '{"type":"object","properties":{},"required":[]}'),
        ("def f(a, b: list[int] = (), *, c: str, d: 'X' = 1): pass",
         '{"type":"object","properties":{"a":{},"b":{"type":"array"},"c":{"type":"string"},"d":{}},"required":["a","c"]}'),
        ("def g(: pass", '{"type":"object"}'),
        ("f = print", '{"type":"object"}'),
    ],
)  # fmt: skip
def test_parameters_are_read_off_the_head_as_far_as_it_says_them(head: str, expected: str) -> None:
    assert parameters_of(ToolOffer(name="f" * 2, about="f", code=head.replace("f(", "ff("), tests="1")) == expected
