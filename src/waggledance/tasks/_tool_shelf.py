"""Tools that peers write for each other: code with tests, offered, vouched for, retired; who may be used is a fold.

A tool is usable when at least two peers who did not offer it have run its tests and say that they passed, and more say
so than say otherwise. An author's own word counts for nothing. Nothing runs here but in the sandbox: code that peers
write is the largest way in there is, so nobody runs any unless they ask to.

Source: "AgentOrchestra", arXiv:2506.12508: its tool manager (look up, create, check, register); that peers vouch is
ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from blake3 import blake3

from waggledance.core import Body, Message, PeerId, UsageError
from waggledance.tasks._plan_lint import threshold

if TYPE_CHECKING:
    from waggledance.topology import Embed

VOUCHERS = 2
MAX_CODE_CHARS = 20_000
LIKE_PPM = 950_000
"""Two tools do the same when their descriptions are nearer than this share of parts of plans that differ."""
_WORD_STEPS = 128
"""What a word in common is worth beside similarity, of 1,024."""

_NAME = re.compile(r"[a-z][a-z0-9_]{1,63}")
_Id = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Code = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CODE_CHARS)]


class ToolOffer(Body, frozen=True, gc=False):
    """A tool: Python code that defines a function of its name, and tests that import it from ``tool``."""

    kind: ClassVar[str] = "tool/1"
    name: str
    about: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
    """What it does, in words; what it is found by."""
    code: _Code
    tests: _Code
    """A program that ends with exit code 0 if the tool works."""

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise UsageError(f"a tool is named like a Python function in small letters, got {self.name!r:.80}")

    @property
    def tool(self) -> bytes:
        """The tool's id, 32 bytes: the hash of name, code and tests, whoever offers it."""
        text = b"\0".join(part.encode() for part in (self.name, self.code, self.tests))
        return blake3(b"waggle/tool/1\0" + text).digest()


class ToolVouch(Body, frozen=True, gc=False):
    """A peer ran a tool's tests."""

    kind: ClassVar[str] = "tool-vouch/1"
    tool: _Id
    passed: bool
    reason: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


class ToolRetire(Body, frozen=True, gc=False):
    """A tool is to be used no more; counts when one who offered it says so."""

    kind: ClassVar[str] = "tool-retire/1"
    tool: _Id


class Tool(msgspec.Struct, frozen=True):
    """A tool, and what peers say of it."""

    offer: ToolOffer
    authors: frozenset[PeerId]
    passed: frozenset[PeerId]
    """Who vouches for it, its authors left out."""
    failed: frozenset[PeerId]
    retired: bool

    @property
    def usable(self) -> bool:
        """Whether it may be used."""
        return not self.retired and len(self.passed) >= VOUCHERS and len(self.passed) > len(self.failed)


class ToolShelf:
    """The fold of offers, vouches and retirements; blind to order."""

    def __init__(self, messages: Iterable[Message[Any]] = ()) -> None:
        said = list(messages)
        offers = [m for m in said if isinstance(m.body, ToolOffer)]
        newest: dict[tuple[bytes, PeerId], Message[Any]] = {}
        for m in said:
            if isinstance(m.body, ToolVouch):
                key = (m.body.tool, m.author)
                newest[key] = max(newest.get(key, m), m, key=lambda one: (one.sequence, one.id))
        gone = {(m.body.tool, m.author) for m in said if isinstance(m.body, ToolRetire)}
        self.tools: dict[bytes, Tool] = {}
        for id in sorted({m.body.tool for m in offers}):
            mine = sorted(m for m in offers if m.body.tool == id)
            authors = frozenset(m.author for m in mine)
            votes = {peer: m.body.passed for (tool, peer), m in newest.items() if tool == id and peer not in authors}
            self.tools[id] = Tool(
                offer=mine[0].body,
                authors=authors,
                passed=frozenset(peer for peer, passed in votes.items() if passed),
                failed=frozenset(peer for peer, passed in votes.items() if not passed),
                retired=any((id, author) in gone for author in authors),
            )

    def usable(self, trusted: Collection[PeerId] | None = None) -> list[Tool]:
        """Return the tools that may be used, by id.

        Args:
            trusted: whose tools this peer runs: one of the authors must be among them; anybody's when None.
        """
        return [tool for _, tool in sorted(self.tools.items())
                if tool.usable and (trusted is None or tool.authors & set(trusted))]  # fmt: skip

    def search(self, need: str, k: int = 3, *, embed: Embed | None = None) -> list[Tool]:
        """Return the `k` usable tools that fit a need best, by meaning and by words in common.

        Raises:
            UsageError: k is below 1.
        """
        from waggledance.topology import by_meaning, similarities_to

        if k < 1:
            raise UsageError(f"a search finds at least one, got k={k}")
        tools = self.usable()
        near = similarities_to(need, [_words_of(tool) for tool in tools], embed or by_meaning())
        words = _stems(need)
        scored = [(-n - _WORD_STEPS * len(words & _stems(_words_of(t))), t.offer.tool, t)
                  for n, t in zip(near, tools, strict=True)]  # fmt: skip
        return [tool for _, _, tool in sorted(scored, key=lambda row: row[:2])[:k]]

    def like(self, offer: ToolOffer, *, embed: Embed | None = None) -> Tool | None:
        """Return a usable tool that does the same as an offer by its description, or None: then there is need of it."""
        from waggledance.topology import by_meaning, similarities_to

        embed = embed or by_meaning()
        tools = self.usable()
        near = similarities_to(offer.about, [tool.offer.about for tool in tools], embed)
        found = [(-n, tool.offer.tool, tool) for n, tool in zip(near, tools, strict=True)
                 if n >= threshold(embed, LIKE_PPM)]  # fmt: skip
        return min(found, key=lambda row: row[:2])[2] if found else None


def _words_of(tool: Tool) -> str:
    return f"{tool.offer.name.replace('_', ' ')}: {tool.offer.about}"


def _stems(text: str) -> frozenset[str]:
    """Return the first five letters of the longer words of a text, a rough stem."""
    return frozenset(word[:5] for word in re.findall(r"[^\W\d_]{4,}", text.casefold()))


def called_with(offer: ToolOffer, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of a run in the sandbox that calls a tool: its code, its arguments, a program that prints."""
    main = (
        "import json, tool\n"
        f"given = json.load(open('arguments.json'))\nprint()\nprint(json.dumps(tool.{offer.name}(**given)))\n"
    )
    return {"tool.py": offer.code, "arguments.json": msgspec.json.encode(arguments).decode(), "main.py": main}
