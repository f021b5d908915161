"""One peer's part in roll-outs: when it fetches, installs, says how it is, and goes back."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from blake3 import blake3

from waggledance.core import Message, MessageId, PeerId, local_peer_id, swarm_id
from waggledance.core._message import compose
from waggledance.mesh import (
    Artefact,
    Blobs,
    FileArtefact,
    Installer,
    Rollout,
    RolloutAgent,
    RolloutState,
    Traits,
    rollouts_of,
    tensor_file,
    tensor_patch,
)
from waggledance.mesh._patch import PATCH_TYPE
from waggledance.mesh._rollout_agent import WATCH_S, WRONG_BASE_S, Health, Step, always_well

ME, AUTHOR = local_peer_id("me"), local_peer_id("author")


def digest(content: bytes | None) -> bytes | None:
    return None if content is None else blake3(content).digest()


class Alone:
    """One peer with real files, the messages that it holds, and nobody else who acts."""

    def __init__(self, folder: Path, content: bytes | None, *, healthy: Health = always_well) -> None:
        (folder / "table").unlink(missing_ok=True)
        if content is not None:
            (folder / "table").write_bytes(content)
        self.folder, self.healthy = folder, healthy
        self.members: dict[PeerId, Traits] = {ME: Traits()}
        self.messages: list[Message[Any]] = []
        self.start()

    def start(self) -> None:
        """Begin anew with what is on the disk, as after a kill."""
        self.blobs = Blobs(self.folder / "blobs")
        self.slot = FileArtefact(self.folder / "table")
        slots: Mapping[str, Installer] = {"data/table": self.slot}
        self.agent = RolloutAgent(ME, self.blobs, slots, Random(0), healthy=self.healthy)

    def announced(
        self, version: int, base: bytes | None, content: bytes, ty: str = "x", result: bytes | None = None
    ) -> MessageId:
        blob = self.blobs.put(content)
        rollout = Rollout(
            slot="data/table", version=version, base=digest(base), result=result or blake3(content).digest(),
            artefact=Artefact(h=blob, n=len(content), ty=ty),
        )  # fmt: skip
        return self.said(ME, rollout)

    def said(self, author: PeerId, body: Rollout | RolloutState) -> MessageId:
        number = len(self.messages) + 1
        previous = MessageId(bytes(32)) if number > 1 else None
        message = compose(author, body, number, previous, (), number, 0, swarm_id("s"), "lobby")[0]
        self.messages.append(message)
        return message.id

    def follow(self, now: float = 0.0) -> list[RolloutState]:
        """Let the agent take in what was said, and publish what it says."""
        return self._published(self.agent.follow(rollouts_of(self.messages, self.members, certified=_never), now))

    def tick(self, now: float) -> list[RolloutState]:
        return self._published(self.agent.tick(now))

    def _published(self, step: Step) -> list[RolloutState]:
        for body in step.states:
            self.said(ME, body)
        return list(step.states)


def _never(message: Message[Rollout]) -> bool:
    return False


def test_what_is_here_is_installed_in_its_turn_and_said_once(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old")
    id = peer.announced(1, b"old", b"new")
    assert peer.follow() == [RolloutState.of(id, "active", digest(b"new"))]
    assert peer.slot.path.read_bytes() == b"new"
    assert peer.follow() == []


def test_nothing_is_in_use_before_its_turn(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old")
    id = peer.announced(1, b"old", b"new")
    peer.members |= {local_peer_id(f"other {i}"): Traits() for i in range(20)}
    order = rollouts_of(peer.messages, peer.members, certified=_never)[id].order
    assert order[0] != ME
    assert peer.follow() == []
    assert peer.slot.path.read_bytes() == b"old"


def test_who_comes_late_takes_the_newest_that_fits_its_base(tmp_path: Path) -> None:
    peer = Alone(tmp_path, None)
    first, second = peer.announced(1, None, b"one"), peer.announced(2, b"one", b"two")
    peer.announced(3, b"never was", b"three")
    assert peer.follow() == [RolloutState.of(first, "active", digest(b"one"))]
    assert peer.follow() == [RolloutState.of(second, "active", digest(b"two"))]
    assert peer.slot.path.read_bytes() == b"two"


def test_versions_that_come_back_to_an_old_content_end_on_the_newest(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"one")
    peer.announced(1, b"one", b"two")
    peer.announced(2, b"two", b"one")
    last = peer.announced(3, b"one", b"two")
    assert peer.follow() == [RolloutState.of(last, "active", digest(b"two"))]
    assert all(peer.follow() == [] for _ in range(5))


def test_another_base_is_refused_when_no_earlier_rollout_has_come_in_time(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"something else")
    id = peer.announced(1, b"old", b"new")
    assert peer.follow(0.0) == []
    assert peer.agent.next_at == WRONG_BASE_S
    [said] = peer.tick(WRONG_BASE_S)
    assert (said.rollout, said.state) == (id, "failed")
    assert "the base is another" in said.why
    assert peer.slot.path.read_bytes() == b"something else"


def test_a_base_that_comes_in_time_is_no_other_base(tmp_path: Path) -> None:
    peer = Alone(tmp_path, None)
    second = peer.announced(2, b"one", b"two")
    assert peer.follow(0.0) == []
    peer.announced(1, None, b"one")
    assert [said.state for said in peer.follow(WRONG_BASE_S - 1)] == ["active"]
    assert [said.rollout for said in peer.follow(WRONG_BASE_S + 1)] == [second]


def test_what_does_not_make_the_result_fails_and_changes_nothing(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old")
    peer.announced(1, b"old", b"new", result=b"x" * 32)
    [said] = peer.follow()
    assert (said.state, said.result) == ("failed", digest(b"old"))


def test_who_is_not_well_goes_back_and_says_so(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old", healthy=lambda _: "it answers nonsense")
    id = peer.announced(1, b"old", b"new")
    assert peer.follow() == [RolloutState.of(id, "failed", digest(b"old"), "it answers nonsense")]
    assert peer.slot.path.read_bytes() == b"old"


def test_a_check_that_does_not_know_yet_is_asked_until_it_does(tmp_path: Path) -> None:
    answers: list[str | None] = [None, None, ""]
    peer = Alone(tmp_path, b"old", healthy=lambda _: answers.pop(0))
    peer.announced(1, b"old", b"new")
    assert peer.follow() == []
    at = peer.agent.next_at
    assert at is not None
    assert peer.tick(at) == []
    assert [said.state for said in peer.tick(2 * at)] == ["active"]


def test_health_that_drops_later_is_noticed_while_others_wait(tmp_path: Path) -> None:
    answers = ["", "", "it has become slow"]
    peer = Alone(tmp_path, b"old", healthy=lambda _: answers.pop(0))
    id = peer.announced(1, b"old", b"new")
    while True:  # another peer, drawn so that this one is the canary
        other = local_peer_id(f"other {len(peer.members)}")
        if rollouts_of(peer.messages, {ME: Traits(), other: Traits()}, certified=_never)[id].order[0] == ME:
            break
        peer.members[other] = Traits()
    peer.members = {ME: Traits(), other: Traits()}
    assert [said.state for said in peer.follow(0.0)] == ["active"]
    assert peer.follow(1.0) == []
    assert peer.agent.next_at == 1.0 + WATCH_S
    assert [said.why for said in peer.tick(1.0 + WATCH_S)] == ["it has become slow"]
    assert peer.slot.path.read_bytes() == b"old"


def test_a_kill_between_installing_and_saying_so_is_made_good(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old", healthy=lambda _: None)
    id = peer.announced(1, b"old", b"new")
    assert peer.follow() == []
    peer.healthy = always_well
    peer.start()
    assert peer.follow() == [RolloutState.of(id, "active", digest(b"new"))]
    peer.slot.restore()
    assert peer.slot.path.read_bytes() == b"old"


@pytest.mark.parametrize("killed", [False, True])
def test_after_a_halt_the_base_is_back_and_the_artefact_is_thrown_away(tmp_path: Path, *, killed: bool) -> None:
    peer = Alone(tmp_path, b"old\r\n")
    id = peer.announced(1, b"old\r\n", b"new")
    assert [said.state for said in peer.follow()] == ["active"]
    peer.members |= {local_peer_id("other"): Traits()}
    peer.said(local_peer_id("other"), RolloutState.of(id, "failed", None, "no room"))
    if killed:
        peer.start()
    assert peer.follow() == [RolloutState.of(id, "rolled-back", digest(b"old\r\n"))]
    assert peer.slot.path.read_bytes() == b"old\r\n"
    assert peer.blobs.held_bytes == 0
    assert peer.follow() == []


def test_a_halt_leaves_what_another_rollout_has_put_there(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old")
    id = peer.announced(1, b"old", b"new")
    peer.follow()
    peer.announced(2, b"new", b"newer")
    assert [said.state for said in peer.follow()] == ["active"]
    peer.said(ME, RolloutState.of(id, "failed", None))
    peer.follow()
    assert peer.slot.path.read_bytes() == b"newer"


def test_without_the_base_there_is_no_way_back_and_that_is_said(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old")
    id = peer.announced(1, b"old", b"new")
    peer.follow()
    (tmp_path / "table.base").unlink()
    peer.members |= {local_peer_id("other"): Traits()}
    peer.said(local_peer_id("other"), RolloutState.of(id, "failed", None))
    assert [(said.state, said.why) for said in peer.follow()] == [
        ("failed", "what was kept is not the roll-out's base")
    ]


def test_other_slots_are_none_of_its_business(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old")
    blob = peer.blobs.put(b"new")
    body = Rollout(
        slot="data/other", version=1, base=None, result=b"r" * 32, artefact=Artefact(h=blob, n=3, ty="x")
    )  # fmt: skip
    peer.said(ME, body)
    assert peer.follow() == []
    assert peer.agent.next_at is None


def test_an_artefact_that_nobody_has_any_more_fails(tmp_path: Path) -> None:
    peer = Alone(tmp_path, b"old")
    peer.announced(1, b"old", b"new")
    for path in (tmp_path / "blobs" / "chunks").rglob("*"):
        if path.is_file():
            path.unlink()
    peer.start()
    [said] = peer.follow()
    assert (said.state, said.why) == ("failed", "nobody has the artefact any more")


def test_a_patch_of_one_of_two_layers_brings_everybody_to_one_hash(tmp_path: Path) -> None:
    luck = np.random.default_rng(0)
    layers = {f"layer{i}": luck.normal(size=(32, 32)).astype(np.float32) for i in (1, 2)}
    base, new = tensor_file(layers), tensor_file(layers | {"layer2": layers["layer2"] + 1})
    patch, result = tensor_patch(base, new)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        peer = Alone(tmp_path / name, base)
        peer.announced(1, base, patch, PATCH_TYPE, result)
        assert [said.result for said in peer.follow()] == [result]
        assert peer.slot.path.read_bytes() == new
