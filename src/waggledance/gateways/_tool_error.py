"""What a failed tool call means for the next step, in words of a fixed list: an agent follows the class, not the prose.

Source: the structured errors (SERF) of Srinivasan 2026, "Bridging Protocol and Production", arXiv:2603.13417: classes
and acts as the card `cabp` names them; which of our errors is of which class is ours.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from waggledance._run import NobodyAnswered
from waggledance.core import BudgetSpent, PeerFault, UnknownName, UsageError, WaggleError
from waggledance.gateways._event import Broken, Cancelled, Draining, TooBusy
from waggledance.models import ModelError

Sort = Literal["transient", "rate", "auth", "input", "missing", "conflict", "budget", "policy", "internal", "poisoned"]
Act = Literal["retry", "retry_later", "fix_args", "other_tool", "other_peer", "shrink", "ask_human", "give_up"]

_ACTS: dict[Sort, tuple[Act, ...]] = {
    "transient": ("retry", "other_tool"),
    "rate": ("retry_later",),
    "auth": ("ask_human",),
    "input": ("fix_args",),
    "missing": ("fix_args", "other_tool"),
    "conflict": ("fix_args",),
    "budget": ("shrink", "ask_human"),
    "policy": ("give_up",),
    "internal": ("other_tool", "give_up"),
    "poisoned": ("other_peer", "give_up"),
}


class ToolError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call failed, as data."""

    code: str
    """The error's name, such as ``"UnknownName"``."""
    sort: Sort = msgspec.field(name="class")
    cause: str
    """What happened and what to do, for people."""
    where: str
    """The tool."""
    retryable: bool
    safe_to_repeat: bool
    """Whether calling it again with the same arguments does nothing twice but cost."""
    suggest: tuple[Act, ...]
    retry_after_ms: int | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as JSON's own types."""
        return {key: value for key, value in msgspec.to_builtins(self).items() if value is not None}


def error_of(why: WaggleError, tool: str, *, safe_to_repeat: bool) -> ToolError:
    """Return what an error of ours says to a program."""
    wait_ms = 1_000 if isinstance(why, TooBusy) else 5_000 if isinstance(why, Draining) else None
    error = tool_error(sort_of(why), str(why), tool, code=type(why).__name__, safe_to_repeat=safe_to_repeat)
    return msgspec.structs.replace(error, retry_after_ms=wait_ms)


def tool_error(sort: Sort, cause: str, tool: str, *, code: str, safe_to_repeat: bool) -> ToolError:
    """Return an error of a class, with what follows from it."""
    return ToolError(
        code=code,
        sort=sort,
        cause=cause,
        where=tool,
        retryable=sort in ("transient", "rate"),
        safe_to_repeat=safe_to_repeat,
        suggest=_ACTS[sort],
    )


def sort_of(why: WaggleError) -> Sort:
    """Return the class of an error."""
    match why:
        case UnknownName():
            return "missing"
        case UsageError():
            return "input"
        case PeerFault():
            return "poisoned"
        case TooBusy():
            return "rate"
        case Draining() | NobodyAnswered() | ModelError():
            return "transient"
        case BudgetSpent():
            return "budget"
        case Cancelled():
            return "policy"
        case Broken():
            return "internal"
        case _:
            return "transient"
