"""A rule that remembers its last decision decides as the rule does, and asks it once for the same messages."""

from waggledance.consensus import Judgements, Once, Proposals, Weights, majority, name_of, needs_of
from waggledance.core import Channel, Decision, PeerId, Proposal, local_peer_id, swarm_id


def proposals(*keys: str) -> Proposals:
    channel = Channel(swarm_id("s"), "c")
    return tuple(channel.publish(local_peer_id(f"p{i}"), Proposal(key=key), [], 0) for i, key in enumerate(keys))


def test_the_same_messages_are_decided_once_and_others_anew() -> None:
    given: list[Proposals] = []

    def noting(proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        given.append(proposals)
        return majority(proposals, judgements, weights)

    rule = Once(noting)
    weights: dict[PeerId, int] = {}
    first, second = proposals("a", "a", "b"), proposals("b", "b", "a")
    assert [rule(first, (), weights).key for _ in range(3)] == ["a", "a", "a"]
    assert [rule(second, (), weights).key for _ in range(2)] == ["b", "b"]
    assert rule(first, (), {}).key == "a"
    assert given == [first, second, first]


def test_a_list_that_has_grown_since_is_decided_anew() -> None:
    rule, weights = Once(majority), dict[PeerId, int]()
    said = [*proposals("a")]
    assert rule(said, (), weights).key == "a"
    said += proposals("b", "b", "b")[1:]
    assert rule(said, (), weights).key == "b"


def test_it_has_the_rule_s_name_and_needs() -> None:
    assert (name_of(Once(majority)), needs_of(Once(majority))) == ("majority", frozenset())
