"""How a remote agent is reached by gRPC: in the clear only where its card came in the clear too."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio

_PLAIN, _TLS = ("http", "grpc"), ("https", "grpcs")


def channel_to(url: str, *, secure: bool, max_bytes: int) -> grpc.aio.Channel:
    """Return a channel to an address as cards write it: ``HOST:PORT``, or with a scheme before it.

    Args:
        url: the address.
        secure: whether one without a scheme is spoken to by TLS.
        max_bytes: the largest message that is taken.

    Raises:
        ValueError: it has a scheme that is none of gRPC's.
    """
    scheme, _, target = url.rpartition("://")
    if scheme and scheme not in _PLAIN + _TLS:
        raise ValueError(f"{url[:100]!r} is no address for gRPC")
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", max_bytes),
        ("grpc.enable_http_proxy", 0),  # as by HTTP: the address that was checked is the one that is connected to
    ]
    target = target.rstrip("/")
    if scheme in _TLS or (secure and not scheme):
        return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options)
    return grpc.aio.insecure_channel(target, options)
