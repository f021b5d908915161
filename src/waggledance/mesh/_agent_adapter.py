"""An adapter that is added to a running agent's model from its next question on: a LoRA file in GGUF form.

Every version is a file of its own, named by its hash, because a model reads its files when it is loaded, which may be
after the next version has come. An adapter has no probes: it is asked to say a word, so that one which does not fit the
model shows at once; for the rest see `AgentWear`.
Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", arXiv:2106.09685; llama.cpp adds them.
"""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3

from waggledance.core import UsageError, WaggleError
from waggledance.mesh._agent_here import AgentHere, AgentWear
from waggledance.mesh._home import write_whole
from waggledance.models import Request, Turn

_MAGIC = b"GGUF"


def check_adapter(content: bytes) -> None:
    """Refuse what cannot be an adapter.

    Raises:
        UsageError: it does not begin as GGUF files do.
    """
    if not content.startswith(_MAGIC):
        raise UsageError("this is no adapter: a LoRA file in GGUF form begins with GGUF; convert_lora_to_gguf.py of "
                         "llama.cpp makes one")  # fmt: skip


class AgentAdapter(AgentWear):
    """One adapter of a member's agent.

    Args:
        here: the agent.
        slot: the adapter's.
        folder: where its versions are kept; made when it is needed.
    """

    def __init__(self, here: AgentHere, slot: str, folder: Path) -> None:
        super().__init__(here)
        self._slot, self._folder = slot, folder

    def put_on(self, content: bytes | None) -> None:
        """Use an adapter from the next question on; none in this slot when None, or when it is none.

        Raises:
            UsageError: it is no adapter, or the agent's model takes none.
        """
        self.here.use_adapter(self._slot, None)
        self.changed(())
        if content is None:
            return
        check_adapter(content)
        file = self._folder / f"{blake3(content).hexdigest()}.gguf"
        if not file.exists():
            write_whole(file, content)
        try:
            self.here.use_adapter(self._slot, file)
        except UsageError:
            raise
        except WaggleError as why:
            raise UsageError(str(why)) from why
        for other in self._folder.glob("*.gguf"):
            if other != file:
                other.unlink()

    async def probe(self) -> str:
        """Return what is wrong with the adapter in use, once the model was asked to say a word; empty for nothing."""
        request = Request(turns=(Turn("user", "Say one word."),), max_tokens=1, temperature=0.0)
        try:
            await self.here.wearing.model.complete(request)
        except WaggleError as why:
            return str(why)
        return ""
