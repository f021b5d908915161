"""Where a session listens and whom it dials: ``tcp/host:port``, read strictly, with port 0 turned into a free one."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

from waggledance.core import RunFailed, UsageError

PLAIN, ENCRYPTED = ("tcp",), ("tls", "quic")
_ENDPOINT = re.compile(r"(?P<scheme>[a-z]+)/(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})", re.ASCII)


class CannotListen(RunFailed):
    """A port is taken, or the address is not this machine's. `endpoint` is what was asked for, `why` what was seen."""

    def __init__(self, endpoint: str, why: str) -> None:
        super().__init__(endpoint, why)
        self.endpoint, self.why = endpoint, why

    def __str__(self) -> str:
        return (
            f"cannot listen on {self.endpoint}: {self.why}. Choose another port (0 takes a free one) or an address "
            "of this machine, or end what uses it."
        )


@dataclass(frozen=True)
class Endpoint:
    """One address of a transport: scheme, host (IPv6 in brackets) and port, 0 to 65535."""

    scheme: str
    host: str
    port: int

    schemes: ClassVar[tuple[str, ...]] = PLAIN + ENCRYPTED

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read ``scheme/host:port``. What the engine would take beyond that, such as settings after ``#``, is refused.

        Raises:
            UsageError: it reads otherwise, the scheme is none of `schemes`, or the port is above 65535.

        >>> Endpoint.parse("tcp/[::1]:7447")
        Endpoint(scheme='tcp', host='[::1]', port=7447)
        """
        match = _ENDPOINT.fullmatch(text)
        if match is None or match["scheme"] not in cls.schemes or int(match["port"]) > 65535:
            raise UsageError(
                f"{text!r} is no endpoint. Write scheme/host:port with one of {', '.join(cls.schemes)}, "
                "such as tcp/192.168.1.7:7447 or tls/bees.example.org:7447."
            )
        return cls(match["scheme"], match["host"], int(match["port"]))

    def __str__(self) -> str:
        return f"{self.scheme}/{self.host}:{self.port}"


def read_endpoints(texts: Sequence[str], *, encrypted: bool, dialled: bool) -> tuple[Endpoint, ...]:
    """Read endpoints that are all plain or all encrypted; one that is dialled needs a port.

    Raises:
        UsageError: one is malformed, all are one bare string, or one would carry in the clear what the others encrypt.
    """
    if isinstance(texts, str):
        raise UsageError(f"endpoints are a list, got the text {texts!r}. Write [{texts!r}].")
    endpoints = tuple(Endpoint.parse(text) for text in texts)
    for endpoint in endpoints:
        if encrypted and endpoint.scheme in PLAIN:
            raise UsageError(f"certificates were given, but {endpoint} is not encrypted. Write tls/… or quic/….")
        if not encrypted and endpoint.scheme in ENCRYPTED:
            raise UsageError(f"{endpoint} needs certificates. Give tls=Tls(ca, certificate, key), or write tcp/….")
        if dialled and endpoint.port == 0:
            raise UsageError(f"{endpoint} cannot be dialled: port 0 means any free one. Give the port it listens on.")
    return endpoints


def dialable(texts: Iterable[str], *, encrypted: bool) -> tuple[str, ...]:
    """Return those of the endpoints that others claim which can be dialled here; what they cannot mean is left out."""

    def is_dialable(text: str) -> bool:
        try:
            read_endpoints([text], encrypted=encrypted, dialled=True)
        except UsageError:
            return False
        return True

    return tuple(text for text in texts if is_dialable(text))


def with_free_ports(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoints with every port 0 replaced by one that is free now, after seeing that each can be bound.

    A port may be taken by somebody else before the caller binds it; then ask again.

    Raises:
        CannotListen: one cannot be bound here.
    """
    bound: list[Endpoint] = []
    with ExitStack() as held:  # all at once, so that no two get the same port
        for endpoint in endpoints:
            kind = socket.SOCK_DGRAM if endpoint.scheme == "quic" else socket.SOCK_STREAM
            try:
                family, _, _, _, address = socket.getaddrinfo(
                    endpoint.host.strip("[]"), endpoint.port, type=kind, flags=socket.AI_PASSIVE
                )[0]
                probe = held.enter_context(socket.socket(family, kind))
                if kind == socket.SOCK_STREAM and os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            except OSError as fault:
                raise CannotListen(str(endpoint), fault.strerror or str(fault)) from None
            bound.append(Endpoint(endpoint.scheme, endpoint.host, probe.getsockname()[1]))
    return tuple(bound)
