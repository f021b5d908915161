"""LoRA adapters on the real embedded model: added, taken out again, and refused where they do not fit."""

from pathlib import Path

import pytest

from loading import load
from waggledance.models import Adaptable, Embedded, Model, Request, Scripted, Turn, WeightsBroken, WeightsMissing

pytestmark = pytest.mark.slow

WIDTH, BLOCKS = 576, 30  # of SmolLM2-135M
HELLO = Request(turns=(Turn("user", "Say hello in one sentence."),), max_tokens=16, temperature=0.0, seed=1)


lora = load(Path(__file__).with_name("_lora_file.py")).lora


@pytest.fixture
def embedded(weights: str) -> Embedded:
    return Embedded(weights, slots=1, context_tokens=512)


async def said(model: Model) -> str:
    try:
        return (await model.complete(HELLO)).text
    finally:
        await model.aclose()


async def test_an_adapter_changes_what_the_model_says_and_one_of_zeros_does_not(
    embedded: Embedded, tmp_path: Path
) -> None:
    before = await said(embedded)
    zeros = embedded.adapted([lora(tmp_path / "zeros.gguf", width=WIDTH, blocks=BLOCKS, size=0.0)])
    strong = embedded.adapted([lora(tmp_path / "strong.gguf", width=WIDTH, blocks=BLOCKS, size=0.3)])
    assert await said(zeros) == before
    assert await said(strong) != before
    assert await said(strong.adapted([])) == before
    assert await said(embedded) == before


async def test_an_adapter_made_for_another_model_is_told_at_the_first_request(
    embedded: Embedded, tmp_path: Path
) -> None:
    narrow = lora(tmp_path / "narrow.gguf", width=64, blocks=1, size=0.1)
    other = lora(tmp_path / "other.gguf", width=WIDTH, blocks=1, size=0.1, arch="qwen2")
    for file in (narrow, other):
        with pytest.raises(WeightsBroken, match="made for this very model"):
            await said(embedded.adapted([file]))
    assert await said(embedded)


def test_a_file_that_is_not_there_or_no_gguf_file_is_refused_at_once(embedded: Embedded, tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"no")
    with pytest.raises(WeightsBroken):
        embedded.adapted([tmp_path / "no.gguf"])
    with pytest.raises(WeightsMissing):
        embedded.adapted([tmp_path / "nowhere.gguf"])


def test_models_in_this_process_take_adapters_and_others_do_not(embedded: Embedded) -> None:
    assert isinstance(embedded, Adaptable)
    assert not isinstance(Scripted("4"), Adaptable)
