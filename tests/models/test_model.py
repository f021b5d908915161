import copy
import subprocess
import sys
from random import Random
from typing import Any

import pytest

from waggledance import models
from waggledance.core._errors import UsageError
from waggledance.models import (
    Completion,
    ModelError,
    Picture,
    RateLimited,
    Request,
    Retrying,
    Scripted,
    Turn,
    check_sight,
    sees,
)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"turns": ()}, "at least one turn"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"stop": ("\n", "")}, "stop string"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"timeout_s": float("inf")}, "timeout_s"),
        ({"turns": (Turn("bee", "hm"),)}, "role"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_an_impossible_request_is_not_born_and_says_why(fields: dict[str, Any], said: str) -> None:
    fields = {"turns": (Turn("user", "2+2?"),)} | fields
    with pytest.raises(UsageError, match=said):
        Request(**fields)


def test_every_error_survives_a_trip_to_another_process() -> None:
    error = RateLimited("openai:m", "too many requests", "Wait.", 3.5)
    back = copy.copy(error)  # the same road as pickle: class, then the raw fields
    assert (str(back), back.retry_after_s, back.remedy) == (str(error), 3.5, "Wait.")


def test_an_error_says_who_what_and_what_to_do() -> None:
    assert str(ModelError("gguf:a", "it is broken", "Mend it.")) == "gguf:a: it is broken. Mend it."


def test_every_public_name_is_there_and_no_other() -> None:
    for name in dir(models):
        assert getattr(models, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'gpt'"):
        models.gpt  # noqa: B018  # pyright: ignore[reportUnusedExpression, reportAttributeAccessIssue, reportUnknownMemberType]


def test_importing_models_loads_no_heavy_library() -> None:
    heavy = ("openai", "pydantic_ai", "xllamacpp", "numpy")
    script = f"import sys, waggledance.models; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_model_that_says_nothing_of_sight_is_shown_no_pictures_and_who_wraps_one_sees_as_it_does() -> None:
    class Blind:
        name = "blind"

        async def complete(self, request: Request) -> Completion:
            raise AssertionError("it is not asked")

        async def aclose(self) -> None:
            """Do nothing."""

    shown = Request(turns=(Turn("user", "?", pictures=(Picture("image/gif", b"GIF89a"),)),))
    seeing = Scripted("A bee.")
    for blind in (Blind(), Retrying(Blind(), rng=Random(0))):
        assert not sees(blind)
        check_sight(blind, Request(turns=(Turn("user", "?"),)))
        with pytest.raises(ModelError, match="blind: it cannot look at the pictures"):
            check_sight(blind, shown)
    for model in (seeing, Retrying(seeing, rng=Random(0))):
        check_sight(model, shown)
