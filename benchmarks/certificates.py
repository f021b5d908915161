"""What certificates cost, and how many adversarial schedules a second can be searched.

    python benchmarks/certificates.py [--small] [--json]

CPU seconds of this process; medians of interleaved repeats, reference and ours in turn, so that ratios hold on a noisy
machine. The reference of a certificate is its signatures alone: PyNaCl signing and verifying as often.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import deque
from statistics import median
from typing import Any

from blake3 import blake3
from nacl.signing import SigningKey

from waggledance.consensus import Certificate, Certifier, Decided, Heads, members_hash, verify_certificate
from waggledance.consensus._certificate_bodies import ack_statement
from waggledance.core import Key, Member, Message, MessageId, swarm_id
from waggledance.core._message import compose
from waggledance.lab import wilson
from waggledance.testing import CarriesTheHighestAck, ForgetsItsLock, OnePhaseAcrossEpochs, search_schedules

QUESTION = MessageId(blake3(b"benchmark").digest())
SEEDS = [blake3(b"key %d" % i).digest() for i in range(100)]
KEYS = [Key(seed) for seed in SEEDS]
SIGNERS = [SigningKey(seed) for seed in SEEDS]


def heads(n: int) -> Heads:
    return tuple(sorted((key.peer, 1, MessageId(blake3(key.peer).digest())) for key in KEYS[:n]))


def outcome(cut: Heads) -> bytes:
    return blake3(b"".join(id for _, _, id in cut)).digest()


def members(n: int) -> tuple[Member, ...]:
    return tuple(Member(key.peer, f"p{i}") for i, key in enumerate(KEYS[:n]))


# -- verifying ------------------------------------------------------------------------------------------------------


def certificate_of(n: int, acks: int) -> Certificate:
    cut = heads(n)
    decided = Decided(question=QUESTION, rule="majority", params={"quorum": "byzantine", "phases": "2"}, cut=cut,
                      members=members_hash(members(n)), outcome=outcome(cut))  # fmt: skip
    statement = ack_statement(QUESTION, 0, decided.digest())
    signatures = tuple(sorted((key.peer, key.sign(statement)) for key in KEYS[:acks]))
    return Certificate(decided=decided, epoch=0, acks=signatures, members=members(n))


def verifying(repeats: int) -> tuple[float, float, float]:
    """Return seconds for 67 bare verifications, for the certificate with 67 acks, and for it from its text."""
    certificate = certificate_of(100, 67)
    text = certificate.to_json()
    statement = ack_statement(QUESTION, 0, certificate.decided.digest())
    verifiers = {bytes(signer.verify_key): signer.verify_key for signer in SIGNERS}
    bare, ours, from_text = [], [], []
    for _ in range(repeats):
        began = time.process_time()
        for author, signature in certificate.acks:
            verifiers[author].verify(statement, signature)
        bare.append(time.process_time() - began)
        began = time.process_time()
        verify_certificate(certificate, certificate.members)
        ours.append(time.process_time() - began)
        began = time.process_time()
        verify_certificate(Certificate.from_json(text), certificate.members)
        from_text.append(time.process_time() - began)
    return median(bare), median(ours), median(from_text)


# -- certifying -----------------------------------------------------------------------------------------------------


def certifying(n: int) -> int:
    """Let n members certify one decision with real signatures, all in this process; return the messages it took."""
    everybody = members(n)
    certifiers = [
        Certifier(key.peer, key.sign, QUESTION, everybody, "byzantine", outcome, "majority", {}) for key in KEYS[:n]
    ]
    waiting: deque[Message[Any]] = deque()
    numbers = [0] * n

    def publish(i: int, bodies: list[Any]) -> None:
        for body in bodies:
            numbers[i] += 1
            previous = None if numbers[i] == 1 else QUESTION
            waiting.append(compose(KEYS[i].peer, body, numbers[i], previous, (), 1, 0, swarm_id("b"), "q")[0])

    for i, certifier in enumerate(certifiers):
        publish(i, certifier.finished(heads(n), 0.0))
    said = 0
    while waiting:
        message = waiting.popleft()
        said += 1
        for i, certifier in enumerate(certifiers):
            publish(i, certifier.on(message, 0.0))
    assert all(certifier.certificate is not None for certifier in certifiers)
    return said


def bare_signatures(n: int) -> None:
    """Sign and verify as often as n members must at least: 2 signatures each; a quorum of preps and of acks checked."""
    quorum = (n + (n - 1) // 3) // 2 + 1
    signed = [(SIGNERS[i].verify_key, SIGNERS[i].sign(QUESTION).signature) for i in range(n) for _ in range(2)]
    for _ in range(n):
        for key, signature in signed[: 2 * quorum]:
            key.verify(QUESTION, signature)


def timed(work: Any, *args: Any) -> float:
    began = time.process_time()
    work(*args)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few repeats, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args()
    repeats, schedules = (3, {4: 60, 7: 30}) if options.small else (25, {4: 4000, 7: 1500})

    bare, ours, from_text = verifying(repeats)
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "verify 67 acks": {"bare_ms": bare * 1e3, "ours_ms": ours * 1e3, "from_text_ms": from_text * 1e3},
        "certify": {}, "schedules": {},
    }  # fmt: skip
    for n in (4, 7, 16):
        pairs = [(timed(bare_signatures, n), timed(certifying, n)) for _ in range(repeats)]
        reference, took = (median(column) for column in zip(*pairs, strict=True))
        result["certify"][n] = {"bare_ms": reference * 1e3, "ours_ms": took * 1e3, "messages": certifying(n)}
    rules = [("one phase, every epoch", OnePhaseAcrossEpochs, False), ("highest ack carried", CarriesTheHighestAck, False),
             ("two phases, no lock", ForgetsItsLock, False), ("two phases with lock", Certifier, False),
             ("one phase, one epoch", Certifier, True)]  # fmt: skip
    for n, liars in ((4, 1), (7, 2)):
        for name, make, one_phase in rules:
            began = time.process_time()
            found = search_schedules(schedules[n], members=n, liars=liars, make=make, one_phase=one_phase)
            took = time.process_time() - began
            bad = len(found.contradictions)
            result["schedules"][f"{n} members, {liars} lying: {name}"] = {
                "schedules": schedules[n], "contradictions": bad, "share_95": wilson(bad, schedules[n]),
                "endless": len(found.endless), "a_second": schedules[n] / took,
            }  # fmt: skip
    if options.json:
        print(json.dumps(result, default=str))
        return
    print(result["machine"])
    print(
        f"verify 67 acks: bare {bare * 1e3:.2f} ms, ours {ours * 1e3:.2f} ms ({ours / bare:.2f}x), from JSON {from_text * 1e3:.2f} ms"
    )
    for n, row in result["certify"].items():
        print(f"certify among {n}: signatures alone {row['bare_ms']:.1f} ms, ours {row['ours_ms']:.1f} ms "
              f"({row['ours_ms'] / row['bare_ms']:.2f}x), {row['messages']} messages")  # fmt: skip
    for name, row in result["schedules"].items():
        print(f"{name}: {row['contradictions']} of {row['schedules']} contradict {row['share_95']}, "
              f"{row['endless']} endless, {row['a_second']:.0f} a second")  # fmt: skip


if __name__ == "__main__":
    main()
