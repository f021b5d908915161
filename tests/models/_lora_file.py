"""Writes small LoRA adapters in GGUF form, as https://github.com/ggml-org/ggml/blob/master/docs/gguf.md lays it out."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

GGUF_VERSION = 3
F32, STRING = 6, 8  # of GGUF's value types
ALIGNMENT = 32


def lora(
    path: Path, *, width: int, blocks: int, size: float, rank: int = 4, seed: int = 0, arch: str = "llama"
) -> Path:
    """Write an adapter to the output projections of attention; return its file.

    Args:
        path: the file.
        width: of the model, in numbers a token.
        blocks: how many of the model's blocks it changes, from the first.
        size: how large its numbers are; 0 changes nothing.
        rank: of the change.
        seed: of the numbers.
        arch: the architecture of the model that it says it is for.
    """
    rng = Random(seed)
    tensors = [
        (f"blk.{block}.attn_output.weight.lora_{part}", shape)
        for block in range(blocks)
        for part, shape in (("a", (width, rank)), ("b", (rank, width)))
    ]
    header = b"GGUF" + struct.pack("<IQQ", GGUF_VERSION, len(tensors), 4)
    for key, value in (("general.type", "adapter"), ("general.architecture", arch), ("adapter.type", "lora")):
        header += _text(key) + struct.pack("<I", STRING) + _text(value)
    header += _text("adapter.lora.alpha") + struct.pack("<If", F32, float(rank))
    numbers = b""
    for name, shape in tensors:
        header += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(numbers))
        numbers += b"".join(struct.pack("<f", rng.gauss(0, size)) for _ in range(shape[0] * shape[1]))
    path.write_bytes(header + bytes(-len(header) % ALIGNMENT) + numbers)
    return path


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()
