"""Throw bytes at everything that reads what came from somebody else, and look whether a law breaks.

    python benchmarks/fuzz.py [TARGET ...] [--seconds 60] [--seed 0] [--engine auto|atheris|mutate]

Targets: datagram, payload, frame, body, certificate, invite, genesis. Nothing may raise but the errors that are meant
for it; nothing is accepted that is not in its one canonical form; what is read is written again to the same thing.

With atheris (`pip install atheris`; Linux on x86-64) inputs are found by the code they reach; without it they are
samples changed by luck. Prints inputs per target; ends with status 1 and the input in hexadecimal when a law broke.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

INSTRUMENTED = "--instrumented" in sys.argv
if INSTRUMENTED:
    import atheris

with atheris.instrument_imports(include=["waggledance"]) if INSTRUMENTED else contextlib.nullcontext():
    import msgspec

    from waggledance.consensus import (
        Certificate,
        CertificateInvalid,
        Certifier,
        outcome_of_decision,
        verify_certificate,
    )
    from waggledance.core import (
        UNIT,
        Channel,
        Decision,
        Key,
        Member,
        Message,
        Note,
        Opening,
        PeerFault,
        Question,
        UsageError,
        frame,
        open_frame,
    )
    from waggledance.core._message import KINDS, compose, decode_body, encode_canonical, message_id
    from waggledance.mesh import LOBBY, Genesis, Join, Node, genesis_from_json, new_invite, read_invite
    from waggledance.mesh._held import EMPTY
    from waggledance.mesh._invite import PREFIX
    from waggledance.mesh._simulated_transport import SimulatedTransport
    from waggledance.mesh._swim_messages import Ping, PingRequest, death, refutation
    from waggledance.mesh._wire import (
        Answer,
        Ask,
        AskGenesis,
        Hello,
        Outline,
        Push,
        _Datagram,
        _encode,
        _signed,
        open_datagram,
        seal,
    )
    from waggledance.network import Give, Have, VirtualLoop, Want
    from waggledance.network._sync import Tip

KEYS = [Key(bytes([n]) * 32) for n in range(1, 5)]
ME, ADA, BEN, GUEST = KEYS
GENESIS = Genesis(name="fuzz", members=tuple(Member(key.peer, f"p{n}", UNIT) for n, key in enumerate(KEYS[:3])))
NOW_MS = 1_790_000_000_000
Check = Callable[[bytes], None]
TARGETS = ("datagram", "payload", "frame", "body", "certificate", "invite", "genesis")


class Quiet:
    """Links that lead nowhere."""

    def carry(self, *_: object) -> None:
        return

    def others(self, _: object) -> list[Any]:
        return []


class Hand:
    """A clock that goes on by ten milliseconds an input."""

    at = 0.0

    def now(self) -> float:
        return self.at

    def wall_ms(self) -> int:
        return NOW_MS + int(self.at * 1000)


class Live:
    """A node among members whose keys the fuzzer holds, and what must be true of it after whatever it was sent."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=lambda: VirtualLoop(1e9))
        self.clock = Hand()
        self._luck = Random(1)
        self._renew()

    def _renew(self) -> None:
        async def begin() -> Node:
            transport = SimulatedTransport(ME.peer, Quiet())  # type: ignore[arg-type]
            node = Node(ME, GENESIS, transport, clock=self.clock, rng=Random(1))
            transport.listen(node._receive, node._on_presence)
            return node

        self.node = self._runner.run(begin())
        self.node.lobby.copy.subscribe(self._look)
        self._sent = 0

    def _look(self, message: Message[Any], raw: bytes) -> None:
        assert open_frame(frame(message)).id == message.id, "something not canonical was kept"
        assert message.author in self.node.membership.ever or isinstance(message.body, Join), "a stranger came in"

    def close(self) -> None:
        self._runner.close()

    def take(self, datagram: bytes) -> None:
        self.clock.at += 0.01
        self._sent += 1
        if self._sent > 2_000:
            self._renew()
        self.node._receive((datagram,))
        assert set(self.node.channels) == {LOBBY} or all(
            held.asker is not None for name, held in self.node.channels.items() if name != LOBBY
        ), "a channel without an opening is held"
        assert {member.id for member in GENESIS.members} >= {
            id for id, member in self.node.members.items() if member.weight
        }, "a vote was made up"


@contextlib.contextmanager
def laws() -> Iterator[dict[str, Check]]:
    """Yield the laws, by target; a node lives as long as the context is open."""
    live = Live()
    try:
        yield checks(live)
    finally:
        live.close()


def checks(live: Live) -> dict[str, Check]:
    """Return the laws, by target."""

    def datagram(data: bytes) -> None:
        with contextlib.suppress(PeerFault):
            open_datagram(ME.peer, GENESIS.swarm, data, GENESIS.founder)  # type: ignore[arg-type]
        live.take(data)

    def payload(data: bytes) -> None:
        signature = ADA.sign(_signed(GENESIS.swarm, ME.peer, data))
        live.take(_encode(_Datagram(1, ADA.peer, data, signature)))

    def framed(data: bytes) -> None:
        try:
            message = open_frame(data)
        except PeerFault:
            return
        assert frame(message) == data, "two frames for one message"

    def body(data: bytes) -> None:
        kinds = sorted(KINDS)
        kind, raw = kinds[data[0] % len(kinds)] if data else kinds[0], data[1:]
        try:
            read = decode_body(kind, raw)
        except PeerFault:
            read = None
        else:
            assert msgspec.msgpack.encode(read, order="sorted") == raw, "two forms of one body"
        held = live.node.lobby.copy.head(BEN.peer)
        plain = {"au": BEN.peer, "bo": raw, "ch": LOBBY, "ki": kind, "lc": 1 if held is None else held.lamport + 1,
                 "net": GENESIS.swarm, "pa": (), "pv": None if held is None else held.id,
                 "sq": 1 if held is None else held.sequence + 1, "ts": 0, "v": 1}  # fmt: skip
        envelope = encode_canonical(plain)
        whole = encode_canonical((envelope, BEN.sign(message_id(envelope))))
        before = len(live.node.lobby.copy)
        live.take(seal(BEN, GENESIS.swarm, ME.peer, Push(LOBBY, (whole,))))
        assert read is not None or len(live.node.lobby.copy) in (before, 0), "a body that cannot be read was kept"

    genuine = certificate()

    def certificates(data: bytes) -> None:
        try:
            read = Certificate.from_json(data)
            again = Certificate.from_json(read.to_json())
            assert again == read, "a certificate changes when it is written"
            verified = verify_certificate(read, GENESIS.members)
        except CertificateInvalid:
            return
        assert verified.digest == genuine.decided.digest(), "a forged certificate holds"

    def invite(data: bytes) -> None:
        for text in (data.decode("latin-1"), PREFIX + urlsafe_b64encode(data).decode().rstrip("=")):
            with contextlib.suppress(UsageError):
                held = read_invite(text, now_ms=NOW_MS)
                assert held.text == "".join(text.split()), "two texts for one invite"

    def genesis(data: bytes) -> None:
        with contextlib.suppress(UsageError):
            read = genesis_from_json(data)
            assert genesis_from_json(read.to_json()).swarm == read.swarm, "a genesis changes when it is written"

    return dict(zip(TARGETS, (datagram, payload, framed, body, certificates, invite, genesis), strict=True))


def certificate() -> Certificate:
    """Return a genuine certificate of the three members."""
    asked = Opening(question=Question(text="2+2?"), members=GENESIS.members, protocol="vote", rule="majority")
    opening, _ = compose(ADA.peer, asked, 1, None, (), 1, 0, GENESIS.swarm, "q1")
    outcome = outcome_of_decision(
        Decision(status="decided", key="4", winner=None, support={"4": 3 * UNIT}, rule="majority")
    )
    desk, keys = Channel(GENESIS.swarm, "q1"), {key.peer: key for key in KEYS[:3]}
    seats = [
        Certifier(key.peer, key.sign, opening.id, GENESIS.members, "byzantine", lambda _: outcome, "majority", {})
        for key in keys.values()
    ]
    said = [(seat.me, body) for seat in seats for body in seat.finished((), 0.0)]
    now = 0.0
    while seats[0].certificate is None:
        for author, body in said:
            message = desk.publish(author, body, [], 0)
            said = [*said[1:], *((seat.me, more) for seat in seats for more in seat.on(message, now))]
        now = min(seat.next_at for seat in seats)
        said += [(seat.me, more) for seat in seats for more in seat.tick(now)]
    return seats[0].certificate.about(opening)


def samples(target: str) -> list[bytes]:
    """Return valid inputs of a target, to begin with."""
    swarm = GENESIS.swarm
    note = ADA.signed(Channel(swarm, LOBBY).publish(ADA.peer, Note(about="greeting", text="grüezi"), [], 0))
    have = Have(LOBBY, bytes(32), (Tip(ADA.peer, 1, note.id),))
    claim = refutation(ADA, swarm, 3)
    payloads = [
        Push(LOBBY, (frame(note),)), Give(LOBBY, (frame(note),)), Hello(bytes(32), (have,)), Ask(Have(LOBBY, EMPTY, ())),
        Answer(have), Outline(((LOBBY, bytes(32)), ("q1", bytes(32)))), Want(LOBBY, (note.id,)), AskGenesis(),
        Ping(1, (claim, death(BEN, swarm, ADA.peer, 3, claim.signature))), PingRequest(1, BEN.peer, ()),
    ]  # fmt: skip
    held = new_invite(ADA, GENESIS, endpoints=("tcp/192.0.2.1:7447",), now_ms=NOW_MS, guest="guest")
    kinds = sorted(KINDS)
    bodies = [note.body, Join.of(held, GUEST.peer), Opening(question=Question(text="2+2?"), members=GENESIS.members)]
    match target:
        case "datagram":
            return [seal(ADA, swarm, ME.peer, said) for said in payloads]
        case "payload":
            return [msgspec.msgpack.encode(said) for said in payloads]
        case "frame":
            return [frame(note), frame(ADA.signed(Channel(swarm, "q1").publish(ADA.peer, bodies[2], [], 0)))]
        case "body":
            return [bytes([kinds.index(b.kind)]) + msgspec.msgpack.encode(b, order="sorted") for b in bodies]
        case "certificate":
            return [certificate().to_json().encode()]
        case "invite":
            text = held.text
            return [text.encode(), urlsafe_b64decode(text[len(PREFIX) :] + "=" * (-len(text[len(PREFIX) :]) % 4))]
        case _:
            return [GENESIS.to_json().encode()]


def changed(sample: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Return a sample with a few changes: bits, bytes, runs that are doubled, cut, swapped with another sample's."""
    data = bytearray(sample)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at, to = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        match rng.randrange(6):
            case 0 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 1:
                data[at:at] = rng.choice((b"\xff", b"\x91", b"\xc1", b"\xdf\xff\xff\xff\xff", b"\xca\x7f\xc0\0\0", b"[",
                                          b"\xed\xa0\x80", rng.randbytes(rng.randrange(9))))  # fmt: skip
            case 2:
                del data[at : min(to, at + 40)]
            case 3:
                data[at:at] = data[at : min(to, at + 40)] * rng.choice((1, 2, 100))
            case 4:
                other = rng.choice(others)
                cut = rng.randrange(len(other) + 1)
                data[at : at + 20] = other[cut : cut + 20]
            case _:
                data[at : at + 1] = rng.randbytes(1)
    return bytes(data[:100_000])


def mutate(target: str, seconds: float, seed: int) -> int:
    """Fuzz without coverage; return how many inputs were tried."""
    begin, rng = samples(target), Random(seed)
    until, tried = time.monotonic() + seconds, 0
    with laws() as by_target:
        while time.monotonic() < until:
            for _ in range(50):
                data = changed(rng.choice(begin), begin, rng) if tried >= len(begin) else begin[tried]
                try:
                    by_target[target](data)
                except BaseException:
                    print(f"{target}: this input breaks a law: {data.hex()}", file=sys.stderr)
                    raise
                tried += 1
    return tried


def guided(target: str, seconds: float, seed: int) -> int:
    """Fuzz with atheris, in a process of its own, which it ends; return how many inputs were tried."""
    with tempfile.TemporaryDirectory() as folder:
        for n, sample in enumerate(samples(target)):
            Path(folder, f"sample-{n}").write_bytes(sample)
        done = subprocess.run(
            [sys.executable, __file__, "--instrumented", target, folder, f"-max_total_time={int(seconds)}", f"-seed={seed + 1}",
             "-max_len=65536", "-print_final_stats=1", "-rss_limit_mb=2048", f"-artifact_prefix={folder}/broke-"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        broke = sorted(Path(folder).glob("broke-*"))
        if done.returncode or broke:
            inputs = " ".join(file.read_bytes().hex() for file in broke)
            print(f"{done.stderr[-3000:]}\n{target}: this input breaks a law: {inputs}", file=sys.stderr)
            raise SystemExit(1)
    [line] = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    return int(line.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="all when none is given")
    parser.add_argument("--seconds", type=float, default=60.0, help="in all, shared out among the targets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("auto", "atheris", "mutate"), default="auto")
    asked = parser.parse_args()
    chosen: list[str] = asked.target or list(TARGETS)
    engine = asked.engine if asked.engine != "auto" else "atheris" if find_spec("atheris") else "mutate"
    total = 0
    for target in chosen:
        began = time.monotonic()
        tried = (guided if engine == "atheris" else mutate)(target, asked.seconds / len(chosen), asked.seed)
        total += tried
        print(f"{target:12} {tried:>10,} inputs in {time.monotonic() - began:.1f} s, no law broken")
    print(f"{'all':12} {total:>10,} inputs, engine {engine}, seed {asked.seed}")


if __name__ == "__main__":
    if INSTRUMENTED:
        name = sys.argv[2]
        atheris.Setup([sys.argv[0], *sys.argv[3:]], checks(Live())[name])
        atheris.Fuzz()
    else:
        main()
