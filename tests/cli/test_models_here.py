"""Which models are sent private details: those on this machine, unless told otherwise."""

from __future__ import annotations

import pytest

from waggledance.cli._config import in_force
from waggledance.cli._models_here import models_for
from waggledance.safety import Scrubbed


@pytest.mark.parametrize(
    ("scrub", "wrapped"),
    [(None, {"openai:gpt-5-mini"}), (True, {"openai:gpt-5-mini", "scripted:4"}), (False, set[str]())],
)
def test_what_leaves_for_an_endpoint_is_cleaned_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, scrub: bool | None, wrapped: set[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-test")
    force = in_force({"ask.scrub": scrub}, env={})
    models = models_for(["openai:gpt-5-mini", "scripted:4"], force)
    assert {name for name, model in models.items() if isinstance(model, Scrubbed)} == wrapped


def test_an_endpoint_on_this_machine_may_pass_on_what_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert isinstance(models_for(["openai:mine"], in_force({}, env={}))["openai:mine"], Scrubbed)


def test_the_setting_can_stand_in_the_environment() -> None:
    assert in_force({}, env={"WAGGLE_SCRUB": "false"}).settings.ask.scrub is False
