from pathlib import Path

import pytest

from waggledance.core._errors import UnknownName, UsageError
from waggledance.models import Request, Turn, WeightsBroken, WeightsMissing, available, check, model, path_of


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAGGLEDANCE_MODELS", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.mark.parametrize(
    ("spec", "nearest"),
    [("embeded", "embedded"), ("opanai:gpt", "openai"), ("embedded:smollm", "smollm2-135m")],
)
def test_an_unknown_name_says_the_nearest(spec: str, nearest: str) -> None:
    with pytest.raises(UnknownName, match=f"did you mean '{nearest}'"):
        model(spec)


def test_an_unknown_option_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'base_url'"):
        model("openai:m", config={"base_ulr": "http://localhost:1"})


@pytest.mark.parametrize("spec", ["gguf:", "openai", "recorded:", "scripted"])
def test_a_kind_that_needs_more_says_what(spec: str) -> None:
    with pytest.raises(UsageError, match="needs more: write"):
        model(spec)


def test_embedded_without_its_weights_says_how_to_get_them() -> None:
    with pytest.raises(WeightsMissing, match="waggle models get smollm2-135m"):
        model("embedded")
    assert path_of("smollm2-135m") is None


def test_embedded_with_a_cut_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "smollm2-135m-instruct-q4_1.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(WeightsBroken, match="104 bytes, not 98,362,432"):
        model("embedded")


def test_gguf_names_the_file_that_is_missing_or_no_model(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"none\.gguf"):
        model(f"gguf:{tmp_path / 'none.gguf'}")
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(WeightsBroken, match=r"text\.gguf"):
        model(f"gguf:{tmp_path / 'text.gguf'}")


def test_a_wrong_type_of_option_is_our_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="wrong type"):
        model("openai:m", config={"base_url": "http://localhost:1", "tries": "many"})


async def test_a_scripted_spec_says_its_answers_in_turn() -> None:
    scripted = model("scripted:yes|no")
    request = Request(turns=(Turn("user", "?"),))
    assert [(await scripted.complete(request)).text for _ in range(3)] == ["yes", "no", "yes"]
    assert (await check(scripted)).text == "no"


def test_what_is_available_says_what_the_rest_lacks() -> None:
    rows = {row.spec: row for row in available()}
    assert not rows["embedded:smollm2-135m"].usable
    assert "waggle models get smollm2-135m" in rows["embedded:smollm2-135m"].why
    assert "Apache-2.0" in rows["embedded:qwen2.5-coder-0.5b"].detail
    assert "OPENAI_API_KEY" in rows["openai:NAME"].why
