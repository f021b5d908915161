r"""Where a roll-out stands, from the messages alone: which wave, who installs now, who is done, whether all go back.

    order    the peers it is for, by BLAKE3("waggle/wave/1\0" ‖ roll-out ‖ peer): another order for each roll-out, so
             that nobody is always the canary, and nobody has to be told (rendezvous hashing)
    waves    the first 1, then ⌈share · n⌉ of them, as the roll-out says
    need     a wave of m peers is over when ⌈healthy · m⌉ of the m are well
    halt     when so many of an open wave have failed that it cannot be over any more

A failure counts for good, whatever the peer says later, so that a halt is never taken back when more messages come; and
peers who have gone back count as failed, so that it stands when members come and go. A peer that is not well never
counts for more than one: a liar can stop a roll-out while it is the canary, and a new roll-out draws another canary.

Source: Thaler, Ravishankar 1998, "Using name-based mappings to increase hit rates" (rendezvous hashing),
doi:10.1109/90.663936; waves and health: the project's card of Geng et al. 2025, arXiv:2503.13784.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from blake3 import blake3

from waggledance.core import UNIT, Message, MessageId, PeerId, show
from waggledance.mesh._rollout import Rollout, RolloutState, Traits, matches

Certified = Callable[[Message[Rollout]], bool]
"""Says whether the certificate that a roll-out names is there, holds, and decided the roll-out's `subject`."""


Status = Literal["running", "complete", "halted", "refused"]


@dataclass(frozen=True)
class RolloutView:
    """Where one roll-out stands."""

    message: Message[Rollout]
    status: Status
    why: str
    """Why it was halted or refused; empty else."""
    wave: int
    """The wave that is open, from 0, or at which it ended."""
    order: tuple[PeerId, ...]
    """Whom it is for, in the order of their turns."""
    install: frozenset[PeerId]
    """Who should install now."""
    done: frozenset[PeerId]
    """Who is well with it."""
    failed: Mapping[PeerId, str]
    """Who could not install it, or was not well, and why."""
    roll_back: frozenset[PeerId]
    """Who should go back to the base, and has not said that it has."""
    returned: frozenset[PeerId]
    """Who has gone back."""

    @property
    def rollout(self) -> Rollout:
        """What was announced."""
        return self.message.body

    @property
    def holders(self) -> frozenset[PeerId]:
        """Who can be asked for the artefact: its author, and everybody who has installed it."""
        return self.done | self.returned | {self.message.author}


def rollouts_of(
    messages: Iterable[Message[Any]],
    members: Mapping[PeerId, Traits],
    *,
    certified: Certified,
    absent: Set[PeerId] = frozenset(),
) -> dict[MessageId, RolloutView]:
    """Return where every roll-out stands: a pure function, blind to order and repetition of messages.

    Args:
        messages: what was said; anything but roll-outs and their states is passed over.
        members: everybody in the swarm, with what its capability record says it is; others' words do not count.
        certified: whether a roll-out's certificate holds.
        absent: who is dead as far as this peer knows and has said nothing on a roll-out: left out of its waves, so that
            a dead canary does not hold it up. The one thing here that peers may see differently for a while; all that
            comes of it is that another peer goes first.
    """
    heard = {m.id: m for m in messages if m.author in members}
    states = defaultdict[MessageId, list[Message[RolloutState]]](list)
    for message in heard.values():
        if isinstance(message.body, RolloutState):
            states[message.body.rollout].append(message)
    views = dict[MessageId, RolloutView]()
    first = dict[tuple[str, int], MessageId]()
    for message in sorted((m for m in heard.values() if isinstance(m.body, Rollout)), key=_said_first):
        place = (message.body.slot, message.body.version)
        ahead = first.get(place)
        view = _view(message, states[message.id], members, absent, _refusal(message, certified), ahead)
        views[message.id] = view
        if view.status in ("running", "complete"):
            first[place] = message.id
    return views


def wave_sizes(targets: int, waves_ppm: Sequence[int]) -> tuple[int, ...]:
    """Return how many peers have had their turn by the end of each wave; waves that add nobody are left out.

    >>> wave_sizes(25, (100_000, 500_000, 1_000_000))
    (1, 3, 13, 25)
    >>> wave_sizes(1, (100_000, 500_000, 1_000_000))
    (1,)
    """
    sizes = [min(1, targets), *(-(-share * targets // UNIT) for share in waves_ppm)]
    return tuple(sorted({size for size in sizes if size}))


def _said_first(message: Message[Rollout]) -> tuple[int, MessageId]:
    return message.lamport, message.id


def _refusal(message: Message[Rollout], certified: Certified) -> str:
    rollout = message.body
    if not rollout.needs_certificate:
        return ""
    if rollout.certificate is None:
        return f"what goes into {rollout.slot} is run or obeyed, and needs a decision certificate"
    return (
        "" if certified(message) else f"certificate {show(rollout.certificate)} is not here, or decided something else"
    )


def _view(
    message: Message[Rollout],
    states: Sequence[Message[RolloutState]],
    members: Mapping[PeerId, Traits],
    absent: Set[PeerId],
    refusal: str,
    ahead: MessageId | None,
) -> RolloutView:
    rollout = message.body
    active, failed, returned = set[PeerId](), dict[PeerId, str](), set[PeerId]()
    for state in sorted(states):
        if state.body.state == "active" and state.body.result == rollout.result:
            active.add(state.author)
        elif state.body.state == "rolled-back":
            returned.add(state.author)
        else:
            failed.setdefault(state.author, state.body.why or "its result has another hash")
    spoke = active | failed.keys() | returned
    targets = (p for p in members if matches(rollout.target, p, members[p]) and (p not in absent or p in spoke))
    order = tuple(sorted(targets, key=lambda peer: _draw(message.id, peer)))
    unwell = failed.keys() | returned
    done = frozenset(active - unwell)
    sizes = wave_sizes(len(order), rollout.waves_ppm)
    wave, status = _stand(rollout.healthy_ppm, [order[:size] for size in sizes], done, unwell)
    why = ""
    if status == "halted":
        why = f"wave {wave}: {len(unwell & set(order[: sizes[wave]]))} of {sizes[wave]} failed or went back"
    elif ahead is not None:
        status, why = "halted", f"another roll-out of {rollout.slot} version {rollout.version} was said first"
    if refusal:
        status, why = "refused", refusal
    is_open = status in ("running", "complete")
    turn = order[: sizes[wave]] if is_open and sizes else ()
    return RolloutView(
        message, status, why, wave, order,
        install=frozenset(turn) - done - unwell,
        done=done,
        failed=failed,
        roll_back=frozenset(order) - returned if status == "halted" else frozenset(),
        returned=frozenset(returned),
    )  # fmt: skip


def _stand(
    healthy_ppm: int, waves: Sequence[Sequence[PeerId]], done: Set[PeerId], unwell: Set[PeerId]
) -> tuple[int, Status]:
    for wave, peers in enumerate(waves):
        need = -(-healthy_ppm * len(peers) // UNIT)
        if len(peers) - len(unwell & set(peers)) < need:
            return wave, "halted"
        if len(done & set(peers)) < need:
            return wave, "running"
    return max(0, len(waves) - 1), "complete"


@lru_cache(maxsize=1 << 16)
def _draw(rollout: MessageId, peer: PeerId) -> bytes:
    return blake3(b"waggle/wave/1\0" + rollout + peer).digest()
