"""A switch between network namespaces that loses and delays frames, so that the kernel's own TCP has to send again.

python _bad_switch.py '{"hosts": ["waggle1h1", …], "loss_ppm": 100000, "delayed_ppm": 0, "late_ms": 0, "seed": 1}'

Every host gets a TAP device ``eth0``; what a host sends comes out here, and goes to whose address it bears, or to all.
Each frame to each host is lost or made late by a draw of its own. Says ``ready`` once all cables are in, and what it
did, as one JSON line, when its input ends. Linux, as root; `tc netem` does it inside the kernel where there is one.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import struct
import subprocess
import sys
import time
from collections import Counter
from heapq import heappop, heappush
from random import Random
from typing import Any

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
MAX_FRAME_BYTES = 65_536
UNIT = 1_000_000


def cable(number: int, host: str) -> int:
    """Make a TAP device, put its other end into a host, and return this end."""
    name = f"p{number}"
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    subprocess.run(["ip", "link", "set", name, "netns", host, "name", "eth0"], check=True, capture_output=True)
    return end


class BadSwitch:
    """Forwards frames between cables, most of them."""

    def __init__(self, ends: list[int], settings: dict[str, Any]) -> None:
        self._ends, self._rng = ends, Random(settings["seed"])
        self._loss_ppm, self._delayed_ppm = settings["loss_ppm"], settings["delayed_ppm"]
        self._late_s = settings["late_ms"] / 1000
        self._behind: dict[bytes, int] = {}
        """By hardware address: behind which cable it was seen."""
        self._late: list[tuple[float, int, int, bytes]] = []
        self.did: Counter[str] = Counter()

    def take(self, end: int) -> None:
        """Forward what has come in by a cable."""
        while True:
            try:
                frame = os.read(end, MAX_FRAME_BYTES)
            except BlockingIOError:
                return
            to, sender = frame[:6], frame[6:12]
            self._behind[sender] = end
            known = self._behind.get(to)
            for other in self._ends if known is None else (known,):
                if other != end:
                    self._forward(other, frame)

    def _forward(self, end: int, frame: bytes) -> None:
        self.did["frames"] += 1
        if self._rng.randrange(UNIT) < self._loss_ppm:
            self.did["lost"] += 1
        elif self._rng.randrange(UNIT) < self._delayed_ppm:
            self.did["late"] += 1
            at = time.monotonic() + self._rng.random() * self._late_s
            heappush(self._late, (at, self.did["late"], end, frame))
        else:
            self._put(end, frame)

    def _put(self, end: int, frame: bytes) -> None:
        try:
            os.write(end, frame)
        except OSError:  # its host is down, or its queue is full: lost as well
            self.did["refused"] += 1

    def hand_out(self) -> float | None:
        """Put what was late on its way, if it is time; return the seconds to the next."""
        while self._late and self._late[0][0] <= time.monotonic():
            _, _, end, frame = heappop(self._late)
            self._put(end, frame)
        return max(0.0, self._late[0][0] - time.monotonic()) if self._late else None


def main() -> None:
    settings = json.loads(sys.argv[1])
    ends = [cable(number, host) for number, host in enumerate(settings["hosts"])]
    switch = BadSwitch(ends, settings)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as ready:
        for end in (*ends, sys.stdin.fileno()):
            ready.register(end, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select(switch.hand_out()):
                if key.fd == sys.stdin.fileno():
                    sys.stdout.write(json.dumps(switch.did) + "\n")
                    return
                switch.take(key.fd)


if __name__ == "__main__":
    main()
