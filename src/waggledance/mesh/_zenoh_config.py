"""The settings a zenoh session is opened with. Measured choices; the reasons stand beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import fspath
from typing import TYPE_CHECKING, Literal

from waggledance.mesh._tls import Tls
from waggledance.mesh._transport import MAX_DATAGRAM_BYTES
from waggledance.mesh._zenoh_endpoints import ENCRYPTED, PLAIN, Endpoint

if TYPE_CHECKING:
    import zenoh

Mode = Literal["peer", "client", "router"]
"""``peer`` on one network, ``client`` of hubs from behind a gateway, ``router`` to be such a hub."""
RETRY_FIRST_S, RETRY_LAST_S, RETRY_GROWTH = 0.5, 2.0, 1.5
"""How long after a failed dial the next one follows; the wait grows by that factor up to the last."""
BATCH_BYTES = 16 << 10
"""The engine's buffers: it keeps some for each link. A quarter of its own 64 KiB saves some 120 KB a link; in exchange
what is larger takes 1.3 to 1.5 times as long."""
HELD_S = 0.3
"""How long a receiver that takes nothing holds up the sending thread, until its link is closed. Below the lease."""


def zenoh_config(
    mode: Mode, listen: Sequence[Endpoint], connect: Sequence[Endpoint], *, scouting: bool, tls: Tls | None
) -> zenoh.Config:
    """Return the configuration of a session. Imports zenoh."""
    import zenoh

    link: dict[str, object] = {
        # An address heard by gossip is not dialled in the clear where links are to be encrypted.
        "protocols": ENCRYPTED if tls else PLAIN,
        # What a stranger may make us put together; the engine's own limit is 1 GiB.
        "rx": {"buffer_size": BATCH_BYTES, "max_message_size": MAX_DATAGRAM_BYTES + (64 << 10)},
        "tx": {
            "batch_size": BATCH_BYTES,
            # At 2 s a loaded host is taken for dead; at 10 s a healed cut stayed split for 90 s.
            "lease": 4000,
            "queue": {"congestion_control": {"block": {"wait_before_close": int(HELD_S * 1e6)}}},
        },
    }
    if tls is not None:
        link["tls"] = {
            "root_ca_certificate": fspath(tls.ca),
            "listen_certificate": fspath(tls.certificate),
            "listen_private_key": fspath(tls.key),
            "connect_certificate": fspath(tls.certificate),
            "connect_private_key": fspath(tls.key),
            "enable_mtls": True,
            "close_link_on_expiration": True,
        }
    settings: dict[str, object] = {
        "mode": mode,
        "scouting": {"multicast": {"enabled": scouting}, "gossip": {"enabled": True}},
        "connect": {
            "endpoints": [str(endpoint) for endpoint in connect],
            "retry": {
                "period_init_ms": int(RETRY_FIRST_S * 1000),
                "period_max_ms": int(RETRY_LAST_S * 1000),
                "period_increase_factor": RETRY_GROWTH,
            },
        },
        "transport": {
            "link": link,
            # So long a host that takes no connection holds up a client that has others to try.
            "unicast": {"open_timeout": 2000},
            # Pays above 1 MB only, where bodies go as blobs in pieces, and costs every process its pool.
            "shared_memory": {"enabled": False},
        },
    }
    if mode != "client":
        settings["listen"] = {"endpoints": [str(endpoint) for endpoint in listen]}
    return zenoh.Config.from_json5(json.dumps(settings))
