"""`waggle rollout`: bring prompts, a skill, an adapter or data to the peers that it is for, and see how that goes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from waggledance._swarm import Swarm
from waggledance.cli._mesh_log import on_disk
from waggledance.cli._printing import print_json, print_table, print_text, say
from waggledance.cli._safe_text import one_line
from waggledance.consensus import Certificate
from waggledance.core import LoopClock, MessageId, RunFailed, UsageError, run_awake
from waggledance.mesh import (
    Dialling,
    Home,
    Mesh,
    Node,
    Rollout,
    RolloutHere,
    RolloutKind,
    RolloutView,
    Target,
    Traits,
    Warrant,
    certificate_in,
    planned,
    present,
    records_of,
    rollout_question,
    rollouts_of,
    traits_of,
    warrant_of,
    warranted,
    way_to,
)
from waggledance.protocols import Vote

LOOK_SECONDS = 0.2
VOTE_SECONDS = 60.0


@dataclass(frozen=True)
class Starting:
    """What is to be rolled out, to whom, as whom."""

    file: Path
    kind: RolloutKind
    tags: tuple[str, ...]
    swarm: str | None
    key_name: str
    certificate: Path | None
    """Of a decision that was made before; the swarm is asked when None."""
    dialling: Dialling
    wait_s: float
    """How long to stay and give the content to others."""


def start(starting: Starting, *, only_question: bool, as_json: bool) -> bool:
    """Roll something out, and stay until that is over; return whether it is complete.

    Raises:
        RunFailed: the swarm did not say yes, or nobody is there.
        UsageError: the file cannot be rolled out, or it is for nobody.
    """
    content = _bytes(starting.file)
    view = run_awake(_start(starting, content, only_question=only_question))
    if view is None:
        return True
    if as_json:
        print_json(_as_json(view, {}))
    return view.status == "complete"


def show(swarm: str | None, key: str | None, *, as_json: bool) -> None:
    """Print where every roll-out stands, as a peer of this machine knows it."""
    disk = on_disk(swarm, key)
    genesis, members = Home().genesis(disk.local.swarm), disk.membership.members
    records, by_id = records_of(disk.lobby).by_author, {m.id: m for m in disk.lobby}
    traits = {p: traits_of(records[p].capability) if p in records else Traits() for p in members}
    status = disk.local.status if disk.local.runs else None
    gone = {m.key for m in status.members if m.state in ("dead", "left")} if status is not None else set[str]()
    views = rollouts_of(
        disk.lobby, traits, certified=lambda m: not warranted(genesis, by_id, m),
        absent={p for p in members if p.hex() in gone},
    )  # fmt: skip
    names = {peer.hex(): member.name for peer, member in members.items()}
    shown = sorted(views.values(), key=lambda v: (v.rollout.slot, v.rollout.version, v.message.id))
    if as_json:
        print_json(
            {"swarm": disk.local.swarm, "seen_by": disk.local.key, "rollouts": [_as_json(v, names) for v in shown]}
        )
        return
    if not shown:
        say("nothing was rolled out yet: see waggle rollout start --help")
    print_table(
        ("slot", "version", "status", "for", "well", "failed", "back", "why"),
        [
            (
                v.rollout.slot, v.rollout.version, v.status, len(v.order), len(v.done), len(v.failed), len(v.returned),
                "; ".join((v.why, *(f"{names[peer.hex()]}: {why}" for peer, why in v.failed.items())) if v.why
                          else [f"{names[peer.hex()]}: {why}" for peer, why in v.failed.items()]),
            )
            for v in shown
        ],
    )  # fmt: skip


async def _start(starting: Starting, content: bytes, *, only_question: bool) -> RolloutView | None:
    home = Home()
    known = home.swarms()
    if starting.swarm is None and len(known) != 1:
        raise UsageError(f"say which swarm with --swarm: {', '.join(known) or 'none is known here'}")
    way = way_to(home, starting.swarm or known[0], now_ms=LoopClock().wall_ms())
    async with present(home, way, starting.key_name, starting.dialling) as node:
        here = RolloutHere(node, home.peer(node.genesis.name, starting.key_name).folder)
        try:
            target = Target(tags=tuple(sorted({tag.casefold() for tag in starting.tags})))
            rollout = planned(starting.kind, starting.file.name, content, target, here.views.values())
            here.check_for_somebody(rollout)
            if only_question:
                print_text(rollout_question(rollout, content).text)
                return None
            warrant = (
                await _warrant(node, rollout, content, starting.certificate) if rollout.needs_certificate else None
            )
            if warrant is not None:
                rollout = msgspec.structs.replace(rollout, certificate=certificate_in(warrant).decided.digest())
            message = here.announce(rollout, content, warrant)
            why = warranted(node.genesis, {m.id: m for m in node.lobby.copy.messages()}, message)
            if rollout.needs_certificate and why:
                raise RunFailed(f"nobody will run it: {why}")
            say(f"rolling out {rollout.slot} version {rollout.version}; this process gives it to others until it ends")
            return await _follow(here, message.id, node, starting.wait_s)
        finally:
            await here.close()


async def _warrant(node: Node, rollout: Rollout, content: bytes, file: Path | None) -> Warrant:
    """Return the warrant of a roll-out: from a certificate in a file, or by asking all who have a vote."""
    if file is not None:
        return await warrant_of(node, Certificate.from_json(_bytes(file)))
    say("asking the swarm whether it wants this")
    mesh = Mesh(node, certify=True)
    swarm = Swarm(
        mesh.peers(), network=mesh, protocol=Vote(patience_s=VOTE_SECONDS),
        weights={member.name: member.weight / 1e6 for member in mesh.answering()},
    )  # fmt: skip
    decision = await swarm.ask(rollout_question(rollout, content))
    if decision.key != "yes" or not decision.certificate:
        said = [f"{key} {weight / 1e6:g}" for key, weight in sorted(decision.support.items())]
        against = [f"{decision.name(d.peer)}: {one_line(d.reason, 80)}" for d in decision.dissent]
        why = "; ".join((*said, *against, *decision.notes)) or "nobody said yes or no"
        raise RunFailed(f"the swarm did not certify a yes ({why}): nothing was rolled out")
    return await warrant_of(node, Certificate.from_json(decision.certificate))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as why:
        raise UsageError(f"{file} cannot be read: {(why.strerror or str(why)).lower()}") from why


async def _follow(here: RolloutHere, id: MessageId, node: Node, wait_s: float) -> RolloutView:
    """Say what changes, until the roll-out is over."""
    names = {peer: member.name for peer, member in node.members.items()}
    told: set[tuple[str, bytes]] = set()
    until = node.clock.now() + wait_s
    while True:
        view = here.views.get(id)
        if view is not None:
            for word, peers in (("well", view.done), ("back on what it had", view.returned)):
                for peer in sorted(peers):
                    if (word, peer) not in told:
                        told.add((word, peer))
                        say(f"  {names.get(peer, peer.hex()[:8])} {word}")
            for peer, why in view.failed.items():
                if ("failed", peer) not in told:
                    told.add(("failed", peer))
                    say(f"  {names.get(peer, peer.hex()[:8])} failed: {why}")
            back = view.roll_back & (view.done | view.failed.keys())
            if view.status in ("complete", "refused") or (view.status == "halted" and not back & view.done):
                say(
                    f"{view.status}{': ' + view.why if view.why else ''}, {len(view.done)} of {len(view.order)} have it"
                )
                return view
            if node.clock.now() >= until:
                so_far = f"{len(view.done)} of {len(view.order)} have it so far"
                say(f"{so_far}; once one has, it goes on without this process")
                return view
        await asyncio.sleep(LOOK_SECONDS)


def _as_json(view: RolloutView, names: Mapping[str, str]) -> dict[str, object]:
    def called(peer: bytes) -> str:
        return names.get(peer.hex(), peer.hex())

    rollout = view.rollout
    return {
        "id": view.message.id.hex(),
        "slot": rollout.slot,
        "version": rollout.version,
        "tags": rollout.target.tags,
        "bytes": rollout.artefact.n,
        "result": rollout.result.hex(),
        "status": view.status,
        "why": view.why,
        "wave": view.wave,
        "for": [called(peer) for peer in view.order],
        "well": sorted(called(peer) for peer in view.done),
        "failed": {called(peer): why for peer, why in view.failed.items()},
        "returned": sorted(called(peer) for peer in view.returned),
    }
