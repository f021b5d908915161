"""An adapter at a real node with the embedded model: used from the next answer on, refused where it does not fit."""

from pathlib import Path
from typing import Any

import pytest

from loading import load
from waggledance.core import UNIT, Budget, Call, Member, Meter, Question
from waggledance.mesh import AgentAdapter, AgentHere, Dialling, Genesis, Home, Sitting, Way, new_key, present
from waggledance.models import Embedded, get
from waggledance.peers import Agent

pytestmark = pytest.mark.slow

WIDTH, BLOCKS = 576, 30  # of SmolLM2-135M


def lora(path: Path, **how: Any) -> bytes:
    file = Path(__file__).parents[1] / "models" / "_lora_file.py"
    written: Path = load(file).lora(path, **how)
    return written.read_bytes()


async def test_an_adapter_is_loaded_used_refused_where_it_does_not_fit_and_taken_out_again(tmp_path: Path) -> None:
    get("smollm2-135m")
    home = Home(tmp_path / "home")
    key = new_key(home.key_file("ada"))
    genesis = Genesis(name="bees", members=(Member(key.peer, "ada", UNIT),))
    home.keep_genesis(genesis)
    model = Embedded("smollm2-135m", slots=1, context_tokens=2_048)
    async with present(home, Way(genesis), "ada", Dialling()) as node:
        sitting = Sitting(node, Agent("ada", model, temperature=0.0, max_tokens=12))
        assert isinstance(sitting.peer, Agent)
        here = AgentHere(node, sitting, sitting.peer)
        adapter = AgentAdapter(here, "adapter/x.gguf", tmp_path / "adapters")

        async def said() -> str:
            call = Call(Question(text="Who are you?", expects="free"), 0, node.me, {node.me: "ada"}, lambda n: n, 1,
                        Meter(Budget(), node.clock))  # fmt: skip
            return (await sitting.peer.propose(call)).text

        plain = await said()
        adapter.put_on(lora(tmp_path / "strong.gguf", width=WIDTH, blocks=BLOCKS, size=0.3))
        assert await adapter.probe() == ""
        strong = await said()
        adapter.put_on(lora(tmp_path / "narrow.gguf", width=64, blocks=1, size=0.1))
        assert "made for this very model" in await adapter.probe()
        adapter.put_on(lora(tmp_path / "zeros.gguf", width=WIDTH, blocks=BLOCKS, size=0.0))
        assert await adapter.probe() == ""
        zeros = await said()
        assert len(list((tmp_path / "adapters").iterdir())) == 1
        adapter.put_on(None)
        assert await said() == zeros == plain != strong
        await sitting.close()
        await here.aclose()
    await model.aclose()
