import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from waggledance.core._errors import UsageError
from waggledance.models import NotRecorded, Picture, Recorded, Recorder, Request, Scripted, Turn
from waggledance.models._bank import request_key


def ask(text: str, *, seed: int = 0, timeout_s: float = 60.0) -> Request:
    return Request(turns=(Turn("user", text),), seed=seed, timeout_s=timeout_s)


async def record(path: Path, *questions: str) -> list[str]:
    recorder = Recorder(Scripted(lambda request: f"{request.turns[0].text} indeed", name="m"), path)
    texts = [(await recorder.complete(ask(question))).text for question in questions]
    await recorder.aclose()
    return texts


@pytest.mark.parametrize("name", ["bank.jsonl", "bank.jsonl.gz"])
async def test_what_was_recorded_is_given_again_exactly(tmp_path: Path, name: str) -> None:
    recorder = Recorder(Scripted(["a\nb", "c"], name="m"), tmp_path / name)
    first, second = await recorder.complete(ask("1")), await recorder.complete(ask("2"))
    await recorder.aclose()
    recorded = Recorded(tmp_path / name)
    assert (await recorded.complete(ask("1", timeout_s=1.0)), await recorded.complete(ask("2"))) == (first, second)
    assert recorded.name == "recorded:m"


async def test_a_question_that_was_not_recorded_says_which_and_how_to_record_it(tmp_path: Path) -> None:
    await record(tmp_path / "bank.jsonl", "1")
    with pytest.raises(NotRecorded, match=r"no answer is recorded for 'who\?' \(seed 3.*Recorder"):
        await Recorded(tmp_path / "bank.jsonl").complete(ask("who?", seed=3))


@pytest.mark.parametrize("name", ["bank.jsonl", "bank.jsonl.gz"])
@pytest.mark.parametrize("lost_bytes", [1, 7, 40])
async def test_a_torn_last_line_is_skipped_and_recording_goes_on(tmp_path: Path, name: str, lost_bytes: int) -> None:
    path = tmp_path / name
    await record(path, "1", "2")
    path.write_bytes(path.read_bytes()[:-lost_bytes])
    await record(path, "3")
    recorded = Recorded(path)
    assert (await recorded.complete(ask("1"))).text == "1 indeed"
    assert (await recorded.complete(ask("3"))).text == "3 indeed"


async def test_a_bank_whose_last_line_lacks_only_its_end_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    await record(path, "1", "2")
    path.write_bytes(path.read_bytes()[:-1])
    assert (await Recorded(path).complete(ask("2"))).text == "2 indeed"
    await record(path, "3")
    recorded = Recorded(path)
    assert (len(recorded), recorded.skipped) == (3, 0)


async def test_an_interrupted_recording_asks_only_what_it_lacks(tmp_path: Path) -> None:
    await record(tmp_path / "bank.jsonl", "1", "2")
    scripted = Scripted(["3 indeed"], name="m")
    recorder = Recorder(scripted, tmp_path / "bank.jsonl")
    assert [(await recorder.complete(ask(text))).text for text in ("1", "2", "3")] == [
        "1 indeed",
        "2 indeed",
        "3 indeed",
    ]
    assert len(scripted.requests) == 1
    await recorder.aclose()


def test_answers_survive_a_kill(tmp_path: Path) -> None:
    script = f"""
        import asyncio, os, signal
        from waggledance.models import Recorder, Request, Scripted, Turn
        recorder = Recorder(Scripted("four", name="m"), {str(tmp_path / "bank.jsonl")!r})
        for number in range(50):
            asyncio.run(recorder.complete(Request(turns=(Turn("user", str(number)),))))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert len(Recorded(tmp_path / "bank.jsonl")) == 50


async def test_a_bank_of_two_models_needs_to_be_told_whose(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    for name in ("m", "n"):
        recorder = Recorder(Scripted(f"I am {name}", name=name), path)
        await recorder.complete(ask("who?"))
        await recorder.aclose()
    with pytest.raises(UsageError, match="holds m, n"):
        Recorded(path)
    assert (await Recorded(path, model="n").complete(ask("who?"))).text == "I am n"
    with pytest.raises(UsageError, match="no answers of o"):
        Recorded(path, model="o")


def test_a_missing_bank_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Recorder"):
        Recorded(tmp_path / "none.jsonl")


def test_the_key_depends_on_all_that_shapes_the_answer_and_on_nothing_else() -> None:
    keys = {
        request_key("m", ask("1")),
        request_key("n", ask("1")),
        request_key("m", ask("2")),
        request_key("m", ask("1", seed=1)),
        request_key("m", Request(turns=(Turn("system", "1"),))),
        request_key("m", Request(turns=(Turn("user", "1"),), temperature=0.5)),
        request_key("m", Request(turns=(Turn("user", "1"),), stop=("x",))),
        request_key("m", Request(turns=(Turn("user", "1", pictures=(Picture("image/gif", b"GIF87a"),)),))),
        request_key("m", Request(turns=(Turn("user", "1", pictures=(Picture("image/gif", b"GIF89a"),)),))),
    }
    assert len(keys) == 9
    assert request_key("m", ask("1", timeout_s=1.0)) == request_key("m", ask("1"))
