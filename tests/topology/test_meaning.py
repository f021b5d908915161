"""Nearness of texts: what the package's own code makes, made without it; and what comes where it is not installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from waggledance.core import RunFailed, UsageError
from waggledance.topology import SIMILARITY_STEPS, _meaning, by_meaning, hashed_ngrams, similarities_to, word_llama


def test_word_vectors_see_meaning_where_wording_shares_no_word() -> None:
    near, far = similarities_to("fix my car", ("automobile repair workshop", "sonnets about spring"), word_llama)
    assert near > far + 100
    assert similarities_to("fix my car", ("automobile repair workshop",), hashed_ngrams)[0] < near


def test_vectors_have_length_one_and_a_text_without_tokens_is_a_point_of_its_own() -> None:
    points = word_llama(["hello world", "", "\ud800", "a" * 5_000, "日本語"])
    assert points.shape == (5, 256)
    assert np.allclose(np.linalg.norm(points, axis=1), 1)


def test_a_row_depends_on_its_own_text_alone() -> None:
    assert (word_llama(["one", "two and three"])[1] == word_llama(["two and three"])[0]).all()


def test_a_similarity_is_a_whole_number_of_1024ths_and_never_below_zero() -> None:
    def opposite(texts: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if text == "up" else [-1.0, 0.0] for text in texts])

    assert similarities_to("up", ("up", "down"), opposite) == (SIMILARITY_STEPS, 0)


def test_a_word_beyond_the_limit_changes_nothing() -> None:
    long = "word " * 3_000
    assert similarities_to("car", (long + "car",), word_llama) == similarities_to("car", (long,), word_llama)


def test_one_text_instead_of_a_sequence_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\[text\]"):
        word_llama("one")


@pytest.mark.parametrize("row", [[float("nan"), 1.0], [0.0, 0.0], [float("inf"), 0.0]])
def test_an_embedding_that_gives_no_direction_is_refused(row: list[float]) -> None:
    def broken(texts: Sequence[str]) -> np.ndarray:
        return np.array([row] * len(texts))

    with pytest.raises(UsageError):
        similarities_to("a", ("b",), broken)


def test_without_the_package_wording_is_compared_and_word_vectors_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(name: str) -> None: ...

    monkeypatch.setattr(_meaning, "find_spec", nowhere)
    _meaning._word_llama.cache_clear()
    assert by_meaning() is hashed_ngrams
    with pytest.raises(RunFailed, match="discovery"):
        word_llama(["a"])


def test_a_package_without_its_files_says_which_version_has_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Spec:
        origin = str(tmp_path / "__init__.py")

    def elsewhere(name: str) -> type[Spec]:
        return Spec

    monkeypatch.setattr(_meaning, "find_spec", elsewhere)
    _meaning._word_llama.cache_clear()
    with pytest.raises(RunFailed, match=r"0\.4\.0"):
        word_llama(["a"])


LOADS = """
import socket, logging, sys
def no(*_, **__): raise SystemExit("a network request was made")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = no
from waggledance.topology import by_meaning, word_llama
assert not {"numpy", "wordllama", "tokenizers"} & set(sys.modules), "loaded before it is needed"
assert by_meaning() is word_llama
ours = word_llama(["fix my car", "übersetze 日本"])
assert not {"wordllama", "requests"} & set(sys.modules) and not logging.root.handlers
import wordllama
from pathlib import Path
theirs = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
print(abs(ours - theirs.embed(["fix my car", "übersetze 日本"], norm=True)).max())
"""


def test_vectors_are_the_packages_own_read_without_a_network_request_and_without_importing_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-6
