"""Roll-outs in virtual time: bytes and seconds beside flooding, what a patch saves, how fast a blob comes.

    python benchmarks/rollout.py             25 and 100 peers
    python benchmarks/rollout.py --large     and 500

Flooding: everybody who gets a chunk pushes it to three others, and gossip twice a second repairs; in the same world, on
the same links (one uplink a peer, 20 ms, 10 % of all datagrams lost). "Once each" is the least that any flooding sends:
the artefact once to every peer, without loss.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from random import Random
from statistics import mean
from tempfile import TemporaryDirectory

import numpy as np
from blake3 import blake3

from waggledance.mesh import Artefact, BlobPayload, Blobs, Rollout, Target, patched, tensor_file, tensor_patch
from waggledance.testing._blob_wire import Wire, corrupt, honest
from waggledance.testing._in_memory import MemoryBlobs
from waggledance.testing._rollout_world import RolloutWorld

SEEDS = 3


def rolled_out(peers: int, artefact: bytes, bytes_per_s: float, seed: int) -> tuple[float, float, int, float]:
    """Return seconds, share of targets, bytes at others, and bytes sent over "once each"."""
    world = RolloutWorld(peers, seed=seed, bytes_per_s=bytes_per_s)
    rollout = Rollout(
        slot="data/table", version=1, base=None, result=blake3(artefact).digest(), target=Target(types=("a",)),
        artefact=Artefact(h=MemoryBlobs().put(artefact), n=len(artefact), ty="x"),
    )  # fmt: skip
    world.announce(0, rollout, artefact)
    targets = [node for node in world.nodes if "a" in node.traits.types]
    assert world.run(lambda: all(node.active_at is not None for node in targets))
    elsewhere = sum(world.content_to[node.id] for node in world.nodes if node not in targets)
    return world.now, len(targets) / peers, elsewhere, world.sent_bytes.total() / (peers * len(artefact))


def flooded(peers: int, size_bytes: int, bytes_per_s: float, seed: int) -> tuple[float, float]:
    world = RolloutWorld(peers, seed=seed, bytes_per_s=bytes_per_s)
    took_s = world.flood(0, size_bytes, [node.id for node in world.nodes if "a" in node.traits.types])
    return took_s, world.sent_bytes.total() / (peers * size_bytes)


def targeted_beside_flooding(sizes: list[int]) -> None:
    print(
        "peers  artefact  uplink     done in s (flooding)                 bytes over once-each (flooding)  limit  at others"
    )
    for peers in sizes:
        for mib, mbit in ((1, 100), (4, 100), (4, 20), (16, 100)):
            if peers == 500 and mib == 16:
                continue
            artefact = Random(0).randbytes(mib << 20)
            ours = [rolled_out(peers, artefact, mbit * 125_000, seed) for seed in range(SEEDS)]
            other = [flooded(peers, len(artefact), mbit * 125_000, seed) for seed in range(SEEDS)]
            print(
                f"{peers:5}  {mib:4} MiB  {mbit:3} Mbit/s  "
                f"{_range([took for took, *_ in ours])} ({_range([took for took, _ in other])})  "
                f"{mean(sent for *_, sent in ours):.2f} ({mean(sent for _, sent in other):.2f})"
                f"{'':20}{mean(share for _, share, *_ in ours) + 0.1:.2f}  {sum(at for *_, at, _ in ours)}",
                flush=True,
            )


def _range(seconds: list[float]) -> str:
    return f"{mean(seconds):.1f} [{min(seconds):.1f}, {max(seconds):.1f}]"


def from_three() -> None:
    content = Random(0).randbytes(64 << 20)
    alone = Wire(content, [honest])
    alone_s = alone.run(alone.fetch(MemoryBlobs()))

    def dies(now: float, payload: BlobPayload) -> BlobPayload | None:
        return payload if now < alone_s / 6 else None

    print(
        f"\n64 MiB from one honest provider at 100 Mbit/s: {alone_s:.2f} s ({len(content) / 12.5e6:.2f} s is the link)"
    )
    ratios = list[float]()
    for seed in range(10):
        lies = [corrupt, honest, dies]
        Random(seed).shuffle(lies)
        wire = Wire(content, lies, seed=seed)
        fetch = wire.fetch(MemoryBlobs())
        took_s = wire.run(fetch)
        assert fetch.done
        ratios.append(alone_s / took_s)
    print(f"from three, one corrupt, one dying: throughput {_range(ratios)} of the best single (goal ≥ 0.6)")


def patches() -> None:
    luck = np.random.default_rng(0)
    base = {f"layer{i}": luck.normal(size=(512, 512)).astype(np.float32) for i in range(8)}
    new = base | {"layer7": base["layer7"] + 1}
    patch, result = tensor_patch(tensor_file(base), tensor_file(new))
    layer, whole = new["layer7"].nbytes, len(tensor_file(new))
    began = time.perf_counter()
    assert blake3(patched(tensor_file(base), patch)).digest() == result
    took_ms = 1000 * (time.perf_counter() - began)
    print(f"\npatch of 1 of 8 layers: {len(patch):,} bytes, the layer and {len(patch) - layer}; "
          f"{100 - 100 * len(patch) / whole:.1f} % less than the file; applied in {took_ms:.1f} ms")  # fmt: skip


def chunks_shared() -> None:
    old = Random(0).randbytes(8 << 20)
    print("\nchunks of a changed 8 MiB file that travel, of 32 or 33:")
    for what, new in {
        "100 bytes changed in place": old[: 1 << 20] + bytes(100) + old[(1 << 20) + 100 :],
        "100 bytes at the end": old + bytes(100),
        "100 bytes inserted at the front": bytes(100) + old,
    }.items():
        blobs = MemoryBlobs()
        blobs.put(old)
        held = blobs.held_bytes
        blob = blobs.put(new)
        chunks = blobs.list_of(blob) or ()
        print(f"  {what}: {(blobs.held_bytes - held - 32 * len(chunks)) / len(new):.0%} of the bytes")


def on_disk() -> None:
    content = Random(0).randbytes(64 << 20)
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        blob = Blobs(Path(folder)).put(content)
        put_s = time.perf_counter() - began
        began = time.perf_counter()
        assert Blobs(Path(folder)).get(blob) == content
        get_s = time.perf_counter() - began
        began = time.perf_counter()
        (Path(folder) / "plain").write_bytes(content)
        plain_s = time.perf_counter() - began
    print(f"\n64 MiB on disk: put {64 / put_s:.0f} MiB/s, opened anew and got, all checked, {64 / get_s:.0f} MiB/s; "
          f"a plain write {64 / plain_s:.0f} MiB/s")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="500 peers, too: some minutes")
    large = parser.parse_args().large
    from_three()
    patches()
    chunks_shared()
    on_disk()
    print()
    targeted_beside_flooding([25, 100, *([500] if large else [])])


if __name__ == "__main__":
    main()
