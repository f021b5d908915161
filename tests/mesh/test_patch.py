"""Tensor patches: only what changed travels, on the base it was made for, to the same bytes everywhere."""

from random import Random

import msgspec
import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.mesh import patched, tensor_file, tensor_patch, tensors_of


def net(seed: int, hidden: int = 64) -> dict[str, np.ndarray]:
    luck = np.random.default_rng(seed)
    return {
        "layer1.weight": luck.normal(size=(32, hidden)).astype(np.float32),
        "layer2.weight": luck.normal(size=(hidden, 10)).astype(np.float32),
    }


def test_a_patch_of_one_of_two_layers_is_that_layer_and_less_than_a_kilobyte() -> None:
    base = net(1, hidden=512)
    new = base | {"layer2.weight": base["layer2.weight"] + 1}
    patch, result = tensor_patch(tensor_file(base), tensor_file(new))
    assert 0 < len(patch) - new["layer2.weight"].nbytes < 1024
    made = patched(tensor_file(base), patch)
    assert made == tensor_file(new)
    assert blake3(made).digest() == result


names = st.sampled_from(["a", "b", "c", "layer.é"])
dtypes = st.sampled_from(["<f4", "<f8", "<f2", "<i8", "|u1", "|b1", ">f4"])


@st.composite
def tensors(draw: st.DrawFn) -> dict[str, np.ndarray]:
    shape = st.lists(st.integers(0, 3), max_size=3).map(tuple)
    seeds = st.integers(0, 1_000)

    def array(name: str) -> np.ndarray:
        luck = np.random.default_rng(draw(seeds))
        return (luck.normal(size=draw(shape)) * 9).astype(draw(dtypes))

    return {name: array(name) for name in draw(st.sets(names))}


@settings(max_examples=40)
@given(base=tensors(), new=tensors(), rng=st.randoms(use_true_random=False))
def test_a_patch_makes_the_new_file_of_the_old_whatever_the_order(
    base: dict[str, np.ndarray], new: dict[str, np.ndarray], rng: Random
) -> None:
    shuffled = dict(rng.sample(list(new.items()), k=len(new)))
    assert tensor_file(shuffled) == tensor_file(new)
    patch, _ = tensor_patch(tensor_file(base), tensor_file(new))
    made = tensors_of(patched(tensor_file(base), patch))
    assert made.keys() == new.keys()
    for name, array in new.items():
        np.testing.assert_array_equal(made[name], array)
        assert made[name].dtype == array.dtype.newbyteorder("<")


def test_another_base_is_refused_and_never_merged() -> None:
    base = net(1)
    patch, _ = tensor_patch(tensor_file(base), tensor_file(net(2)))
    nearly = {name: array.copy() for name, array in base.items()}
    nearly["layer1.weight"][0, 0] += 1
    with pytest.raises(UsageError, match="refused, never merged"):
        patched(tensor_file(nearly), patch)


def test_a_patch_that_does_not_make_what_it_says_is_refused() -> None:
    base = tensor_file(net(1))
    patch, _ = tensor_patch(base, tensor_file(net(2)))
    parts = msgspec.msgpack.decode(patch)
    parts[1] = bytes(32)
    with pytest.raises(UsageError, match="the patch makes"):
        patched(base, msgspec.msgpack.encode(parts))


@pytest.mark.parametrize("junk", [b"", b"\x80", b"\x95\x01\x02\x03\x04\x05", b"\xc1"])
def test_what_is_no_patch_is_refused(junk: bytes) -> None:
    with pytest.raises(UsageError, match="not a tensor patch"):
        patched(tensor_file(net(1)), junk)


def file(header: bytes, numbers: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + numbers


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\xff" * 8,
        file(b"[]"),
        file(b'{"a": 1}'),
        file(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'),
        file(b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}', bytes(4)),
        file(b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}', bytes(4)),
        file(b'{"a": {"dtype": "X", "shape": [], "data_offsets": [4, 0]}}', bytes(4)),
        file(b'{"a": {"dtype": "X", "shape": [], "data_offsets": [0, 3]}, '
             b'"b": {"dtype": "X", "shape": [], "data_offsets": [2, 4]}}', bytes(4)),
        file(b'{"__metadata__": {"a": 1}}'),
    ],
)  # fmt: skip
def test_what_is_no_tensor_file_is_refused(junk: bytes) -> None:
    with pytest.raises(UsageError, match="not a safetensors file"):
        tensor_patch(junk, tensor_file(net(1)))


def test_numbers_that_numpy_does_not_have_travel_untouched_but_do_not_become_arrays() -> None:
    def bf16(raw: bytes) -> bytes:
        return file(b'{"__metadata__":{"made":"elsewhere"},"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', raw)

    patch, result = tensor_patch(bf16(b"\x00\x7f\xc0\xff"), bf16(b"\x01\x7f\xc0\xff"))
    made = patched(bf16(b"\x00\x7f\xc0\xff"), patch)
    assert made.endswith(b"\x01\x7f\xc0\xff")
    assert b"elsewhere" in made
    assert blake3(made).digest() == result
    with pytest.raises(UsageError, match="BF16"):
        tensors_of(made)


def test_numbers_without_a_name_in_the_format_are_refused() -> None:
    with pytest.raises(UsageError, match="complex128"):
        tensor_file({"a": np.array([1j])})
    with pytest.raises(UsageError, match="object"):
        tensor_file({"a": np.array([{}])})


def test_nan_and_negative_zero_are_bits_like_others() -> None:
    base = {"a": np.array([np.nan, -0.0, 1.0], dtype=np.float32)}
    patch, _ = tensor_patch(tensor_file(base), tensor_file(base))
    assert len(patch) < 200
    assert tensors_of(patched(tensor_file(base), patch))["a"].tobytes() == base["a"].tobytes()
