"""Is this file the model it should be?"""

from collections.abc import Sequence
from pathlib import Path

from waggledance.models._catalogue import CATALOGUE
from waggledance.models._errors import WeightsBroken, WeightsMissing
from waggledance.models._get import sha256_of


def check_file(model: str, path: Path) -> None:
    """Raise unless there is a file that begins as GGUF files do."""
    if not path.is_file():
        raise WeightsMissing(model, f"there is no file {path}", "Check the path, or use `waggle models get NAME`.")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise broken(model, path)


def broken(model: str, path: Path, adapters: Sequence[Path] = ()) -> WeightsBroken:
    """The error for a file that is no model, compared with the catalogue's entry if it is one of it.

    With adapters it cannot be told whether the file or one of them is the one that does not load.
    """
    if adapters:
        files = ", ".join(f"{adapter} ({adapter.stat().st_size:,} bytes)" for adapter in adapters)
        what = f"llama.cpp cannot load {path} with {files} added"
        return WeightsBroken(model, what, "See that each is a LoRA adapter in GGUF form, made for this very model.")
    for weights in CATALOGUE.values():
        if path.name == weights.file:
            size, digest = path.stat().st_size, sha256_of(path)
            if digest == weights.sha256:
                what = f"llama.cpp cannot load {path}, though its SHA-256 is right"
                return WeightsBroken(model, what, "See that there is enough memory free.")
            what = (
                f"{path} is broken: {size:,} bytes with SHA-256 {digest[:12]}…, "
                f"not {weights.size_bytes:,} with {weights.sha256[:12]}…"
            )
            return WeightsBroken(model, what, f"Delete it and run `waggle models get {weights.name}`.")
    what = f"llama.cpp cannot load {path} ({path.stat().st_size:,} bytes)"
    return WeightsBroken(model, what, "See that it is a whole GGUF file of a language model and fits into memory.")
