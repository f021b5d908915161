"""A node's part in roll-outs: it keeps artefacts, gives them to others, installs its own, and says how it fares.

    FOLDER/blobs                  what travels, in chunks
    FOLDER/installed/KIND/NAME    what is in the slot ``KIND/NAME``, and beside it what was there before

What goes on in the lobby is folded into views (`rollouts_of`), the agent says what to do about them (`RolloutAgent`),
and this puts both on a node: timers, datagrams, files. A slot that somebody *wears*, such as an agent its prompts,
skills and adapters, is put on as soon as its file changes, back and forth.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Protocol

from waggledance.core import Message, MessageId, PeerId, UsageError
from waggledance.mesh._admission_bodies import Admit, Join, Leave, Revoke
from waggledance.mesh._agent_prompts import SLOT
from waggledance.mesh._blob_messages import BlobPayload, Sends
from waggledance.mesh._blob_server import BlobServer
from waggledance.mesh._blobs import Blobs
from waggledance.mesh._capability import Capability
from waggledance.mesh._install import FileArtefact, PromptSet
from waggledance.mesh._node import Node
from waggledance.mesh._records import records_of
from waggledance.mesh._rollout import NO_TRAITS, Rollout, RolloutState, Traits, matches
from waggledance.mesh._rollout_agent import RolloutAgent, Step
from waggledance.mesh._rollout_fold import RolloutView, rollouts_of
from waggledance.mesh._warrant import Warrant, warranted
from waggledance.mesh._wire import seal

logger = logging.getLogger(__name__)

LIMIT_BYTES = 4 << 30
"""Of artefacts that are kept at one peer."""
MAX_SLOTS = 64
GATHER_SECONDS = 0.05
"""What comes in within a moment is folded once."""
LOOK_SECONDS = 1.0
"""How often it is looked who is gone, while a roll-out runs."""
_SUFFIX = {"prompts": ".toml"}
_OURS = (".base", ".nothing", ".new")
"""How the files end that stand beside an installed one."""
_TOLD = (Rollout, RolloutState, Warrant, Capability, Join, Admit, Leave, Revoke)


class Wear(Protocol):
    """What a peer uses a slot's content for."""

    def put_on(self, content: bytes | None) -> None:
        """Use this from now on; what there was at first when None. Raises `UsageError` if it makes no sense."""
        ...

    async def probe(self) -> str:
        """Return what is wrong with what was put on, once it was tried; empty when nothing is."""
        ...

    def ailing(self) -> str | None:
        """Return what has gone wrong since it was put on; empty when nothing has, None when that does not show yet."""
        ...


class RolloutHere:
    """Roll-outs at one node.

    Args:
        node: the node; its `on_blob` is taken.
        folder: where artefacts and what is installed are kept; made if missing.
        wears: who uses what is in a slot, by slot.
        tailors: makes who uses what is in a slot, by kind of slot, when the slot is first opened.
        takes: the kinds of slots that this peer lets be filled, such as ``"skill"``; none for a peer that only gives.
        rng: luck: whom to ask for chunks.
    """

    def __init__(
        self,
        node: Node,
        folder: Path,
        *,
        wears: Mapping[str, Wear] | None = None,
        tailors: Mapping[str, Callable[[str], Wear]] | None = None,
        takes: Sequence[str] = (),
        rng: Random | None = None,
    ) -> None:
        self._node, self._folder, self._takes = node, folder / "installed", frozenset(takes)
        self._wears, self._tailors = dict(wears or {}), dict(tailors or {})
        self.blobs = Blobs(folder / "blobs", limit_bytes=LIMIT_BYTES)
        self._server = BlobServer(self.blobs)
        self._slots: dict[str, FileArtefact] = {}
        self._worn: dict[str, bytes | None] = {}
        self._faults: dict[str, str] = {}
        self._probes: dict[tuple[str, bytes], asyncio.Task[str]] = {}
        self._warranted: dict[MessageId, bool] = {}
        self._loop = asyncio.get_running_loop()
        self._due: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._agent = RolloutAgent(node.me, self.blobs, self._slots, rng or Random(), healthy=self._healthy)
        self._traits: Mapping[PeerId, Traits] = {}
        self.views: Mapping[MessageId, RolloutView] = {}
        """Where every roll-out stands, as this node sees it, by the id of its announcement."""
        for slot in self._wears:
            self._open_slot(slot)
        node.on_blob = self._on_blob
        self._unsubscribe = node.lobby.copy.subscribe(self._on)
        self._follow()

    async def close(self) -> None:
        """Install and give no more. Closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        self._unsubscribe()
        self._node.on_blob = None
        for timer in (self._due, self._timer):
            if timer is not None:
                timer.cancel()
        for task in self._probes.values():
            task.cancel()
        await asyncio.gather(*self._probes.values(), return_exceptions=True)

    def installed(self) -> Mapping[str, bytes]:
        """Return the BLAKE3 of what is in each slot that is filled here."""
        return {slot: hash for slot, file in self._slots.items() if (hash := file.installed) is not None}

    def check_for_somebody(self, rollout: Rollout) -> None:
        """Refuse a roll-out that is for nobody, as far as members have said what they are.

        Raises:
            UsageError: says which tags there are.
        """
        if not any(matches(rollout.target, peer, traits) for peer, traits in self._traits.items()):
            tags = sorted({tag for traits in self._traits.values() for tag in traits.tags})
            raise UsageError(
                f"no member has all of the tags {', '.join(rollout.target.tags) or 'that are asked for'}; there are: "
                f"{', '.join(tags) or 'none. Members take tags with `waggle join --tag TAG`'}"
            )

    def announce(self, rollout: Rollout, content: bytes, warrant: Warrant | None = None) -> Message[Rollout]:
        """Begin a roll-out: keep the artefact, and say in the lobby what it is and what it rests on.

        Raises:
            BlobsFull: there is no room for the artefact.
            UsageError: the content is not the artefact that the roll-out names.
        """
        if self.blobs.put(content) != rollout.artefact.h:
            raise UsageError("the content is not the artefact that the roll-out names")
        node, lobby = self._node, self._node.lobby.copy
        if warrant is not None:
            lobby.publish(node.me, warrant, [], node.clock.wall_ms())
        voters = {member.id for member in node.members.values() if member.weight}
        heads = lobby.heads()
        seen = sorted(heads.values(), key=lambda m: (m.author not in voters, not isinstance(m.body, Join), m.id))
        return lobby.publish(node.me, rollout, seen[:64], node.clock.wall_ms())

    # -- the lobby ----------------------------------------------------------------------------------------------

    def _on(self, message: Message[Any], _raw: bytes) -> None:
        if isinstance(message.body, _TOLD):
            self._soon(GATHER_SECONDS)

    def _soon(self, in_s: float) -> None:
        if not self._closed and (self._due is None or self._due.when() > self._loop.time() + in_s):
            if self._due is not None:
                self._due.cancel()
            self._due = self._loop.call_later(in_s, self._follow)

    def _follow(self) -> None:
        self._due = None
        node, lobby = self._node, self._node.lobby.copy
        records = records_of(lobby.messages()).by_author
        traits = {p: traits_of(records[p].capability) if p in records else NO_TRAITS for p in node.members}
        self._traits = traits
        dead = {peer for peer, state in node.swim.states().items() if state.status in ("dead", "left")}
        self.views = rollouts_of(lobby.messages(), traits, certified=self._certified, absent=dead)
        for view in self.views.values():
            if node.me in view.order:
                self._open_slot(view.rollout.slot)
        takes_not = [v for v in self.views.values() if node.me in v.install and v.rollout.slot not in self._slots]
        for view in takes_not:  # said, so that nobody waits for it
            why = f"this peer takes nothing into {view.rollout.slot}"
            self._publish(RolloutState.of(view.message.id, "failed", None, why))
        self._do(self._agent.follow(self.views, node.clock.now()))
        if any(view.status == "running" for view in self.views.values()):
            self._soon(LOOK_SECONDS)

    def _certified(self, message: Message[Rollout]) -> bool:
        """Say whether a roll-out may be run. It hangs on its past alone, which is all here, so it is looked at once."""
        if message.id not in self._warranted:
            messages = {m.id: m for m in self._node.lobby.copy.messages()}
            self._warranted[message.id] = not warranted(self._node.genesis, messages, message)
        return self._warranted[message.id]

    # -- files --------------------------------------------------------------------------------------------------

    def _open_slot(self, slot: str) -> None:
        kind, _, name = slot.partition("/")
        full = len(self._slots) >= MAX_SLOTS or name.endswith(_OURS)
        if slot in self._slots or kind not in self._takes or full or (kind == "prompts" and slot not in self._wears):
            return
        path = self._folder / kind / (name + _SUFFIX.get(kind, ""))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._slots[slot] = PromptSet(path) if slot == SLOT else FileArtefact(path)
        if kind in self._tailors and slot not in self._wears:
            self._wears[slot] = self._tailors[kind](slot)
        self._dress()

    def _dress(self) -> None:
        """Let those who wear a slot put on what is in it now, where that has changed."""
        for slot, wear in self._wears.items():
            file = self._slots.get(slot)
            now = None if file is None else file.installed
            if file is None or self._worn.get(slot) == now:
                continue
            self._worn[slot] = now
            self._faults.pop(slot, None)
            for task in [self._probes.pop(key) for key in list(self._probes) if key[0] == slot]:
                task.cancel()
            try:
                wear.put_on(None if now is None else file.path.read_bytes())
            except (UsageError, OSError) as why:
                self._faults[slot] = str(why)
                logger.warning("what is in %s is not used: %s", slot, why)

    def _healthy(self, rollout: Rollout) -> str | None:
        """Say how this peer is with what was installed; see `Health`."""
        wear = self._wears.get(rollout.slot)
        if wear is None:
            return ""
        self._dress()
        fault = self._faults.get(rollout.slot)
        if fault:
            return fault
        key = (rollout.slot, rollout.result)
        if key not in self._probes:
            self._probes[key] = task = self._loop.create_task(wear.probe())
            task.add_done_callback(lambda _: self._tick())
        task = self._probes[key]
        if not task.done():
            return None
        if task.cancelled() or task.exception() is not None:
            return f"a probe could not be asked: {'cancelled' if task.cancelled() else task.exception()}"
        return task.result() or wear.ailing()

    # -- doing --------------------------------------------------------------------------------------------------

    def _on_blob(self, sender: PeerId, payload: BlobPayload, now: float) -> Sends:
        step = self._agent.on(sender, payload, now)
        self._say(step)
        return [*self._server.on(sender, payload, now), *step.sends]

    def _tick(self) -> None:
        if not self._closed:
            self._do(self._agent.tick(self._node.clock.now()))

    def _do(self, step: Step) -> None:
        node = self._node
        for to, payload in step.sends:
            node.transport.send(to, seal(node.key, node.swarm, to, payload))
        self._say(step)

    def _say(self, step: Step) -> None:
        """Publish what the agent says, look at what it installed, and set the timer."""
        self._dress()
        for state in step.states:
            self._publish(state)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._agent.next_at
        if at is not None and not self._closed:
            self._timer = self._loop.call_later(max(0.01, at - self._node.clock.now()), self._tick)

    def _publish(self, state: RolloutState) -> None:
        node, lobby = self._node, self._node.lobby.copy
        about = lobby.get(MessageId(state.rollout))
        lobby.publish(node.me, state, [] if about is None else [about], node.clock.wall_ms())


def traits_of(capability: Capability) -> Traits:
    """Return what a record says of its author, as far as roll-outs look at it: skill ids as types, tags of all skills.

    Tags are compared whatever their capitals.
    """
    tags = frozenset(tag.casefold() for skill in capability.skills for tag in skill.tags)
    return Traits(frozenset(skill.id for skill in capability.skills), tags)
