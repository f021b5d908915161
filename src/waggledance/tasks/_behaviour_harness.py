"""Run as a program in the sandbox: calls a function of a program on inputs, each in a process of its own.

    python harness.py        beside it: program.py, calls.json [{"entry", "args" as Python text, "each_s"}, …]

Prints one JSON list: for each call what came out, as text in which equal values are equal, or "!" and what went wrong.
It imports nothing of ours.
"""

import ast
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

MAX_TEXT = 100_000
CRASH = "!"
_END = b"\0"


def canonical(value: Any, depth: int = 0) -> str:
    """Return a text that is the same for equal values: sets and keys sorted, floats to 9 digits, 2.0 as 2."""
    if depth > 50:
        return "…"
    if value is None or isinstance(value, (str, bytes)):
        return repr(value)
    if isinstance(value, (bool, int)):
        return str(int(value))  # True == 1, as a test would find
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.9g}"
    below = depth + 1
    if isinstance(value, (list, tuple)):
        inside = ",".join(_each(value, below))
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, (set, frozenset)):
        return "{" + ",".join(sorted(_each(value, below))) + "}"
    if isinstance(value, dict):
        pairs = zip(_each(value.keys(), below), _each(value.values(), below), strict=True)
        return "{" + ",".join(sorted([f"{key}:{held}" for key, held in pairs])) + "}"
    inner: Any = getattr(value, "__dict__", None)
    return f"{type(value).__name__} {canonical(inner, below) if isinstance(inner, dict) else ''}"


def _each(values: Any, depth: int) -> list[str]:
    return [canonical(value, depth) for value in values]


def one(program: Any, entry: str, args: str) -> str:
    try:
        space: dict[str, Any] = {"__name__": "program"}
        exec(program, space)  # noqa: S102 — that is what it is for: within a sandbox
        value = space[entry](*ast.literal_eval(args))
        if hasattr(value, "__next__"):
            value = [item for item, _ in zip(value, range(10_000), strict=False)]
        text = canonical(value)
        return text if len(text) <= MAX_TEXT else f"{CRASH}its output is too long"
    except MemoryError:
        return f"{CRASH}MemoryError"
    except BaseException as why:  # noqa: BLE001 — SystemExit and all
        return f"{CRASH}{type(why).__name__}"


def in_a_child(program: Any, entry: str, args: str, each_s: float, aside: int) -> str:
    """Call in a child with a time of its own; whatever it does to itself costs this call only."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.close(aside)
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (int(each_s) + 1, int(each_s) + 2))
        os.write(writing, one(program, entry, args).encode(errors="replace") + _END)
        os._exit(0)
    os.close(writing)
    said, until_s = b"", time.monotonic() + each_s
    while (left_s := until_s - time.monotonic()) > 0 and select.select([reading], [], [], left_s)[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            break
        said += part
        if said.endswith(_END):  # children of its own may hold the pipe for ever
            break
    else:
        said = f"{CRASH}time-out".encode()
    os.close(reading)
    try:
        os.killpg(child, signal.SIGKILL)
    except OSError:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return said.removesuffix(_END).decode(errors="replace") or f"{CRASH}killed"


def main() -> None:
    with open("program.py") as file:  # noqa: PTH123 — pathlib takes time to import
        source = file.read()
    with open("calls.json") as file:  # noqa: PTH123
        calls = json.load(file)
    aside = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        program: Any = compile(source, "program.py", "exec")
        outputs = [in_a_child(program, c["entry"], c["args"], c["each_s"], aside) for c in calls]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as why:
        outputs = [f"{CRASH}{type(why).__name__}"] * len(calls)
    os.write(aside, json.dumps(outputs).encode())


if __name__ == "__main__":
    main()
    sys.stdout.flush()
