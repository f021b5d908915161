"""What programs do: run in a sandbox on the same inputs, and told as texts in which equal outputs are equal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from waggledance.core import UsageError
from waggledance.tasks._functional_consensus import CRASH, Candidate, Consensus, functional_consensus, within_domain
from waggledance.tasks._sandbox import Sandbox

_HARNESS = Path(__file__).with_name("_behaviour_harness.py")
_START_S = 5.0
"""To start Python and read the program, beside the time of the calls."""
_outputs = msgspec.json.Decoder(list[str]).decode


class Given(msgspec.Struct, frozen=True):
    """A test that came with the task: a call, and what must come out of it."""

    args: str
    """The arguments, as a Python tuple's text: ``"(3, [1, 2])"``."""
    expected: str
    """The value, as Python text."""


async def behaviours(
    programs: Sequence[str], entry: str, inputs: Sequence[str], sandbox: Sandbox, *, each_s: float = 2.0
) -> list[tuple[str, ...]]:
    """Return what each program's function does on each input.

    Each program runs in a sandbox of its own and each call in a process of its own: a fork bomb or an endless loop
    costs its own run only. Nothing random is fixed but the order of sets; a program that draws numbers is flaky.

    Args:
        programs: Python sources.
        entry: the function to call.
        inputs: arguments of a call, each as a Python tuple's text; literals only.
        sandbox: where they run.
        each_s: seconds of one call.

    Returns:
        For each program one text an input, equal where values are equal: 2.0 is 2, floats have 9 digits, sets and keys
        are sorted. It begins with ``"!"`` where there is no value: the exception's type, a time-out, the limit passed.

    Raises:
        UsageError: the entry is no name, or the time is not above 0.
        SandboxFailed: the sandbox could not be set up.
    """
    if not entry.isidentifier():
        raise UsageError(f"a function is called by its name, got {entry!r:.80}")
    if not each_s > 0:
        raise UsageError(f"a call has more than 0 seconds, got each_s={each_s}")
    calls = msgspec.json.encode([{"entry": entry, "args": args, "each_s": each_s} for args in inputs])
    limits = replace(sandbox.limits, wall_s=_START_S + each_s * len(inputs), cpu_s=_START_S + each_s * len(inputs))

    async def one(program: str) -> tuple[str, ...]:
        files = {
            "program.py": program.encode(errors="replace"),
            "calls.json": calls,
            "harness.py": _HARNESS.read_bytes(),
        }
        ran = await sandbox.run(
            [sys.executable, "-I", "-S", "-B", "harness.py"], files=files, limits=replace(limits, kept_bytes=1 << 22)
        )
        try:
            outputs = _outputs(ran.out.encode())
        except msgspec.DecodeError:
            outputs = []
        return tuple(outputs) if len(outputs) == len(inputs) else (f"{CRASH}{ran.why():.200}",) * len(inputs)

    distinct = list(dict.fromkeys(programs))
    found = dict(zip(distinct, await asyncio.gather(*map(one, distinct)), strict=True))
    return [found[program] for program in programs]


async def by_behaviour(
    programs: Sequence[str],
    entry: str,
    inputs: Sequence[str],
    sandbox: Sandbox,
    *,
    given: Sequence[Given] = (),
    each_s: float = 2.0,
) -> Consensus:
    """Run programs on the same inputs and order them by functional consensus, on those within the function's domain.

    Args:
        programs: Python sources; see `behaviours` for the others.
        entry: the function to call.
        inputs: what to call it with.
        sandbox: where they run.
        given: tests that came with the task; who fails one stands behind all who fail none.
        each_s: seconds of one call.

    Raises:
        UsageError: there is no program, or what `behaviours` refuses.
    """
    calls = [*inputs, *(test.args for test in given)]
    ran = await behaviours(programs, entry, calls, sandbox, each_s=each_s)
    wanted, n = await expected_outputs(given, sandbox), len(inputs)
    candidates = [
        Candidate(program, outputs[:n], wrong=outputs[n:] != wanted)
        for program, outputs in zip(programs, ran, strict=True)
    ]
    return functional_consensus(within_domain(candidates))


async def expected_outputs(given: Sequence[Given], sandbox: Sandbox) -> tuple[str, ...]:
    """Return what must come out of given tests, in the form that outputs have."""
    return (await behaviours([_TELLS], "tells", [f"({test.expected},)" for test in given], sandbox))[0] if given else ()


_TELLS = "def tells(value):\n    return value\n"
