"""Running tools that peers wrote: their tests, to vouch for them, and their functions; in the sandbox, nowhere else.

Source: "AgentOrchestra", arXiv:2506.12508: a tool is checked in a sandbox before it is registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from waggledance.core import RunFailed, UsageError, well_formed
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._tool_shelf import Tool, ToolOffer, ToolVouch, called_with


async def try_tool(offer: ToolOffer, sandbox: Sandbox) -> ToolVouch:
    """Run a tool's tests; return what to say of it.

    Raises:
        SandboxFailed: the sandbox could not be set up.
    """
    ran = await sandbox.python(offer.tests, files={"tool.py": offer.code})
    return ToolVouch(tool=offer.tool, passed=ran.ok, reason="" if ran.ok else well_formed(ran.why())[:1_000])


async def call_tool(tool: Tool, arguments: Mapping[str, Any], sandbox: Sandbox) -> Any:
    """Call a usable tool's function with arguments by name; return what it returned, as JSON has it.

    Raises:
        UsageError: the tool may not be used, or the arguments are none that JSON has.
        RunFailed: it failed, was stopped by a limit, or returned what JSON does not have.
    """
    offer = tool.offer
    if not tool.usable:
        raise UsageError(
            f"the tool {offer.name!r} may not be used: {len(tool.passed)} peers vouch for it, {len(tool.failed)} say "
            f"that it fails{', and it is retired' if tool.retired else ''}; two must who did not write it"
        )
    try:
        files = called_with(offer, arguments)
    except (TypeError, msgspec.MsgspecError) as why:
        raise UsageError(f"arguments of {offer.name!r} that JSON does not have: {why}") from why
    main = files.pop("main.py")
    ran = await sandbox.python(main, files=files)
    if not ran.ok:
        raise RunFailed(f"the tool {offer.name!r} failed: {ran.why()}")
    try:
        return msgspec.json.decode(ran.out.rstrip("\n").rpartition("\n")[2])
    except msgspec.DecodeError as why:
        raise RunFailed(f"the tool {offer.name!r} printed no result: {why}") from why
