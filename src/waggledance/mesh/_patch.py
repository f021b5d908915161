"""Tensor patches: of a file of tensors only what changed travels, and it fits one base only.

Tensor files are safetensors: eight bytes with the length of a header, a JSON header with dtype, shape and place of each
tensor, then raw little-endian numbers. Nothing in them can run. A patch is

    MessagePack [base, result, {name: [dtype, shape, raw]}, [names that are gone], {metadata}]

with the BLAKE3 of the file that it fits and of the file that it makes. The file it makes is written in one way only,
tensors by name, so that everybody who applies it to the same base has the same bytes. Numbers are never looked at: any
dtype travels, also those that NumPy does not have.

Source: Geng et al. 2025, "SwarmUpdate", arXiv:2503.13784 (SwarmModelPatch: freeze most layers, ship the others). File
format: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from blake3 import blake3

from waggledance.core import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PATCH_TYPE = "application/vnd.waggledance.tensor-patch"
"""The media type of a patch."""

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
"""Those that NumPy has, too."""

_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Size = Annotated[int, msgspec.Meta(ge=0, le=2**48)]
_METADATA = "__metadata__"
_MAX_HEADER_BYTES = 100_000_000  # the format's own limit


class _Tensor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    dtype: str
    shape: tuple[_Size, ...]
    raw: bytes


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[_Size, ...]
    data_offsets: tuple[_Size, _Size]


class _Patch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    base: _Hash
    result: _Hash
    tensors: dict[str, _Tensor]
    gone: tuple[str, ...]
    metadata: dict[str, str]


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(_Patch).decode


def tensor_patch(base: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Return the patch that makes one tensor file of another, and the BLAKE3 of what it makes.

    That has the tensors and metadata of `new`, and its bytes where `new` was written by `tensor_file`.

    Raises:
        UsageError: one of them is no tensor file.
    """
    before, _ = _read(base)
    after, metadata = _read(new)
    result = blake3(_written(after, metadata)).digest()
    changed = {name: tensor for name, tensor in after.items() if before.get(name) != tensor}
    gone = tuple(sorted(before.keys() - after.keys()))
    return _encode(_Patch(blake3(base).digest(), result, changed, gone, metadata)), result


def patched(base: bytes, patch: bytes) -> bytes:
    """Return the tensor file that a patch makes of its base.

    Raises:
        UsageError: it is no patch, or one of another base, or what it makes is not what it says.
    """
    try:
        opened = _decode(patch)
    except msgspec.DecodeError as why:
        raise UsageError(f"not a tensor patch: {why}; make one with tensor_patch(base, new)") from why
    if blake3(base).digest() != opened.base:
        raise UsageError(
            f"the patch is for base {opened.base.hex()[:12]}, and this is {blake3(base).hexdigest()[:12]}: patches of "
            "other bases are refused, never merged; ask for the whole file, or a patch of this one"
        )
    tensors, _ = _read(base)
    made = _written(
        {name: tensor for name, tensor in (tensors | opened.tensors).items() if name not in opened.gone},
        opened.metadata,
    )
    if blake3(made).digest() != opened.result:
        raise UsageError(f"the patch makes {blake3(made).hexdigest()[:12]}, and says {opened.result.hex()[:12]}")
    return made


def tensor_file(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a safetensors file of named arrays, the same bytes for the same arrays, whatever their order.

    Args:
        tensors: arrays of any shape, of floats of 16 to 64 bits, integers or booleans.

    Raises:
        UsageError: another dtype, complex numbers or objects for instance.
    """
    import numpy as np

    names = {dtype: name for name, dtype in _DTYPES.items()}
    made = dict[str, _Tensor]()
    for name, array in tensors.items():
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if little.dtype.str not in names:
            raise UsageError(f"tensor {name!r} has the dtype {array.dtype}; known: {', '.join(_DTYPES)}")
        made[name] = _Tensor(names[little.dtype.str], array.shape, np.ascontiguousarray(little).tobytes())
    return _written(made, {})


def tensors_of(file: bytes) -> dict[str, NDArray[np.generic]]:
    """Return the arrays in a safetensors file, by name; they can be read, not written.

    Raises:
        UsageError: it is no such file, or has a dtype that NumPy does not have.
    """
    import numpy as np

    tensors, _ = _read(file)
    odd = sorted({tensor.dtype for tensor in tensors.values()} - _DTYPES.keys())
    if odd:
        raise UsageError(f"the file has tensors of {', '.join(odd)}, which NumPy has not; known: {', '.join(_DTYPES)}")
    return {
        name: np.frombuffer(tensor.raw, dtype=_DTYPES[tensor.dtype]).reshape(tensor.shape)
        for name, tensor in tensors.items()
    }


def _read(file: bytes) -> tuple[dict[str, _Tensor], dict[str, str]]:
    header_bytes = int.from_bytes(file[:8], "little")
    if len(file) < 8 or header_bytes > min(_MAX_HEADER_BYTES, len(file) - 8):
        raise UsageError(f"not a safetensors file: {len(file):,} bytes, with a header of {header_bytes:,}")
    try:
        fields = msgspec.json.decode(file[8 : 8 + header_bytes], type=dict[str, msgspec.Raw])
        metadata = msgspec.json.decode(fields.pop(_METADATA, b"{}"), type=dict[str, str])
        entries = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in fields.items()}
    except (msgspec.DecodeError, RecursionError) as why:
        raise UsageError(f"not a safetensors file: its header does not parse: {why}") from why
    numbers = memoryview(file)[8 + header_bytes :]
    places = sorted(entry.data_offsets for entry in entries.values())
    if any(a > b for a, b in places) or any(a[1] > b[0] for a, b in pairwise(places)):
        raise UsageError("not a safetensors file: its tensors overlap")
    if (places[0][0] if places else 0) != 0 or (places[-1][1] if places else 0) != len(numbers):
        raise UsageError("not a safetensors file: its tensors do not fill it")
    tensors = dict[str, _Tensor]()
    for name, entry in entries.items():
        start, end = entry.data_offsets
        width = _DTYPES.get(entry.dtype)
        if width is not None and prod(entry.shape) * int(width[2:]) != end - start:
            raise UsageError(f"not a safetensors file: tensor {name!r} of {entry.shape} has {end - start:,} bytes")
        tensors[name] = _Tensor(entry.dtype, entry.shape, bytes(numbers[start:end]))
    return tensors, metadata


def _written(tensors: Mapping[str, _Tensor], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, object] = {_METADATA: dict(sorted(metadata.items()))} if metadata else {}
    at = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        end = at + len(tensor.raw)
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    encoded += b" " * (-len(encoded) % 8)
    return b"".join([len(encoded).to_bytes(8, "little"), encoded, *(tensors[name].raw for name in sorted(tensors))])
