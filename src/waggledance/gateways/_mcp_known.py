"""A tool of somebody else's MCP server: as it was first met, as a model is told of it, and what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3

from waggledance.core import Tool
from waggledance.gateways._mcp_schema import checkable
from waggledance.peers._others import defanged
from waggledance.peers._plain import line, plain

if TYPE_CHECKING:
    import mcp_types as types

ABOUT_CHARS = 600
SCHEMA_BYTES = 8_000
"""Of one tool's arguments; of a larger schema only that they are an object is told."""
RESULT_CHARS = 32_000
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


class KnownTool(msgspec.Struct, frozen=True):
    """A tool as it was first met."""

    theirs: str
    """Its name at the server."""
    tool: Tool
    schema: dict[str, Any]
    """What its arguments are checked against before they are sent."""
    pinned: bytes
    """The hash of all that the server says of it."""

    @classmethod
    def of(cls, server: str, tool: types.Tool) -> KnownTool:
        whole = msgspec.json.encode([tool.name, tool.title, tool.description, tool.input_schema], order="deterministic")
        digest = blake3(whole)
        schema = msgspec.json.encode(tool.input_schema)
        about = line(defanged(tool.description or tool.title or tool.name), ABOUT_CHARS)
        return cls(
            theirs=tool.name,
            tool=Tool(
                our_name(server, tool.name),
                f"Of the tool server {server}, which says: {about}",
                schema.decode() if len(schema) <= SCHEMA_BYTES else '{"type":"object"}',
            ),
            schema=checkable(tool.input_schema) if len(schema) <= SCHEMA_BYTES else {},
            pinned=digest.digest(),
        )


def our_name(server: str, tool: str) -> str:
    """Return the name under which a model knows a server's tool; another for every tool.

    >>> our_name("files", "read_file")
    'files__read_file'
    >>> our_name("files", "read/file")
    'files__read_file-250d'
    """
    name = f"{server}__{_UNFIT.sub('_', tool)}"
    if name == f"{server}__{tool}" and len(name) <= 64:
        return name
    return f"{name[:59]}-{blake3(tool.encode()).hexdigest(2)}"


def text_of(result: types.CallToolResult) -> str:
    """Return a tool's result as text: what it says, and a word for each thing that is no text."""
    parts = [_part(block) for block in result.content]
    if not any(parts) and result.structured_content is not None:
        parts = [msgspec.json.encode(result.structured_content).decode()]
    return plain("\n".join(part for part in parts if part), max_chars=RESULT_CHARS, max_bytes=4 * RESULT_CHARS)


def _part(block: types.ContentBlock) -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return f"[{block.type}, {line(block.mime_type, 60)}, {len(block.data) * 3 // 4:,} bytes: not shown]"
        case "resource_link":
            return f"[a resource at {line(str(block.uri), 200)}]"
        case "resource":
            text = getattr(block.resource, "text", None)
            return text if isinstance(text, str) else f"[a resource at {line(str(block.resource.uri), 200)}: not shown]"
