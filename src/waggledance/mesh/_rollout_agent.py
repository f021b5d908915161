"""What one peer does about roll-outs: fetch, install when it is its turn, look whether it is well, say so, go back.

All whom a roll-out is for fetch at once and give each other what they have, so that a wave costs what it takes to
install and to look; nothing is in use before its turn. What was halted is thrown away.

A machine without sockets and clocks, like the fetch inside it. All that it must remember is on the disk or in the log:
what is in a slot, what was kept beside it, and what it has said; made anew after a kill it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import NamedTuple

from waggledance.core import MessageId, PeerFault, PeerId
from waggledance.mesh._blob_fetch import BlobFetch
from waggledance.mesh._blob_messages import BlobPayload, Sends
from waggledance.mesh._blobs import BlobId, BlobMissing, Blobs, BlobsFull
from waggledance.mesh._install import Installer, InstallFailed
from waggledance.mesh._rollout import Rollout, RolloutState, Stage
from waggledance.mesh._rollout_fold import RolloutView

MAX_PROVIDERS = 8
"""Asked at a time, among those who have it."""
MAX_MATES = 8
"""Asked, too, among those who fetch it now and have parts of it."""
WRONG_BASE_S = 30.0
"""How long a roll-out may find another base than its own before it is refused: an earlier one may not have come yet."""
LOOK_AGAIN_S = 0.5
"""After which a health check that does not know yet is asked again."""
WATCH_S = 5.0
"""After which one that was content is asked again, while the roll-out is not complete."""

Health = Callable[[Rollout], str | None]
"""Says how a peer is with what was installed: ``""`` for well, a sentence for not, None for not known yet."""


class Step(NamedTuple):
    """What is to be sent, and what is to be published in the roll-out's channel."""

    sends: Sends
    states: tuple[RolloutState, ...]


def always_well(rollout: Rollout) -> str:
    """Be content with everything that could be installed."""
    del rollout
    return ""


class RolloutAgent:
    """One peer's part in all roll-outs.

    Args:
        me: who this peer is.
        blobs: where artefacts go.
        installers: what fills each slot that this peer has; roll-outs to other slots are none of its business. Looked
            at anew each time, so that slots can be added.
        luck: draws whom to ask.
        healthy: asked after an installation, until it knows.
    """

    def __init__(
        self,
        me: PeerId,
        blobs: Blobs,
        installers: Mapping[str, Installer],
        luck: Random,
        *,
        healthy: Health = always_well,
    ) -> None:
        self.me = me
        self._blobs, self._installers, self._luck, self._healthy = blobs, installers, luck, healthy
        self._views: Mapping[MessageId, RolloutView] = {}
        self._fetches = dict[MessageId, BlobFetch]()
        self._said = set[tuple[MessageId, Stage]]()
        self._wrong_since = dict[MessageId, float]()
        self._look_at: float | None = None

    @property
    def next_at(self) -> float | None:
        """When to call `tick` next, if nothing arrives before; None when there is nothing to do."""
        times = [fetch.next_at for fetch in self._fetches.values()]
        times += [self._look_at, *(since + WRONG_BASE_S for since in self._wrong_since.values())]
        return min((time for time in times if time is not None), default=None)

    def follow(self, views: Mapping[MessageId, RolloutView], now: float) -> Step:
        """Take in where the roll-outs stand, as `rollouts_of` says, whenever messages came."""
        self._views = views
        return self._work([], now)

    def on(self, sender: PeerId, payload: BlobPayload, now: float) -> Step:
        """Take what a peer sent; requests are for a `BlobServer`."""
        sends = [send for fetch in tuple(self._fetches.values()) for send in fetch.on(sender, payload, now)]
        over = any(fetch.next_at is None for fetch in self._fetches.values())
        return self._work(sends, now) if over else Step(sends, ())

    def tick(self, now: float) -> Step:
        """Let time pass."""
        return self._work([send for fetch in self._fetches.values() for send in fetch.tick(now)], now)

    def _work(self, sends: Sends, now: float) -> Step:
        states = list[RolloutState]()
        self._look_at = None
        wanted = set[MessageId]()
        for slot, installer in self._installers.items():
            views = [view for view in self._views.values() if view.rollout.slot == slot]
            states += self._go_back(views, installer)
            states += self._watch(views, installer, now)
            past = max((v.rollout.version for v in views if self._is_past(v)), default=0)
            mine = [v for v in views if self._is_due(v) and v.rollout.version > past]
            fit = [v for v in mine if installer.installed in (v.rollout.base, v.rollout.result)]
            if fit:
                view = max(fit, key=lambda v: v.rollout.version)
                wanted.add(view.message.id)
                more, state = self._take(view, installer, now)
                sends += more
                states += state
            else:
                states += self._refuse((v for v in mine if self.me in v.install), installer, now)
            for view in fit:
                self._wrong_since.pop(view.message.id, None)
        for id in self._fetches.keys() - wanted:
            del self._fetches[id]
        for id in self._wrong_since.keys() - {id for id, v in self._views.items() if self.me in v.install}:
            del self._wrong_since[id]
        return Step(sends, tuple(states))

    def _take(self, view: RolloutView, installer: Installer, now: float) -> tuple[Sends, list[RolloutState]]:
        """Bring one roll-out forward by what can be done now."""
        rollout = view.rollout
        if installer.installed != rollout.result:
            blob = BlobId(rollout.artefact.h)
            if not self._blobs.has(blob):
                sends, failed = self._fetch(view, blob, now)
                if failed or not self._blobs.has(blob):
                    return sends, [self._say(view, "failed", installer, failed)] if failed else []
            if self.me not in view.install:
                return [], []
            try:
                installer.install(self._blobs.get(blob), rollout.artefact.ty, rollout.result)
            except BlobMissing:  # spoilt on the disk, gone now: fetched again
                self._fetches.pop(view.message.id, None)
                return self._fetch(view, blob, now)[0], []
            except InstallFailed as why:
                return [], [self._say(view, "failed", installer, str(why))]
        if self.me not in view.install:
            return [], []
        health = self._healthy(rollout)
        if health is None:
            self._look_by(now + LOOK_AGAIN_S)
            return [], []
        return [], [self._unwell(view, installer, health) if health else self._say(view, "active", installer)]

    def _fetch(self, view: RolloutView, blob: BlobId, now: float) -> tuple[Sends, str]:
        """Return what to send to fetch an artefact, and why that failed, if it did."""
        fetch = self._fetches.get(view.message.id)
        holders = self._some(view.holders, MAX_PROVIDERS)
        mates = self._some(set(view.order) - view.holders - view.failed.keys(), MAX_MATES)
        if not holders:
            return [], "nobody has the artefact any more"
        try:
            if fetch is None:
                fetch = BlobFetch(blob, view.rollout.artefact.n, self._blobs, [*holders, *mates], self._luck, now)
                self._fetches[view.message.id] = fetch
            else:
                fetch.add([*holders, *mates][: max(0, MAX_PROVIDERS + MAX_MATES - fetch.asked)])
        except (BlobsFull, PeerFault) as why:
            return [], str(why)
        return fetch.tick(now), fetch.failed

    def _some(self, peers: Iterable[PeerId], most: int) -> list[PeerId]:
        others = sorted(peer for peer in peers if peer != self.me)
        return self._luck.sample(others, min(most, len(others)))

    def _go_back(self, views: Iterable[RolloutView], installer: Installer) -> list[RolloutState]:
        """Return to the base of roll-outs that were halted and that this peer has installed."""
        states = list[RolloutState]()
        for view in views:
            if self.me in view.roll_back:
                self._throw_away(BlobId(view.rollout.artefact.h))
            if self.me not in view.roll_back or installer.installed != view.rollout.result or self._has_failed(view):
                continue
            if any(self.me in other.done and not other.roll_back and other.rollout.result == view.rollout.result
                   for other in views):  # fmt: skip
                continue
            if not installer.restores_to(view.rollout.base):
                if self.me in view.done:
                    states.append(self._say(view, "failed", installer, "what was kept is not the roll-out's base"))
                continue
            try:
                installer.restore()
            except InstallFailed as why:
                states.append(self._say(view, "failed", installer, str(why)))
            else:
                states.append(self._say(view, "rolled-back", installer))
        return states

    def _throw_away(self, blob: BlobId) -> None:
        """Drop the artefact of a halted roll-out, unless another that goes on has the same."""
        used = any(view.rollout.artefact.h == blob and view.status != "halted" for view in self._views.values())
        if not used:
            self._blobs.drop(blob)

    def _watch(self, views: Iterable[RolloutView], installer: Installer, now: float) -> list[RolloutState]:
        """Look again at what was well, while others still wait for their turn."""
        states = list[RolloutState]()
        for view in views:
            mine = self.me in view.done and installer.installed == view.rollout.result
            if view.status != "running" or not mine or self._has_failed(view):
                continue
            health = self._healthy(view.rollout)
            if health:
                states.append(self._unwell(view, installer, health))
            else:
                self._look_by(now + WATCH_S)
        return states

    def _unwell(self, view: RolloutView, installer: Installer, why: str) -> RolloutState:
        try:
            if installer.restores_to(view.rollout.base):
                installer.restore()
        except InstallFailed as more:
            why = f"{why}; {more}"
        return self._say(view, "failed", installer, why)

    def _refuse(self, turns: Iterable[RolloutView], installer: Installer, now: float) -> list[RolloutState]:
        states = list[RolloutState]()
        for view in turns:
            if now - self._wrong_since.setdefault(view.message.id, now) >= WRONG_BASE_S:
                del self._wrong_since[view.message.id]
                why = f"the base is another: {_hex(installer.installed)}, not {_hex(view.rollout.base)}"
                states.append(self._say(view, "failed", installer, why))
        return states

    def _look_by(self, at: float) -> None:
        self._look_at = at if self._look_at is None else min(self._look_at, at)

    def _has_failed(self, view: RolloutView) -> bool:
        return self.me in view.failed or (view.message.id, "failed") in self._said

    def _is_past(self, view: RolloutView) -> bool:
        """Say whether this peer has had it, so that nothing older is of use."""
        had = self.me in view.done or (view.message.id, "active") in self._said
        return had and view.status in ("running", "complete")

    def _is_due(self, view: RolloutView) -> bool:
        """Say whether there is something for this peer to do about a roll-out, now or when its turn comes."""
        if view.status not in ("running", "complete") or self.me not in view.order:
            return False
        said = any((view.message.id, stage) in self._said for stage in ("active", "failed"))
        return not said and self.me not in view.done | view.returned and not self._has_failed(view)

    def _say(self, view: RolloutView, stage: Stage, installer: Installer, why: str = "") -> RolloutState:
        self._said.add((view.message.id, stage))
        return RolloutState.of(view.message.id, stage, installer.installed, why)


def _hex(hash: bytes | None) -> str:
    return "nothing" if hash is None else hash.hex()[:12]
