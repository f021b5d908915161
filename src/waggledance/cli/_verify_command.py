"""`waggle verify`: check a certificate, offline, with nothing but public keys."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from waggledance.cli._printing import print_json, print_text
from waggledance.cli._safe_text import one_line
from waggledance.consensus import Certificate, CertificateInvalid, Verified, verify_certificate
from waggledance.core import UNIT, Log, Member, Opening, RunFailed, UnknownName, UsageError
from waggledance.mesh import LOBBY, Genesis, Home, load_genesis, membership_of

MAX_FILE_BYTES = 8 * 1024 * 1024
_NOBODY_KNOWN = (
    "were not known before: those in the certificate signed it, and nothing here says whose they are. "
    "Give --genesis FILE or --swarm NAME to check that"
)


class DoesNotHold(RunFailed):
    """A certificate that proves nothing; carries why."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


def verify(file: str, genesis_file: Path | None, swarm: str | None, *, as_json: bool) -> None:
    """Check a certificate and print what it proves, and to whom.

    Raises:
        DoesNotHold: it proves nothing.
        UsageError: the file, the genesis or the swarm cannot be read.
    """
    certificate = _read(file)
    try:
        opening = certificate.opened()
        trusted, whose = _trusted(certificate, opening, genesis_file, swarm)
        verified = verify_certificate(certificate, trusted)
    except CertificateInvalid as why:
        raise DoesNotHold(str(why)) from why
    question = None if opening is None else opening.body.question.text
    if as_json:
        print_json(_as_json(verified, certificate, question, whose))
        return
    print_text(f"holds: {verified.answer if verified.answer is not None else 'no answer in words'}")
    if question is not None:
        print_text(f"question  {one_line(question, 200)}")
    print_text(f"rule      {verified.rule} ({certificate.decided.params.get('protocol', '')})")
    print_text(f"signed by {', '.join(m.name for m in verified.signers)}: {len(verified.signers)} of "
               f"{len(certificate.members)}, {verified.weight / UNIT:g} of "
               f"{sum(m.weight for m in certificate.members) / UNIT:g} votes, epoch {verified.epoch}")  # fmt: skip
    print_text(f"keys      {whose}")


def _read(file: str) -> Certificate:
    try:
        text = sys.stdin.buffer.read(MAX_FILE_BYTES) if file == "-" else _bytes(Path(file))
    except OSError as why:
        raise UsageError(f"{file} cannot be read: {(why.strerror or str(why)).lower()}") from why
    try:
        return Certificate.from_json(text)
    except CertificateInvalid as why:
        raise DoesNotHold(str(why)) from why


def _bytes(file: Path) -> bytes:
    with file.open("rb") as source:
        return source.read(MAX_FILE_BYTES)


def _trusted(
    certificate: Certificate, opening: Any, genesis_file: Path | None, swarm: str | None
) -> tuple[Sequence[Member] | None, str]:
    """Return the members that the reader knows, and a sentence that says how; None where it knows none."""
    home = Home()
    if genesis_file is not None:
        return _voters(load_genesis(genesis_file)), f"are those of the founders in {genesis_file}"
    if swarm is None and isinstance(getattr(opening, "body", None), Opening):
        swarm = next((name for name in home.swarms() if home.genesis(name).swarm == opening.swarm), None)
    if swarm is None:
        return None, _NOBODY_KNOWN
    genesis = home.genesis(swarm)
    if opening is not None and opening.swarm != genesis.swarm:
        raise CertificateInvalid("members", f"it is of swarm {opening.swarm.hex()}, and {swarm!r} is another")
    asked = {member.id: member.weight for member in certificate.members}
    for members in _known_members(home, genesis):
        if {member.id: member.weight for member in members} == asked:
            return members, f"are those of the members of swarm {swarm!r}, as known here"
    return _voters(genesis), f"are those of the founders of swarm {swarm!r}"


def _known_members(home: Home, genesis: Genesis) -> list[list[Member]]:
    """Return who had a vote at the end of what each peer of this machine has seen of the lobby."""
    found: list[list[Member]] = []
    for key in home.ids():
        file = home.peer(genesis.name, key).log
        if not file.exists():
            continue
        try:
            log = Log(file, "r")
        except (UsageError, RunFailed):
            continue  # a damaged log says nothing about members; another may
        try:
            said = log.read(LOBBY)
        except (UnknownName, RunFailed):
            said = ()
        finally:
            log.close()
        found.append([m for m in membership_of(genesis, said).members.values() if m.weight])
    return found


def _voters(genesis: Genesis) -> list[Member]:
    return [member for member in genesis.members if member.weight]


def _as_json(verified: Verified, certificate: Certificate, question: str | None, whose: str) -> dict[str, Any]:
    return {
        "holds": True,
        "answer": verified.answer,
        "question": question,
        "rule": verified.rule,
        "epoch": verified.epoch,
        "digest": verified.digest.hex(),
        "signers": [{"name": m.name, "key": m.id.hex()} for m in verified.signers],
        "members": len(certificate.members),
        "weight": verified.weight,
        "keys": whose,
    }
