"""`waggle mesh find`, `card` and `reputation`: whom to ask, who one is to others, and how others did."""

from __future__ import annotations

from waggledance.cli._mesh_log import most_experienced, on_disk
from waggledance.cli._printing import print_json, print_table, print_text, say
from waggledance.core import UNIT, LoopClock, UsageError, run_awake, with_extra
from waggledance.mesh import (
    Dialling,
    Feedback,
    Finder,
    Home,
    Match,
    Need,
    Observed,
    card_of,
    edges_of,
    load_key,
    merits,
    observed_by,
    present,
    records_of,
    way_to,
)

NOBODY = 3


def find(swarm: str | None, need: Need, key_name: str, dialling: Dialling, *, as_json: bool) -> bool:
    """Print who of a swarm meets a need, the one to ask first, and why; return whether anybody does.

    Raises:
        NotLetIn: nobody of the swarm answers, or this key is no member.
    """
    matches = run_awake(_matches(swarm, need, key_name, dialling))
    if as_json:
        print_json({"found": [_as_json(match) for match in matches]})
    elif not matches:
        say("nobody who is here meets that. Leave out a skill or the price limit, or see: waggle mesh peers")
    else:
        if need.text and matches[0].embedding == "hashed_ngrams":
            say(with_extra("compared by wording and not by meaning, which needs wordllama", "discovery"))
        print_table(
            ("name", "near", "success", "tasks", "$/M tokens", "merit", "skills", "why"),
            [
                (
                    match.record.capability.name,
                    f"{match.similarity / 1024:.2f}",
                    f"{match.success_ppm / UNIT:.2f}",
                    match.tasks,
                    f"{match.micro_usd_1k / 1000:g}",
                    f"{match.merit_ppm / UNIT:.3f}",
                    ", ".join(skill.id for skill in match.record.capability.skills),
                    _why(match, first=match is matches[0]),
                )
                for match in matches
            ],
        )
    return bool(matches)


def print_card(name: str | None, swarm: str | None) -> None:
    """Print a peer of this machine as a signed A2A card, in JSON.

    Raises:
        RunFailed: the extra ``a2a`` is not installed.
        UsageError: there is no such peer, or it has said nothing of itself.
    """
    disk = on_disk(swarm, name)
    record = records_of(disk.lobby).by_author.get(disk.me)
    if record is None:
        raise UsageError(
            f"{disk.local.key} has said nothing of itself in {disk.local.swarm!r}: start it with "
            f"`waggle join {disk.local.swarm} --as {disk.local.key}`"
        )
    print_text(card_of(record.capability, load_key(Home().known_key_file(disk.local.key))))


def show_reputation(swarm: str | None, key: str | None, *, as_json: bool) -> None:
    """Print how members did, in the eyes of one peer of this machine: what it saw itself, and MeritRank."""
    disk = most_experienced(swarm) if key is None else on_disk(swarm, key)
    said, tasks = [m for m in disk.lobby if isinstance(m.body, Feedback)], disk.tasks()
    edges = edges_of(said, tasks)
    merit, seen = merits(disk.me, edges.weights, edges.cut), observed_by(disk.me, said, tasks)
    members = [member for member in disk.membership.members.values() if member.id != disk.me]
    members.sort(key=lambda m: (-merit.get(m.id, 0), m.name, m.id))
    none = Observed(0, 0)
    if as_json:
        print_json(
            {
                "swarm": disk.local.swarm,
                "seen_by": disk.local.key,
                "feedback": len(said),
                "members": [
                    {
                        "name": m.name,
                        "key": m.id.hex(),
                        "merit_ppm": merit.get(m.id, 0),
                        "tasks": seen.get(m.id, none).tasks,
                        "good_ppm": seen.get(m.id, none).good_ppm,
                    }
                    for m in members
                ],
            }
        )
        return
    if not said:
        say("nobody has given feedback yet: an asker does, after every decided question")
    print_table(
        ("name", "merit", "tasks seen", "as decided", "key"),
        [
            (
                m.name,
                f"{merit.get(m.id, 0) / UNIT:.3f}",
                seen.get(m.id, none).tasks,
                f"{seen.get(m.id, none).good_ppm / UNIT:g}",
                m.id.hex()[:12],
            )
            for m in members
        ],
    )


async def _matches(swarm: str | None, need: Need, key_name: str, dialling: Dialling) -> list[Match]:
    home = Home()
    known = home.swarms()
    if swarm is None and len(known) != 1:
        raise UsageError(f"say which swarm with --swarm: {', '.join(known) or 'none is known here'}")
    way = way_to(home, swarm or known[0], now_ms=LoopClock().wall_ms())
    async with present(home, way, key_name, dialling) as node:
        finder = Finder(node)
        await finder.meet()
        return finder.find(need)


def _why(match: Match, *, first: bool) -> str:
    if match.explored:
        return "a newcomer's turn"
    reasons = ["among the nearest" if match.near else "less near"]
    if first and match.near:
        reasons.append("of these the cheapest, then by merit")
    if not match.tasks:
        reasons.append("no task seen")
    return "; ".join(reasons)


def _as_json(match: Match) -> dict[str, object]:
    return {
        "name": match.record.capability.name,
        "key": match.peer.hex(),
        "similarity": match.similarity / 1024,
        "embedding": match.embedding,
        "success_ppm": match.success_ppm,
        "tasks": match.tasks,
        "micro_usd_1k": match.micro_usd_1k,
        "merit_ppm": match.merit_ppm,
        "near": match.near,
        "explored": match.explored,
        "skills": [skill.id for skill in match.record.capability.skills],
        "where": match.record.capability.where,
        "why": match.why,
    }
