"""Discovery: who of all known peers should be asked. Policy first, then skills and prices, then meaning, then cost.

    gate     every policy flag that the need demands is in the record
    filters  skill ids; one skill with all tags, inputs and outputs; the price limit
    nearness of the record's text to the need's, in 1/1024, times observed success where it has been observed
    window   all within 0.02 of the best: of these the cheapest first; then the others, nearest first
    ties     higher merit, then a hash of the need and the peer's id

The result is a pure function of its arguments, blind to the order of the records. Ties are broken by a hash of need and
id, and not by the id itself: keys can be made by the million until one is small, and would then win every tie.

**Observed success** counts from five observed tasks on, as (good + 1)/(tasks + 2). A peer observed less often is taken
for an average one: the mean of those that were observed, and never less than one half. So that newcomers are tried,
one need in twenty goes to one of them instead (*exploration*), if a known peer stands first; which needs do is a
function of the seed and the need.

Source: Giusti et al. 2025, "Federation of Agents", arXiv:2509.20175; the window instead of a weighted cost, from the
project's own measurement (`benchmarks/discovery.py` repeats it). Matching kinds of input and output before meaning:
Ioannides et al. 2025, "MOD-X", arXiv:2507.04376. The quota: Nasrulin et al. 2022, "MeritRank", arXiv:2207.09950.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
from blake3 import blake3

from waggledance.core import UNIT, PeerId, UsageError, show
from waggledance.mesh._capability import MAX_NAME_CHARS, MAX_NUMBER, MAX_TEXT_CHARS, check_texts
from waggledance.mesh._records import Record
from waggledance.topology import SIMILARITY_STEPS, by_meaning, similarities_to

if TYPE_CHECKING:
    from waggledance.topology import Embed

WINDOW = 20
"""0.02 in 1/1024. A window of 0.1 lost 11 to 14 points of accuracy in the card's measurement."""
ENOUGH_TASKS = 5
"""Fewer observed tasks say nothing yet."""
EXPLORED_PPM = 50_000
"""The share of needs that go to newcomers."""


class Need(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What somebody looks for. Everything left out is not asked for."""

    text: str = ""
    """In words; compared by meaning."""
    skills: tuple[str, ...] = ()
    """Skill ids, all of which the peer must have."""
    tags: tuple[str, ...] = ()
    """Tags that one skill of the peer must have all of, whatever their capitals."""
    takes: tuple[str, ...] = ()
    """Kinds of input, all of which that same skill must take."""
    gives: tuple[str, ...] = ()
    """Kinds of output, all of which that same skill must give."""
    policy: tuple[str, ...] = ()
    """Flags, all of which the record must have: a gate that nothing else opens."""
    max_micro_usd_1k: int | None = None
    """The most that a thousand tokens may cost, in millionths of a dollar."""

    def __post_init__(self) -> None:
        check_texts("a need's text", (self.text,), MAX_TEXT_CHARS)
        for what, texts in (("skills", self.skills), ("tags", self.tags), ("takes", self.takes),
                            ("gives", self.gives), ("policy", self.policy)):  # fmt: skip
            check_texts(f"a need's {what}", texts, 2 * MAX_NAME_CHARS, blank=False)
        if self.max_micro_usd_1k is not None and not 0 <= self.max_micro_usd_1k <= MAX_NUMBER:
            raise UsageError(f"a price limit is 0 or more micro-dollars, got {self.max_micro_usd_1k}")

    @property
    def id(self) -> bytes:
        """What the need is, in 32 bytes: of draws and ties."""
        return blake3(b"waggle/need/1\0" + msgspec.msgpack.encode(self, order="deterministic")).digest()


class Observed(msgspec.Struct, frozen=True, gc=False):
    """How a peer did at the tasks somebody saw: their number, and the sum of their outcomes in parts per million."""

    tasks: int
    good_ppm: int

    def __post_init__(self) -> None:
        if self.tasks < 0 or not 0 <= self.good_ppm <= self.tasks * UNIT:
            raise UsageError(f"{self.tasks} tasks have outcomes from 0 to {self.tasks * UNIT:,}, got {self.good_ppm:,}")

    @property
    def success_ppm(self) -> int:
        """(good + 1)/(tasks + 2), the mean of what may be believed after these outcomes (Laplace)."""
        return (self.good_ppm + UNIT) // (self.tasks + 2)


class Match(msgspec.Struct, frozen=True, gc=False):
    """A peer that meets a need, and everything its place rests on."""

    peer: PeerId
    record: Record
    similarity: int
    """Of the need's text and the record's, 0 to 1,024; 0 for all where the need has no text."""
    embedding: str
    """What compared them: ``"word_llama"`` or ``"hashed_ngrams"``, the latter by wording and not by meaning."""
    tasks: int
    """How many of its tasks were observed."""
    success_ppm: int
    """What its similarity is multiplied by: observed success, or an average one's where too little was observed."""
    score: int
    """Similarity times success, 0 to 1,024."""
    near: bool
    """Whether the score is within 0.02 of the best."""
    micro_usd_1k: int
    merit_ppm: int
    """Its reputation by MeritRank in the reader's eyes; breaks ties of price, and does nothing else."""
    explored: bool = False
    """Whether it stands first because newcomers are tried."""

    @property
    def why(self) -> str:
        """The reasons in a sentence, for people."""
        seen = f"{self.tasks} tasks seen" if self.tasks else "no task seen"
        first = ", tried as a newcomer" if self.explored else ""
        return (
            f"{self.record.capability.name} ({show(self.peer)}): "
            f"similarity {self.similarity / SIMILARITY_STEPS:.3f} by {self.embedding}, "
            f"success {self.success_ppm / UNIT:.2f} ({seen}), "
            f"${self.micro_usd_1k / 1000:g} per million tokens, merit {self.merit_ppm / UNIT:.4f}"
            f"{', among the nearest' if self.near else ''}{first}"
        )


def rank(
    need: Need,
    records: Iterable[Record],
    *,
    observed: Mapping[PeerId, Observed] | None = None,
    merit: Mapping[PeerId, int] | None = None,
    embed: Embed | None = None,
    seed: int = 0,
) -> list[Match]:
    """Return all peers that meet a need, the one to ask first.

    Args:
        need: what is looked for.
        records: records whose lease holds (`Records.live`), in any order, at most one a peer.
        observed: how peers did at tasks the reader saw (`observed_by`).
        merit: reputation in parts per million (`merits`).
        embed: how texts become vectors; `by_meaning()` when None.
        seed: whose draws decide which needs go to newcomers.

    Returns:
        At most one match a record; none where nobody meets the need.

    Raises:
        UsageError: two records of one peer, or `embed` gave no vectors.
    """
    met = sorted((r for r in records if meets(r, need)), key=lambda r: r.author)
    if len({r.author for r in met}) < len(met):
        raise UsageError("two records of one peer: rank what records_of(...) made of them")
    embed = embed or by_meaning()
    texts = [r.capability.text for r in met]
    alike = similarities_to(need.text, texts, embed) if need.text.strip() else (0,) * len(met)
    success = _success([r.author for r in met], observed or {})
    scores = [s * success[r.author] // UNIT if need.text.strip() else success[r.author] * SIMILARITY_STEPS // UNIT
              for r, s in zip(met, alike, strict=True)]  # fmt: skip
    best = max(scores, default=0)
    matches = [
        Match(
            record.author,
            record,
            similarity,
            getattr(embed, "__name__", type(embed).__name__),
            seen.tasks if (seen := (observed or {}).get(record.author)) is not None else 0,
            success[record.author],
            score,
            best - score <= WINDOW,
            record.capability.cost.micro_usd_1k,
            (merit or {}).get(record.author, 0),
        )
        for record, similarity, score in zip(met, alike, scores, strict=True)
    ]
    id = need.id
    matches.sort(key=lambda m: (0 if m.near else best - m.score, m.micro_usd_1k, -m.merit_ppm, _lot(id, m.peer)))
    return _with_newcomer(need, matches, seed)


def meets(record: Record, need: Need) -> bool:
    """Say whether a record passes a need's gate and filters. A record that does not say what it takes takes nothing."""
    claims = record.capability
    if not set(need.policy) <= set(claims.policy):
        return False
    if not set(need.skills) <= {skill.id for skill in claims.skills}:
        return False
    if need.max_micro_usd_1k is not None and claims.cost.micro_usd_1k > need.max_micro_usd_1k:
        return False
    tags = {tag.casefold() for tag in need.tags}
    return not (need.tags or need.takes or need.gives) or any(
        tags <= {tag.casefold() for tag in skill.tags}
        and set(need.takes) <= set(skill.takes)
        and set(need.gives) <= set(skill.gives)
        for skill in claims.skills
    )


def _success(peers: list[PeerId], observed: Mapping[PeerId, Observed]) -> dict[PeerId, int]:
    """Return what every peer's similarity is multiplied by, in parts per million."""
    known = {p: o.success_ppm for p in peers if (o := observed.get(p)) is not None and o.tasks >= ENOUGH_TASKS}
    average = max(UNIT // 2, sum(known.values()) // len(known)) if known else UNIT
    return {peer: known.get(peer, average) for peer in peers}


def _with_newcomer(need: Need, matches: list[Match], seed: int) -> list[Match]:
    """Put a newcomer first, if the draw says so and a known peer stands there."""
    if not matches or matches[0].tasks < ENOUGH_TASKS:
        return matches
    draw = int.from_bytes(blake3(b"waggle/explore/1\0%d\0" % seed + need.id).digest(8))
    best = max(m.similarity for m in matches)
    newcomers = [m for m in matches if m.tasks < ENOUGH_TASKS and 2 * m.similarity >= best]
    if not newcomers or draw % UNIT >= EXPLORED_PPM:
        return matches
    first = min(newcomers, key=lambda m: _lot(need.id, m.peer))
    return [msgspec.structs.replace(first, explored=True), *(m for m in matches if m is not first)]


def _lot(need: bytes, peer: PeerId) -> bytes:
    """Return what equals are ordered by; it favours nobody over many needs (a rendezvous hash)."""
    return blake3(b"waggle/lot/1\0" + need + peer).digest()
