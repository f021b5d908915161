"""Run as a program: starts an MCP server of somebody else's, and ends it with all that it has started.

    python -I -S _mcp_keeper.py FOLDER MOST_BYTES COMMAND…

FOLDER is where the sandbox's keeper is, whose way of ending processes this is. The server reads our stdin itself. What
it prints comes through here line by line: what cannot be a message goes to stderr, and a line of more than MOST_BYTES
ends the server, so that nobody above ever has to hold it. It imports nothing else of ours, to start in milliseconds.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_READ_BYTES = 1 << 16
_SHOWN_BYTES = 200
_TOO_LONG = 3


class TooLong(Exception):
    """A line is longer than it may be."""


def lines(source: int, most_bytes: int) -> Iterator[bytes]:
    """Yield what comes out of a pipe, a line at a time; the last may lack its end."""
    parts: list[bytes] = []
    held = 0
    while chunk := os.read(source, _READ_BYTES):
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join([*parts, line]) + b"\n"
            parts, held = [], 0
        parts.append(rest)
        held += len(rest)
        if held > most_bytes:
            raise TooLong
    if held:
        yield b"".join(parts)


def pass_on(source: int, most_bytes: int) -> None:
    """Hand on the lines that can be messages."""
    for line in lines(source, most_bytes):
        if line.lstrip()[:1] == b"{":
            _write(1, line)
        elif line.strip():
            _write(2, b"not a message: " + line.strip()[:_SHOWN_BYTES] + b"\n")


def _write(to: int, text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[os.write(to, view) :]


def main(folder: str, most_bytes: int, command: list[str]) -> int:
    """Run the server until it ends; return its exit code, 128 + n for signal n."""
    sys.path.insert(0, folder)
    from _sandbox_keeper import end_all  # type: ignore[import-not-found]  # by its path

    def ask_to_end(_number: int, _frame: object) -> None:
        end_all()
        os._exit(128 + signal.SIGTERM)

    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.signal(signal.SIGTERM, ask_to_end)
    try:
        server = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 — it is what we are for
    except OSError as why:
        _write(2, f"{command[0]}: {why.strerror}\n".encode())
        return 127
    assert server.stdout is not None, "it was given a pipe"

    def end_with_it() -> None:
        server.wait()
        end_all()  # whoever is left may hold the pipe open

    ending = threading.Thread(target=end_with_it, daemon=True)
    ending.start()
    try:
        pass_on(server.stdout.fileno(), most_bytes)
        ending.join()
        code = server.wait()
    except TooLong:
        _write(2, f"the server printed a line of more than {most_bytes:,} bytes, and is ended\n".encode())
        code = _TOO_LONG
    except BrokenPipeError:  # nobody reads us any more
        code = 128 + signal.SIGPIPE
    end_all()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
