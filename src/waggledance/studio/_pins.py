"""Pins: messages that somebody wants to find again, in a small file beside the log."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec

from waggledance.core import UsageError
from waggledance.studio._shapes import Pin, Pins

PINS_AT_MOST = 1_000
NOTE_CHARS = 2_000
MAX_FILE_BYTES = 8 << 20


class PinBoard:
    """The pins of one log.

    Args:
        log: the log's file; pins stand in ``NAME.pins.json`` beside it.
    """

    def __init__(self, log: Path) -> None:
        self.path = log.with_name(log.name + ".pins.json")
        self._lock = threading.Lock()

    def pins(self) -> Pins:
        """Return all pins, in the order in which they were set.

        Raises:
            UsageError: the file is damaged.
        """
        try:
            if self.path.stat().st_size > MAX_FILE_BYTES:
                raise UsageError(f"{self.path} has more than {MAX_FILE_BYTES:,} bytes; that are no pins. Remove it")
            return msgspec.json.decode(self.path.read_bytes(), type=Pins)
        except FileNotFoundError:
            return Pins(())
        except (msgspec.DecodeError, OSError) as why:
            raise UsageError(f"the pins in {self.path} cannot be read ({why}): mend or remove the file") from why

    def set(self, pin: Pin) -> Pins:
        """Set a pin, or change the note of one that is there; return all pins.

        Raises:
            UsageError: it names no message, its note is too long, there are too many, or they cannot be written.
        """
        if len(pin.note) > NOTE_CHARS:
            raise UsageError(f"a pin's note has at most {NOTE_CHARS:,} characters, got {len(pin.note):,}")
        if len(pin.id) != 64 or not set(pin.id) <= set("0123456789abcdef") or not 1 <= len(pin.channel) <= 128:
            raise UsageError("a pin names a channel, and a message by its 64 hexadecimal digits")
        with self._lock:
            found = {(other.channel, other.id): other for other in self.pins().pins}
            found[pin.channel, pin.id] = pin
            if len(found) > PINS_AT_MOST:
                raise UsageError(f"there are {PINS_AT_MOST:,} pins, which is the limit; remove some")
            return self._write(found)

    def remove(self, channel: str, id: str) -> Pins:
        """Remove a pin; one that is not there is no error. Return all pins.

        Raises:
            UsageError: they cannot be written.
        """
        with self._lock:
            found = {(other.channel, other.id): other for other in self.pins().pins}
            if found.pop((channel, id), None) is None:
                return Pins(tuple(found.values()))
            return self._write(found)

    def _write(self, found: dict[tuple[str, str], Pin]) -> Pins:
        pins = Pins(tuple(found.values()))
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123  # only its owner may read it
                file.write(msgspec.json.format(msgspec.json.encode(pins), indent=2) + b"\n")
            beside.replace(self.path)
        except OSError as why:
            beside.unlink(missing_ok=True)
            raise UsageError(f"the pins cannot be written to {self.path}: {why.strerror or why}") from why
        return pins
