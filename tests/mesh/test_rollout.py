"""What a roll-out says: whom it is for, what it changes, and what a certificate must have decided."""

import msgspec
import pytest

from waggledance.core import UNIT, MessageId, PeerFault, UsageError, local_peer_id
from waggledance.core._message import decode_body
from waggledance.mesh import Artefact, Rollout, RolloutState, Target, Traits
from waggledance.mesh._rollout import matches

ARTEFACT = Artefact(h=bytes(32), n=7, ty="text/plain")
ALICE, BOB = local_peer_id("alice"), local_peer_id("bob")


def rollout(**changed: object) -> Rollout:
    fields: dict[str, object] = {
        "slot": "data/table", "version": 1, "artefact": ARTEFACT, "base": None, "result": b"r" * 32
    }  # fmt: skip
    return Rollout(**(fields | changed))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        (Target(), True),
        (Target(types=("drone",)), True),
        (Target(types=("drone/camera",)), True),
        (Target(types=("drone/cam",)), False),
        (Target(types=("rover", "drone")), True),
        (Target(types=("rover",)), False),
        (Target(tags=("gpu",)), True),
        (Target(tags=("gpu", "arm")), False),
        (Target(types=("drone",), tags=("arm",)), False),
        (Target(not_peers=(ALICE,)), False),
        (Target(not_peers=(BOB,)), True),
    ],
)
def test_a_target_is_types_of_a_tree_all_tags_and_not_those_named(target: Target, *, meant: bool) -> None:
    assert matches(target, ALICE, Traits(frozenset({"drone/camera"}), frozenset({"gpu"}))) is meant


def test_a_peer_without_a_record_is_meant_only_when_everybody_is() -> None:
    assert matches(Target(), ALICE, Traits())
    assert not matches(Target(types=("drone",)), ALICE, Traits())
    assert not matches(Target(tags=("gpu",)), ALICE, Traits())


@pytest.mark.parametrize("slot", ["prompts/debate", "skill/search", "adapter/qwen", "tool/x", "policy/x", "database/x"])
def test_what_is_run_or_obeyed_needs_a_certificate(slot: str) -> None:
    assert rollout(slot=slot).needs_certificate


def test_what_is_merely_read_needs_none() -> None:
    assert not rollout(slot="data/prices").needs_certificate


def test_a_certificate_decides_everything_but_its_own_name() -> None:
    plain = rollout()
    assert plain.subject == rollout(certificate=b"c" * 32).subject
    others = [
        rollout(slot="data/other"), rollout(version=2), rollout(base=b"b" * 32), rollout(result=b"s" * 32),
        rollout(target=Target(types=("a",))), rollout(healthy_ppm=UNIT), rollout(waves_ppm=(UNIT,)),
        rollout(artefact=Artefact(h=bytes(32), n=8, ty="text/plain")),
    ]  # fmt: skip
    assert len({plain.subject, *(other.subject for other in others)}) == len(others) + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"slot": "table"}, {"slot": "data/"}, {"slot": "data/../key"}, {"slot": "data/a/b"}, {"slot": "/etc"},
        {"slot": "data/.key"}, {"slot": "data/" + "x" * 124},
        {"waves_ppm": ()}, {"waves_ppm": (UNIT // 2,)}, {"waves_ppm": (0, UNIT)},
        {"waves_ppm": (UNIT // 2, UNIT // 2, UNIT)},
        {"waves_ppm": (UNIT // 2, UNIT // 3, UNIT)}, {"base": b"r" * 32},
    ],
)  # fmt: skip
def test_a_rollout_that_makes_no_sense_is_not_born(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        rollout(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"version": 0}, {"healthy_ppm": 0}, {"healthy_ppm": UNIT + 1}, {"base": b"short"}, {"certificate": b""}]
)
def test_a_rollout_that_breaks_a_limit_is_refused_at_the_door(wrong: dict[str, object]) -> None:
    with pytest.raises(PeerFault, match="malformed"):
        decode_body(Rollout.kind, msgspec.msgpack.Encoder(order="sorted").encode(rollout(**wrong)))


def test_a_rollout_travels() -> None:
    sent = rollout(target=Target(types=("drone",), not_peers=(ALICE,)), certificate=b"c" * 32)
    assert decode_body(Rollout.kind, msgspec.msgpack.Encoder(order="sorted").encode(sent)) == sent


def test_a_state_says_in_few_words_why() -> None:
    state = RolloutState.of(MessageId(bytes(32)), "failed", None, "e\u0301" * 1_000 + "\ud800")
    assert state.why == "é" * 500
    assert state.result == b""
