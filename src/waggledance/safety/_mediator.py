"""Between words and acts: who may use which tool how, decided by rules at the moment an agent's words become an act.

A mediator answers *allow*, *rewrite* (details taken out, a limit lowered) or *block*. Its rules are code and see what
is to be done, not what was said for it: no words give anybody a right. Each ruling is an exchange of its own in the
log of the peer, named ``mediator:TOOL``, so that a rewrite is seen beside what the model wanted.

Source: Paduraru, Bouruc, Stefanescu 2026, arXiv:2603.18096 (governance by mediation of actions); the limits are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec

from waggledance.core import Call, PeerId, Tool
from waggledance.safety._ruling import RULING, Act, Blocked, Rules, Ruling

if TYPE_CHECKING:
    from waggledance.peers import Toolbox

ANSWERS_KEPT = 1_024
"""Of uses within one answer; answers come and go."""


class Mediated:
    """A toolbox behind a mediator: give it to an agent in place of the one inside.

    Args:
        box: the tools.
        rules: what is allowed to whom, such as `Capabilities`.
        tell: called with each act and its ruling.

    What the rules raise blocks the act: a mediator that cannot decide does not let anything through.
    """

    def __init__(self, box: Toolbox, rules: Rules, *, tell: Callable[[Act, Ruling], None] | None = None) -> None:
        self._box, self._rules, self._tell = box, rules, tell
        self._uses: dict[tuple[PeerId, int, str], int] = {}

    async def tools(self) -> Sequence[Tool]:
        """Return the tools inside; which of them a peer may use shows when it does."""
        return await self._box.tools()

    async def call(self, name: str, arguments: str) -> str:
        """Refuse: nobody knows who calls. Agents use `use`.

        Raises:
            Blocked: always.
        """
        raise Blocked(name, f"{name} is used through an agent, so that it is known who does")

    async def use(self, call: Call, name: str, arguments: str) -> str:
        """Rule on an act, and do it as the ruling says; a rewrite is told with the result.

        Raises:
            Blocked: it is not allowed.
            RunFailed: the tool failed.
        """
        peer = call.names.get(call.me) or call.me.hex()[:8]
        number = self._counted((call.me, call.seed, name))
        with call.asking("tool", f"{RULING}{name}", arguments) as exchange:
            ruling = self._ruled(peer, name, arguments, number)
            exchange.answered = ruling
        if ruling.answer == "block":
            raise Blocked(name, ruling.why)
        if ruling.answer == "allow":
            return await self._box.call(name, arguments)
        result = await self._box.call(name, msgspec.json.encode(ruling.arguments).decode())
        return f"(done with other arguments than asked for: {ruling.why})\n{result}"

    def _counted(self, use: tuple[PeerId, int, str]) -> int:
        """Return which use of a tool within one answer this is; an answer is known by its peer and its seed."""
        number = self._uses.pop(use, 0) + 1
        self._uses[use] = number
        if len(self._uses) > ANSWERS_KEPT:
            del self._uses[next(iter(self._uses))]
        return number

    def _ruled(self, peer: str, tool: str, arguments: str, number: int) -> Ruling:
        try:
            read: object = msgspec.json.decode(arguments or "{}")
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            read = None
        act = Act(peer, tool, cast("dict[str, Any]", read) if isinstance(read, dict) else {}, number)
        if not isinstance(read, dict):
            ruling = Ruling("block", why="the arguments are no JSON object")
        else:
            try:
                ruling = self._rules(act)
            except Exception as why:  # noqa: BLE001 - whatever rules raise, nothing was allowed
                ruling = Ruling("block", why=f"the rules failed: {type(why).__name__}: {why}")
        if self._tell is not None:
            self._tell(act, ruling)
        return ruling
