"""A skill that a running agent uses from its next question on: know-how for the questions that it fits.

    [skill]
    text = "…"                what the agent's model is told, 8,000 characters at most
    when = ["lease", "bail"]  told where one of these words or phrases occurs in the question; always when left out
    [[probes]]                as in a set of prompts

All skills of an agent together are as long as one prompt at most. Whether it is well with one: `AgentWear`.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec

from waggledance.core import UsageError
from waggledance.mesh._agent_here import AgentHere, AgentWear, Probe, Probes, read_probes

if TYPE_CHECKING:
    from waggledance.peers import Instruction


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    when: tuple[str, ...] = ()


class _Skill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    skill: _Told
    probes: tuple[Probe, ...] = ()


def read_skill(content: bytes) -> tuple[Instruction, Probes]:
    """Return what a skill tells an agent's model, and its probes.

    Raises:
        UsageError: it is no TOML text of this form, or a text, a word or a probe in it makes no sense.
    """
    from waggledance.peers import Instruction

    try:
        read = msgspec.convert(tomllib.loads(content.decode()), _Skill)
    except (ValueError, RecursionError) as why:
        raise UsageError(f"this is no skill: {why}") from why
    return Instruction(text=read.skill.text, when=read.skill.when), read_probes(read.probes)


class AgentSkill(AgentWear):
    """One skill of a member's agent.

    Args:
        here: the agent.
        slot: the skill's.
    """

    def __init__(self, here: AgentHere, slot: str) -> None:
        super().__init__(here)
        self._slot = slot

    def put_on(self, content: bytes | None) -> None:
        """Use a skill from the next question on; none in this slot when None, or when it makes no sense.

        Raises:
            UsageError: it makes no sense, or all skills together are too long; see `read_skill`.
        """
        self.here.use_skill(self._slot, None)
        self.changed(())
        if content is not None:
            skill, probes = read_skill(content)
            self.here.use_skill(self._slot, skill)
            self.changed(probes)
