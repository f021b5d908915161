"""Arms as one writes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from waggledance import FunctionPeer
from waggledance.consensus import borda, confidence_vote, majority
from waggledance.core import Decision, Seat, UnknownName, UsageError
from waggledance.lab import Arm
from waggledance.lab._arm_text import read_arm
from waggledance.lab._estimators import em
from waggledance.protocols import Debate, Vote
from waggledance.topology import KRegular

PEERS = [FunctionPeer("p", lambda _: "4")]


def test_an_arm_is_a_protocol_with_options() -> None:
    arm = read_arm(" debate(rounds=3, stop=agreed)  rule=confidence topology=k-regular(k=4) peers=5 weights=em ")
    assert arm.protocol == Debate(rounds=3, stop="agreed", topology=KRegular(4), decide=confidence_vote)
    assert (arm.peers, arm.weigh, arm.probes) == (5, em, 0.0)
    assert read_arm("vote weights=em probes=0.1").probes == 0.1
    assert arm.name == "debate(rounds=3, stop=agreed) rule=confidence topology=k-regular(k=4) peers=5 weights=em"


def test_peers_are_a_number_or_names_and_a_name_is_the_reports() -> None:
    assert read_arm("vote peers=a+b:c name=both").peers == ("a", "b:c")
    assert read_arm("vote peers=a name=both").name == "both"
    assert read_arm("vote").peers is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "got nothing"),
        ("vot", "did you mean 'vote'"),
        ("vote(sample=3)", "did you mean 'samples'"),
        ("vote rule=majorty", "did you mean 'majority'"),
        ("vote rul=majority", "did you mean 'rule'"),
        ("debate topology=rng", "did you mean 'ring'"),
        ("vote weights=en", "did you mean 'em'"),
        ("vote weights=em probes=some", "probes=some is no share"),
        ("vote confidence", "is no option"),
        ("vote rule=", "is no option"),
        ("vote peers=3 peers=4", "peers stands twice"),
        ("vote peers=0", "nobody sits"),
        ("vote peers=a++b", "names nobody"),
        ("vote(samples=3", "a bracket is open"),
        ("vote topology=ring", "nobody hears anybody in a vote"),
        ("vote(samples=0)", "at least once"),
    ],
)
def test_what_cannot_be_read_says_what_is_near(text: str, says: str) -> None:
    with pytest.raises((UsageError, UnknownName), match=says):
        read_arm(text)


def test_an_arm_takes_a_rule_beside_its_protocol_or_its_name() -> None:
    assert Arm("a", PEERS, Vote(), rule=confidence_vote).decide is confidence_vote
    assert Arm("a", PEERS, "debate(rounds=1)", rule=confidence_vote).runs == Debate(rounds=1, decide=confidence_vote)
    assert Arm("a", PEERS).decide is majority


async def _odd(seat: Seat) -> Decision:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Arm(" ", PEERS), "needs a name"),
        (lambda: Arm("a", []), "at least one peer"),
        (lambda: Arm("a", PEERS, _odd, rule=borda), "no rule that could be replaced"),
        (lambda: Arm("a", PEERS, weigh=em, probes=0.6), "from 0 to 0.5, got 0.6"),
        (lambda: Arm("a", PEERS, weigh=em, probes=float("nan")), "from 0 to 0.5, got nan"),
        (lambda: Arm("a", PEERS, probes=0.1), "nobody who learns from them"),
    ],
)
def test_an_arm_that_makes_no_sense_is_refused(make: Callable[[], Arm], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make()
