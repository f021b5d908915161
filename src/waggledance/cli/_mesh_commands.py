"""`waggle mesh`: how the peers that run on this machine are doing, whom they see, and invites to their swarms."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from waggledance.cli._counted import counted
from waggledance.cli._printing import print_json, print_table, print_text, say, terminal
from waggledance.core import UNIT, LoopClock, RunFailed, UnknownName, UsageError
from waggledance.mesh import (
    STALE_SECONDS,
    Home,
    LocalPeer,
    Order,
    Seen,
    Status,
    load_key,
    new_invite,
    peers_here,
    place,
)

LOOK_EVERY_SECONDS = 0.5
_STYLES = {"alive": "green", "suspect": "yellow", "dead": "red", "away": "dim"}
LEAST_DIGITS = 6
"""Of a key that is meant by how it begins."""


def show_status(swarm: str | None, *, as_json: bool) -> None:
    """Print how the peers of this machine are doing."""
    here = peers_here(swarm)
    if as_json:
        print_json({"peers": [_as_json(peer) for peer in here]})
        return
    if not here:
        say("no swarm is known here. Found one with: waggle join --new NAME, or join one with an invite")
        return
    for i, peer in enumerate(here):
        if i:
            print_text("")
        print_table(("what", "value"), _rows(peer))


def show_genesis(swarm: str | None) -> None:
    """Print a swarm's genesis."""
    home = Home()
    names = home.swarms() if swarm is None else (swarm,)
    if len(names) != 1:
        raise UsageError(f"say which swarm: {', '.join(names) or 'none is known here'}")
    print_text(home.genesis(names[0]).to_json().rstrip())


def show_peers(swarm: str | None, key: str | None, *, as_json: bool) -> None:
    """Print whom a peer of this machine sees."""
    status = _running(swarm, key)
    if as_json:
        print_json({"swarm": status.swarm, "seen_by": status.name, "members": msgspec.to_builtins(status.members)})
        return
    print_table(
        ("name", "state", "vote", "rtt ms", "models", "skills", "$/M tokens", "where", "key"),
        [
            (
                member.name,
                "here" if member.key == status.key else state_of(member),
                f"{member.weight / UNIT:g}",
                "" if member.rtt_ms is None else member.rtt_ms,
                ", ".join(member.models),
                ", ".join(member.skills),
                f"{member.micro_usd_1k / 1000:g}",
                ", ".join(member.where),
                member.key[:12],
            )
            for member in status.members
        ],
    )


def watch(swarm: str | None, key: str | None) -> None:
    """Print what changes in a swarm as a peer of this machine sees it, until interrupted."""
    import sys

    console = terminal(sys.stdout)
    if console is not None:
        _watch_live(swarm, key)
    before: Status | None = None
    while True:
        peer = peer_meant(swarm, key)
        now = peer.status if peer.runs else None
        for line in _changes(before, now, peer):
            print_text(line)
        sys.stdout.flush()
        before = now
        time.sleep(LOOK_EVERY_SECONDS)


def invite(
    swarm: str | None, key: str | None, *, vote: bool, guest: str, days: int, endpoints: Sequence[str], as_json: bool
) -> None:
    """Print an invite for one peer."""
    home = Home()
    peer = peer_meant(swarm, key)
    genesis = home.genesis(peer.swarm)
    where = tuple(endpoints)
    if not where and peer.status is not None:
        others = [e for m in peer.status.members if m.state == "alive" for e in m.where]
        where = tuple(dict.fromkeys((*peer.status.listening, *others)))[:8]
    if not where:
        raise UsageError(
            f"no peer of {peer.swarm!r} runs here, so nobody knows where its members are reached: start one with "
            f"`waggle join {peer.swarm} --as {peer.key}`, or give --endpoint tcp/HOST:PORT"
        )
    made = new_invite(
        load_key(home.known_key_file(peer.key)), genesis, endpoints=where, now_ms=LoopClock().wall_ms(), days=days,
        weight=UNIT if vote else 0, guest=guest,
    )  # fmt: skip
    if as_json:
        print_json({"invite": made.text, "swarm": genesis.name, "endpoints": list(where), "days": days, "vote": vote})
        return
    print_text(made.text)
    local = [e for e in where if "/127." in e or "/localhost" in e or "/[::1]" in e]
    if local == list(where):
        say("it leads to this machine only; for others start the peer with --listen tcp/0.0.0.0:7447")
    voting = "with a vote" if vote else "without a vote"
    say(f"good for one peer, {counted(days, 'day')}, {voting}; send it as you would a password")


def order(
    swarm: str | None, key: str | None, act: Literal["admit", "revoke", "leave"], who: str, vote: float, why: str
) -> None:
    """Let a peer that runs here vote to admit or revoke somebody, or leave."""
    peer = peer_meant(swarm, key)
    if peer.status is None or not peer.runs:
        raise UsageError(
            f"{peer.key} of swarm {peer.swarm!r} does not run, and only it can speak with its key: start it with "
            f"`waggle join {peer.swarm} --as {peer.key}`"
        )
    about = "" if act == "leave" else _key_of(peer.status, who)
    file = place(peer.file.parent, Order(act=act, who=about, weight=round(vote * UNIT), reason=why))
    until = time.monotonic() + STALE_SECONDS
    while file.exists():
        if time.monotonic() > until:
            file.unlink(missing_ok=True)
            raise RunFailed(
                f"{peer.key} (pid {peer.status.pid}) did not carry it out within {STALE_SECONDS:g} s: it hangs"
            )
        time.sleep(0.1)
    say(f"{peer.key} said so in the lobby of {peer.swarm}; see `waggle mesh status {peer.swarm}`")


def _key_of(status: Status, who: str) -> str:
    """Return the key of a member or of somebody who waits, by its name, or by how its key alone begins."""
    known = {member.key: member.name for member in status.members}
    known.update((waiting.key, waiting.name) for waiting in status.waiting)
    found = [key for key, name in known.items() if name == who]
    if not found and len(who) >= LEAST_DIGITS:
        found = [key for key in known if key.startswith(who)]
    if len(found) != 1:
        raise UnknownName("member or waiting peer", who, sorted(known.values()))
    return found[0]


def peer_meant(swarm: str | None, key: str | None) -> LocalPeer:
    """Return the peer that is meant: of several, one that runs."""
    here = [peer for peer in peers_here(swarm) if key is None or peer.key == key]
    if not here:
        raise UsageError("no such peer on this machine. See `waggle mesh status`, or join a swarm with `waggle join`")
    running = [peer for peer in here if peer.runs] or here
    if len({peer.swarm for peer in running}) > 1:
        raise UsageError(f"say which swarm: {', '.join(sorted({peer.swarm for peer in running}))}")
    return running[0]


def _running(swarm: str | None, key: str | None) -> Status:
    peer = peer_meant(swarm, key)
    if peer.status is None or not peer.runs:
        raise UsageError(
            f"{peer.key} of swarm {peer.swarm!r} does not run: start it with `waggle join {peer.swarm} --as {peer.key}`"
        )
    return peer.status


def _rows(peer: LocalPeer) -> list[tuple[str, object]]:
    status = peer.status
    rows: list[tuple[str, object]] = [("swarm", peer.swarm), ("peer", peer.key)]
    if status is None:
        return [*rows, ("state", f"does not run; waggle join {peer.swarm} --as {peer.key}")]
    silent = f"last heard of {peer.age_s:.0f} s ago (pid {status.pid}): it hangs, or ended without a word"
    rows.append(("state", "runs" if peer.runs else silent))
    states = Counter(map(state_of, status.members))
    rows += [
        ("key", status.key),
        ("swarm id", status.swarm_id),
        ("listening", ", ".join(status.listening) or "nowhere"),
        ("links", status.links),
        ("members", ", ".join(f"{states[state]} {state}" for state in _STYLES if states[state])),
        ("epoch", status.epoch),
        ("questions", f"{status.channels}, {status.open} open; answered {status.answered}, failed {status.failed}"),
        ("messages", f"{status.messages:,}"),
        ("refused", _counted(status.refused)),
        ("dropped", _counted(status.dropped)),
    ]
    rows += [("waiting", f"{w.name} {w.key}: waggle mesh admit {w.name}") for w in status.waiting]
    return [*rows, *(("ALARM", alarm) for alarm in status.alarms)]


def state_of(member: Seen) -> str:
    """Return how a member is, in a word: who said goodbye is away, and so is a silent one that no vote waits for.

    Both are members still. Askers come and go; only of those with a vote is it news that one has gone without a word.
    """
    gone = member.state == "left" or (member.state == "dead" and not member.weight)
    return "away" if gone else member.state


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in counts.items()) or "nothing"


def _changes(before: Status | None, now: Status | None, peer: LocalPeer) -> list[str]:
    """Return a line for each thing that changed."""
    if now is None:
        return [f"{peer.key} does not run"] if before is not None else []
    if before is None:
        alive = sum(member.state == "alive" for member in now.members)
        return [f"{now.name} in {now.swarm}: {alive} of {len(now.members)} members alive, {now.channels} questions"]
    lines: list[str] = []
    was = {member.key: member for member in before.members}
    for member in now.members:
        if member.key not in was:
            lines.append(f"{member.name} joined")
        elif state_of(member) != state_of(was[member.key]):
            lines.append(f"{member.name} is {state_of(member)}")
    gone = was.keys() - {member.key for member in now.members}
    lines += [f"{was[key].name} left" for key in sorted(gone)]
    if now.channels > before.channels:
        lines.append(f"{counted(now.channels - before.channels, 'new question')}, {now.open} open")
    if now.answered > before.answered:
        lines.append(f"answered {now.answered - before.answered}")
    for reason, n in now.refused.items():
        if n > before.refused.get(reason, 0):
            lines.append(f"refused {n - before.refused.get(reason, 0)}: {reason}")
    lines += [f"ALARM {alarm}" for alarm in now.alarms if alarm not in before.alarms]
    return lines


def _watch_live(swarm: str | None, key: str | None) -> None:
    """Draw the members again and again, on a terminal."""
    from rich.live import Live
    from rich.table import Table

    with Live(refresh_per_second=4) as live:
        while True:
            peer = peer_meant(swarm, key)
            status = peer.status
            title = f"{peer.key} of {peer.swarm} does not run"
            table = Table(box=None, padding=(0, 2, 0, 0))
            for column in ("", "name", "state", "vote", "rtt ms", "models"):
                table.add_column(column)
            if status is not None and peer.runs:
                title = (
                    f"{status.swarm} as {status.name} sees it · {status.channels} questions, {status.open} open · "
                    f"{status.messages:,} messages · refused {sum(status.refused.values()):,}"
                )
                for m in status.members:
                    state, style = state_of(m), _STYLES[state_of(m)]
                    table.add_row(f"[{style}]●[/]", m.name, f"[{style}]{state}[/]", f"{m.weight / UNIT:g}",
                                  "" if m.rtt_ms is None else f"{m.rtt_ms:g}", ", ".join(m.models))  # fmt: skip
            table.title, table.title_justify = title, "left"
            live.update(table)
            time.sleep(LOOK_EVERY_SECONDS)


def _as_json(peer: LocalPeer) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(peer.status) if peer.status is not None else {}
    return {"swarm": peer.swarm, "peer": peer.key, "runs": peer.runs, **told}
