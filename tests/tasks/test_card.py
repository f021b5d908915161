"""Cards: from a peer here, from a record on the mesh, and what makes no sense."""

import pytest

from waggledance.core import UNIT, MessageId, UsageError, local_peer_id
from waggledance.mesh import Capability, Capacity, MemberState, Record, Skill
from waggledance.tasks import Card, TypeUCB, card_of_peer, card_of_record, reward_of, router_by_name
from waggledance.testing import Opinionated
from waggledance.topology import hashed_ngrams

ANN = local_peer_id("ann")


def test_a_peers_own_skills_count_in_full_and_kinds_are_added() -> None:
    card = card_of_peer(Opinionated("ann"), {"code": 300_000})
    assert card.peer == ANN
    assert card.claim_ppm("propose") == UNIT
    assert card.claim_ppm("code") == 300_000
    assert card.claim_ppm("never heard of") == UNIT // 2


def test_a_records_skills_are_claimed_in_full_and_other_kinds_by_nearness_of_words() -> None:
    said = Capability(ver=1, name="Ann", desc="translate letters into French",
                      skills=(Skill(id="translate", name="Translate"),), limits=Capacity(parallel=4))  # fmt: skip
    record = Record(ANN, said, MessageId(bytes(32)))
    kinds = {"french": "translate letters into French", "weld": "weld pipes"}
    card = card_of_record(record, MemberState("suspect", 0, 0.0, 0.25), load=2, kinds=kinds, embed=hashed_ngrams)
    assert card.claim_ppm("translate") == UNIT
    assert card.claim_ppm("french") > 2 * card.claim_ppm("weld")
    assert (card.capacity, card.load, card.latency_ms, card.available) == (4, 2, 250, False)
    assert card_of_record(record).available
    assert card_of_record(record, MemberState("alive", 0, 0.0)).available


def test_stability_is_the_papers() -> None:
    card = Card(peer=ANN, load=1, capacity=2, latency_ms=500)
    assert card.calm_ppm == round(UNIT * (0.4 * 0.5 + 0.4 * 0.75 + 0.2))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"peer": b"ann"}, "32 bytes"),
        ({"skills": {"code": UNIT + 1}}, "self-rating"),
        ({"skills": {"code": -1}}, "self-rating"),
        ({"load": -1}, "0 or more"),
        ({"capacity": 0}, "1 or more"),
        ({"task_ms": 0}, "1 or more"),
    ],
)
def test_a_card_that_makes_no_sense_is_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Card(**({"peer": ANN} | wrong))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_waiting_takes_from_a_reward_and_never_below_nothing() -> None:
    assert reward_of(UNIT, 0) == UNIT
    assert reward_of(UNIT, 500) == 900_000
    assert reward_of(100_000, 10**9) == 0
    for wrong in ((UNIT + 1, 0), (-1, 0), (0, -1)):
        with pytest.raises(UsageError, match="success lies between"):
            reward_of(*wrong)


def test_routers_are_made_by_name_with_parameters() -> None:
    assert router_by_name(" type-ucb ( keep_ppm = 990000 , prior_weight=5) ") == TypeUCB(
        prior_weight=5, keep_ppm=990_000
    )
    for name, says in (
        ("type-ucp", "did you mean 'type-ucb'"),
        ("type-ucb(keep=1)", "there is no parameter of router 'type-ucb'"),
        ("type-ucb(keep_ppm=fast)", "whole number"),
        ("type-ucb(keep_ppm)", "whole number"),
        ("edge-weights(of=3)", "no parameter"),
        ("type-ucb((", "a router is a name"),
    ):
        with pytest.raises(UsageError, match=says):
            router_by_name(name)
