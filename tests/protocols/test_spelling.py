"""Protocols as text: whoever reads an opening makes the same protocol again."""

from typing import Any, cast

import pytest

from waggledance.consensus import name_of
from waggledance.core import Decision, Opening, Question, Seat, UsageError
from waggledance.protocols import (
    PROTOCOLS,
    AskProtocol,
    OutlinePaths,
    as_opened,
    by_name,
    check_spelled,
    rule_by_name,
    spelled,
)
from waggledance.topology import by_name as topology_named

TEXTS = [
    *(name for name in PROTOCOLS if name not in ("plan", "team")),
    "vote(samples=3, stop=settled)",
    "debate(rounds=0, patience_s=2.5)",
    "society(strategy=0110)",
    "nest-site(quorum=0.8, remembers=0)",
    "institution(spec=khanate)",
    "peer-ranking(comparisons=4, unit=proposal)",
]


def opened(protocol: AskProtocol) -> Opening:
    name, topology, rule = spelled(protocol)
    return Opening(question=Question(text="2+2?"), members=(), protocol=name, topology=topology, rule=rule)


@pytest.mark.parametrize("text", TEXTS)
def test_what_an_opening_names_is_the_protocol_that_was_asked_with(text: str) -> None:
    protocol = by_name(text)
    check_spelled(protocol)
    assert as_opened(opened(protocol)) == protocol


def test_topology_and_rule_travel_with_their_parameters() -> None:
    protocol = by_name("debate", topology=topology_named("small-world(k=2, rewire=0.3)"), rule=rule_by_name("log-odds"))
    again = cast("Any", as_opened(opened(protocol)))
    assert (again.topology, name_of(again.decide)) == (cast("Any", protocol).topology, "log-odds")


def test_a_function_of_ones_own_is_not_sent_to_others() -> None:
    async def mine(seat: Seat) -> Decision:
        raise NotImplementedError

    assert spelled(mine) == ("mine", "", "")
    with pytest.raises(UsageError, match="known to this program only"):
        check_spelled(mine)


def test_what_no_name_can_carry_is_refused() -> None:
    protocol = OutlinePaths(embed=lambda texts: tuple((1.0,) for _ in texts))
    with pytest.raises(UsageError, match="embed of protocol 'outline-paths'"):
        check_spelled(protocol)
