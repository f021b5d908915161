"""A set of prompts that a running agent uses from its next question on, and the questions that say whether it is well.

    [prompts]                 texts by the name of what each takes the place of; see `waggledance.peers.Prompts`
    system = "…"
    [[probes]]                questions with known answers, asked of the agent alone once it uses the set
    question = "17 - 8?"
    expects = "number"
    answer = "9"

Whether the agent is well with it: `AgentWear`.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec

from waggledance.core import UsageError
from waggledance.mesh._agent_here import AgentWear, Probe, Probes, read_probes

if TYPE_CHECKING:
    from waggledance.peers import Prompts

SLOT = "prompts/agent"


class _Set(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompts: dict[str, str]
    probes: tuple[Probe, ...] = ()


def read_prompts(content: bytes) -> tuple[Prompts, Probes]:
    """Return the prompts of a set, and its probes.

    Raises:
        UnknownName: there is no prompt of a name in it.
        UsageError: it is no TOML text of this form, replaces nothing, or a text or a probe in it makes no sense.
    """
    from waggledance.peers import Prompts

    try:
        read = msgspec.convert(tomllib.loads(content.decode()), _Set)
    except (ValueError, RecursionError) as why:
        raise UsageError(f"this is no set of prompts: {why}") from why
    if not read.prompts:
        raise UsageError("the set replaces no prompt: name one under [prompts], such as system")
    return Prompts(read.prompts), read_probes(read.probes)


class AgentPrompts(AgentWear):
    """The prompts that one member's agent uses."""

    def put_on(self, content: bytes | None) -> None:
        """Use a set from the next question on; the agent's own when None, or when it makes no sense.

        Raises:
            UsageError: it makes no sense; see `read_prompts`.
        """
        prompts: Prompts | None = None
        probes: Probes = ()
        try:
            if content is not None:
                prompts, probes = read_prompts(content)
        finally:
            self.here.use_prompts(prompts)
            self.changed(probes)
